"""What Mailbox and aio.Mailbox have in common: names, arguments, options."""

import os
from typing import Any, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import _constants as c
from . import _spread

Name = Union[str, bytes]
Daemons = Union[Name, Sequence[Name]]


class _Default(str):
    """Tells that nothing was given."""


#: The Unix socket /tmp/4803 if it is there, else every address of localhost.
DEFAULT_DAEMON = _Default("4803@localhost")


class Stats(NamedTuple):
    """Counted since connect(), over all connections of the session."""

    messages_in: int
    bytes_in: int
    messages_out: int
    bytes_out: int
    reconnects: int
    queued_messages: int
    queued_bytes: int


class TLS(NamedTuple):
    """TLS with daemons that are reached by TCP; files hold PEM."""

    ca: Union[str, "os.PathLike[str]"] = ""    #: whom to trust; "": whom the system trusts
    cert: Union[str, "os.PathLike[str]"] = ""  #: ours, where the daemon asks for one
    key: Union[str, "os.PathLike[str]"] = ""   #: the key to it; "": in the same file
    server_name: str = ""                      #: in the daemon's; "": the host in its address


Secured = Union[None, bool, str, "os.PathLike[str]", TLS]


def encode(name: Any, what: str) -> bytes:
    if isinstance(name, str):
        return name.encode("utf-8", "surrogateescape")
    if isinstance(name, (bytes, bytearray, memoryview)):
        return bytes(name)
    raise TypeError("%s must be str or bytes, not %s" % (what, type(name).__name__))


def encode_message(message: Any) -> bytes:
    if isinstance(message, bytes):
        return message
    if isinstance(message, str):
        return message.encode("utf-8")
    try:
        return bytes(memoryview(message))
    except TypeError:
        raise TypeError("message must be str or bytes-like, not %s"
                        % type(message).__name__) from None


def encode_groups(groups: Iterable[Name]) -> List[bytes]:
    if isinstance(groups, (str, bytes, bytearray)):
        raise TypeError("groups must be a sequence of names, not one name")
    names = [encode(group, "group") for group in groups]
    if not names:
        raise ValueError("there must be at least one group")
    return names


def split_service(service_type: int) -> Tuple[int, int]:
    """Service and self-discard of a service type as stock has it."""
    if not isinstance(service_type, int):
        raise TypeError("service_type must be int, not %s" % type(service_type).__name__)
    if service_type & ~(c.REGULAR_MESS | c.SELF_DISCARD):
        raise ValueError("invalid service type")
    return service_type & c.REGULAR_MESS, 1 if service_type & c.SELF_DISCARD else 0


def to_int16(number: int) -> int:
    """As a C short takes it: 70000 arrives as 4464."""
    return ((number + 0x8000) & 0xFFFF) - 0x8000


def servers_of(daemon: Daemons, servers: Optional[Sequence[Name]]) -> Tuple[List[bytes], bool]:
    """The list, and whether a name in it is bytes."""
    if servers is not None:
        names = list(servers)
    elif isinstance(daemon, (str, bytes)):
        names = [daemon]
        if isinstance(daemon, _Default) and os.path.exists("/tmp/%d" % c.DEFAULT_SPREAD_PORT):
            names = [str(c.DEFAULT_SPREAD_PORT), daemon]
    elif daemon is None:
        raise TypeError("daemon must be str or bytes, not None")
    else:
        names = list(daemon)
    if not names:
        raise ValueError("there must be at least one server")
    encoded = [encode(name, "daemon") for name in names]
    return encoded, any(isinstance(name, bytes) for name in names)


def encode_tls(tls: Secured) -> List[bytes]:
    """Nothing, or the four fields of TLS."""
    if tls is None or tls is False:
        return []
    if tls is True:
        tls = TLS()
    elif not isinstance(tls, TLS):
        tls = TLS(tls)
    return [os.fsencode(field) for field in tls]


def open_session(daemon: Daemons, name: Optional[Name], priority: int, membership: Any, *,
                 servers: Optional[Sequence[Name]] = None,
                 shuffle: bool = False,
                 connect_timeout: float = 5.0,
                 send_timeout: float = 1e6,
                 allow_reconnect: bool = False,
                 max_reconnect_attempts: int = -1,
                 reconnect_time_wait: float = 0.1,
                 reconnect_time_wait_max: float = 5.0,
                 name_in_use_wait: float = 10.0,
                 allow_name_change: bool = False,
                 user: Name = "",
                 password: Name = "",
                 auth_methods: Sequence[Name] = (),
                 tls: Secured = None,
                 ping_interval: float = 0.0,
                 max_outstanding_pings: int = 2,
                 pending_size: int = 1 << 20,
                 pending_messages: int = 10000) -> _spread.Session:
    """Blocks until connected. See spread.connect() for the arguments."""
    encoded, has_bytes = servers_of(daemon, servers)
    private_name = encode(name, "name") if name is not None else b""
    rounds = max_reconnect_attempts if allow_reconnect else 0
    return _spread.connect(
        encoded, private_name[:c.MAX_PRIVATE_NAME], int(priority), 1 if membership else 0,
        1 if has_bytes or isinstance(name, bytes) else 0, 1 if shuffle else 0, connect_timeout,
        send_timeout, ping_interval, max_outstanding_pings, pending_size, pending_messages,
        rounds, reconnect_time_wait, reconnect_time_wait_max, name_in_use_wait,
        1 if allow_name_change else 0,
        [encode(method, "auth_methods") for method in auth_methods], encode(user, "user"),
        encode(password, "password"), encode_tls(tls))
