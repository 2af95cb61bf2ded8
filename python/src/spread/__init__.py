"""Client of the Spread group communication system.

    import spread
    with spread.connect("4803@localhost", "alice") as mbox:
        mbox.join("room")
        mbox.multicast(spread.AGREED_MESS, "room", "hello")
        while True:
            print(mbox.receive())

Compatible with Tim Peters' SpreadModule and its ports to Python 3, see docs/client-python.md.
spread.aio is the same for asyncio.
"""

from typing import Any, Iterable, Optional, Sequence, Tuple, Union

from ._constants import *  # noqa: F403
from . import _constants as _c
from . import _errors
from ._errors import (ConnectionClosed, CouldNotConnect, IllegalGroup, IllegalService,
                      IllegalSpread, MessageTooLong, NotUnique, Rejected, error)
from . import _messages
from ._messages import (DisconnectedMsg, Event, GroupId, MembershipMsg, ReconnectedMsg,
                        RegularMsg, RejectMsg, Unsent)
from . import _session
from . import _spread
from ._session import TLS, Daemons, Name, Stats

__version__ = "0.3.0"

SpreadError = error
RegularMsgType = RegularMsg
MembershipMsgType = MembershipMsg
GroupIdType = GroupId


class Mailbox:
    """A connection to a daemon. Made by connect().

    May be used by several threads: senders and receivers do not wait for each other.
    """

    __slots__ = ("_session", "_closed", "_private_group", "__weakref__")
    _session: _spread.Session
    _closed: bool

    def __new__(cls, *args: Any, **kwargs: Any) -> "Mailbox":
        raise TypeError("cannot create 'Mailbox' instances; call spread.connect()")

    def _open(self, caller: str) -> _spread.Session:
        if self._closed:
            raise error("%s() called on closed mbox" % caller)
        return self._session

    def _guard(self, failure: error) -> None:
        """A failure that ends the connection closes the mailbox."""
        if failure.code in _errors.FATAL and self._session.state() != 1:
            self.disconnect()

    @property
    def private_group(self) -> Name:
        """Our own name in the network; after a reconnect it may be another."""
        return self._private_group if self._closed else self._session.private_group()

    @property
    def closed(self) -> bool:
        return self._closed

    disconnected = closed

    @property
    def is_connected(self) -> bool:
        return not self._closed and self._session.state() == 0

    @property
    def is_reconnecting(self) -> bool:
        return not self._closed and self._session.state() == 1

    @property
    def address(self) -> str:
        """Of the daemon, as it was given to connect()."""
        return self._session.address()

    @property
    def daemon_version(self) -> Tuple[int, int, int]:
        return self._session.daemon_version()

    @property
    def stats(self) -> Stats:
        return Stats(*self._session.stats())

    def join(self, group: Name) -> None:
        """Join a group; its memberships, ours first, come through receive()."""
        session = self._open("join")
        try:
            session.join(_session.encode(group, "group"))
        except error as failure:
            self._guard(failure)
            raise

    def leave(self, group: Name) -> None:
        session = self._open("leave")
        try:
            session.leave(_session.encode(group, "group"))
        except error as failure:
            self._guard(failure)
            raise

    def multicast(self, service_type: int, group: Name, message: Any,
                  message_type: int = 0) -> int:
        """Send to the members of a group, or to a private group. Returns the bytes sent."""
        return self._send("multicast", service_type, [_session.encode(group, "group")], message,
                          message_type)

    def multigroup_multicast(self, service_type: int, groups: Iterable[Name], message: Any,
                             message_type: int = 0) -> int:
        """Send once to all members of several groups; each gets one copy."""
        return self._send("multigroup_multicast", service_type, _session.encode_groups(groups),
                          message, message_type)

    def _send(self, caller: str, service_type: int, groups: Sequence[bytes], message: Any,
              message_type: int) -> int:
        session = self._open(caller)
        service, self_discard = _session.split_service(service_type)
        body = _session.encode_message(message)
        try:
            session.multicast(service, self_discard, groups, body,
                              _session.to_int16(message_type), 1)
        except error as failure:
            self._guard(failure)
            raise
        return len(body)

    def receive(self, timeout: Optional[float] = None) -> Event:
        """The next message; TimeoutError when none came in so many seconds.

        A RegularMsg or a MembershipMsg; with allow_reconnect also DisconnectedMsg and
        ReconnectedMsg.
        """
        session = self._open("receive")
        try:
            event = session.receive(-1.0 if timeout is None else max(0.0, timeout))
        except error as failure:
            self._guard(failure)
            raise
        if event is None:
            raise TimeoutError("no message came in time")
        message = _messages.make(event)
        if isinstance(message, RejectMsg):
            raise error("unexpected message type: %#x" % message.request_type)
        if isinstance(message, DisconnectedMsg) and not message.will_reconnect:
            self.disconnect()
            raise _errors.make(message.code if message.code in _errors.FATAL
                               else _c.CONNECTION_CLOSED, message.text)
        return message

    def poll(self) -> int:
        """Bytes that wait to be received; 0 also after the daemon has closed the connection."""
        return self._open("poll").poll()

    def fileno(self) -> int:
        """Readable when receive() has something to do; for select() and its kin only."""
        return self._open("fileno").fileno()

    def disconnect(self) -> None:
        """End the connection. Once more does no harm. Wakes a thread that receives."""
        if not self._closed:
            self._private_group = self._session.private_group()
            self._closed = True
            self._session.close()

    close = disconnect

    def __enter__(self) -> "Mailbox":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.disconnect()

    def __repr__(self) -> str:
        return "<Mailbox %r%s>" % (self.private_group, " closed" if self._closed else "")


MailboxType = Mailbox


def connect(daemon: Daemons = _session.DEFAULT_DAEMON, name: Name = "", priority: int = 0,
            membership: Any = 1, **options: Any) -> Mailbox:
    """Connect to a daemon.

    daemon      "PORT" (Unix socket /tmp/PORT), "PORT@HOST" (TCP), "/path", or a list of them, of
                which the first that answers is taken. By default /tmp/4803 if it is there, else
                "4803@localhost".
    name        up to 10 characters; "" lets the daemon invent one. Where daemon or name is bytes,
                all names of this mailbox come back as bytes.
    priority    without effect in any known daemon
    membership  whether membership messages are wanted

    Further options, by keyword: servers (in place of daemon), shuffle, connect_timeout (seconds for
    each server, 5), send_timeout, allow_reconnect (False), max_reconnect_attempts (rounds through
    the list; -1: for ever), reconnect_time_wait (0.1, doubling up to reconnect_time_wait_max, 5),
    name_in_use_wait (10), allow_name_change (False), ping_interval (0: off),
    max_outstanding_pings (2), pending_size and pending_messages (limits of the send queue), user and
    password (up to 32 and 8 bytes, for daemons that ask for them), auth_methods (by default "PWORD"
    with a user, else "NULL"; "IP" for daemons that ask for it), tls (None; True; the file of the
    authority whose certificates are trusted; or TLS(ca, cert, key, server_name), of which each may
    be left out).
    """
    session = _session.open_session(daemon, name, priority, membership, **options)
    mailbox: Mailbox = object.__new__(Mailbox)
    mailbox._session = session
    mailbox._closed = False
    return mailbox


def version() -> Tuple[int, int, int]:
    """The version of the protocol this client speaks."""
    return 5, 0, 1


for _class in (Mailbox, Stats, TLS):
    _class.__module__ = "spread"

__all__ = [*_c.__all__, "ConnectionClosed", "CouldNotConnect", "DisconnectedMsg", "Event",
           "GroupId", "GroupIdType", "IllegalGroup", "IllegalService", "IllegalSpread", "Mailbox",
           "MailboxType", "MembershipMsg", "MembershipMsgType", "MessageTooLong", "Name",
           "NotUnique", "ReconnectedMsg", "RegularMsg", "RegularMsgType", "RejectMsg", "Rejected",
           "SpreadError", "Stats", "TLS", "Unsent", "connect", "error", "version"]
