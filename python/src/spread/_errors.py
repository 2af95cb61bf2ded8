"""spread.error and its kin."""

from typing import Dict, NoReturn, Optional, Type

from . import _constants as c
from . import _spread


class error(Exception):
    """What went wrong in a Spread call.

    ``args`` is ``(code, text)`` for failures that have a code, and ``(text,)`` for a mailbox that
    was closed before and for an unexpected message.
    """

    @property
    def code(self) -> Optional[int]:
        """One of the negative constants of the module, or None."""
        return self.args[0] if len(self.args) == 2 else None


class IllegalSpread(error):
    """The address of the daemon makes no sense."""


class CouldNotConnect(error):
    """No daemon could be reached."""


class Rejected(error):
    """The daemon did not take us as a client."""


class NotUnique(Rejected):
    """The private name is in use on that daemon."""


class ConnectionClosed(error):
    """The connection to the daemon has ended."""


class IllegalService(error):
    """A multicast has exactly one service type."""


class IllegalGroup(error):
    """A group name, or the number of groups."""


class MessageTooLong(error):
    """Body and 32 bytes for each group are more than 144000 bytes."""


_CLASSES: Dict[int, Type[error]] = {
    c.ILLEGAL_SPREAD: IllegalSpread,
    c.COULD_NOT_CONNECT: CouldNotConnect,
    c.REJECT_QUOTA: Rejected,
    c.REJECT_NO_NAME: Rejected,
    c.REJECT_ILLEGAL_NAME: Rejected,
    c.REJECT_NOT_UNIQUE: NotUnique,
    c.REJECT_VERSION: Rejected,
    c.REJECT_AUTH: Rejected,
    c.CONNECTION_CLOSED: ConnectionClosed,
    c.ILLEGAL_SESSION: ConnectionClosed,
    c.NET_ERROR_ON_SESSION: ConnectionClosed,
    c.ILLEGAL_SERVICE: IllegalService,
    c.ILLEGAL_GROUP: IllegalGroup,
    c.MESSAGE_TOO_LONG: MessageTooLong,
}

for _class in {error, *_CLASSES.values()}:
    _class.__module__ = "spread"

#: Codes after which a session is of no more use.
FATAL = frozenset({c.CONNECTION_CLOSED, c.ILLEGAL_SESSION, c.NET_ERROR_ON_SESSION})


def make(code: int, text: str) -> error:
    return _CLASSES.get(code, error)(code, text)


def _raise(code: int, text: str) -> NoReturn:
    if code == -100:
        raise TimeoutError(text)
    raise make(code, text)


_spread.set_raise(_raise)
