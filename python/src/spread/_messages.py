"""What is received. Types and attributes are those of SpreadModule and its ports, and more."""

from typing import Any, NamedTuple, Optional, Tuple, Union

from . import _constants as c

Name = Union[str, bytes]
Names = Tuple[Name, ...]


class GroupId:
    """Names one view of one group; the same at all members."""

    __slots__ = ("_id",)
    _id: Tuple[int, int, int]

    def __new__(cls, *args: Any, **kwargs: Any) -> "GroupId":
        raise TypeError("cannot create 'GroupId' instances")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupId) and self._id == other._id

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        return "<group_id %08X:%08X:%08X>" % tuple(part & 0xFFFFFFFF for part in self._id)


class _Message:
    """Made by this package only; attributes by name."""

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("cannot create %r instances" % cls.__name__)

    def __repr__(self) -> str:
        parts = ("%s=%r" % (name, getattr(self, name)) for name in self.__slots__)
        return "<%s %s>" % (type(self).__name__, " ".join(parts))


class RegularMsg(_Message):
    """A message some client sent."""

    __slots__ = ("sender", "groups", "message", "msg_type", "endian", "service_type",
                 "self_discard")
    sender: Name  #: private group of the sender
    groups: Names  #: all destinations
    message: bytes
    msg_type: int  #: the application's, signed 16 bits
    endian: int  #: 1 when the sender's integers are in the other byte order
    service_type: int  #: one of UNRELIABLE_MESS to SAFE_MESS
    self_discard: bool


class MembershipMsg(_Message):
    """A change in a group we are in: a new view, a transitional signal, or our own leaving."""

    __slots__ = ("reason", "msg_subtype", "group", "group_id", "members", "extra",
                 "changed_member", "orig_members")
    reason: int  #: CAUSED_BY_..., 0 for a transitional signal
    msg_subtype: int  #: REG_MEMB_MESS, TRANSITION_MESS, or 0 for our own leaving
    group: Name
    group_id: Optional[GroupId]  #: None for our own leaving
    members: Names  #: after the change
    extra: Names  #: who changed; for CAUSED_BY_NETWORK those who came along with us
    changed_member: Optional[Name]  #: who joined, left or disconnected
    orig_members: Optional[Tuple[Names, ...]]  #: all vs sets


class RejectMsg(_Message):
    """The daemon refused a request of ours. Only the asyncio API hands it out."""

    __slots__ = ("request_type", "groups", "message", "msg_type")
    request_type: int
    groups: Names
    message: bytes
    msg_type: int


class Unsent(NamedTuple):
    """A multicast that never left for the daemon as a whole, and reached nobody."""

    sequence: int
    service_type: int
    groups: Names
    msg_type: int
    message: bytes


class DisconnectedMsg(_Message):
    """The connection ended: a gap in the stream, in its place. Nothing is sent again.

    What was numbered up to ``handed_over`` may have been delivered or not.
    """

    __slots__ = ("code", "text", "private_group", "will_reconnect", "handed_over", "unsent")
    code: int
    text: str
    private_group: Name  #: who we were
    will_reconnect: bool
    handed_over: int
    unsent: Tuple[Unsent, ...]


class ReconnectedMsg(_Message):
    """A new session, as a new member. Its groups are being joined again."""

    __slots__ = ("address", "private_group", "groups")
    address: str
    private_group: Name  #: who we are now
    groups: Names


def _make_id(numbers: Tuple[int, int, int]) -> GroupId:
    made: GroupId = object.__new__(GroupId)
    made._id = numbers
    return made


def _membership(reason: int, subtype: int, group: Name, group_id: Optional[GroupId],
                members: Names = (), extra: Names = (), changed: Optional[Name] = None,
                orig: Optional[Tuple[Names, ...]] = None) -> MembershipMsg:
    made: MembershipMsg = object.__new__(MembershipMsg)
    made.reason = reason
    made.msg_subtype = subtype
    made.group = group
    made.group_id = group_id
    made.members = members
    made.extra = extra
    made.changed_member = changed
    made.orig_members = orig
    return made


def _regular(sender: Name, groups: Names, message: bytes, msg_type: int, endian: int,
             service_type: int, self_discard: int) -> RegularMsg:
    made: RegularMsg = object.__new__(RegularMsg)
    made.sender = sender
    made.groups = groups
    made.message = message
    made.msg_type = msg_type
    made.endian = endian
    made.service_type = service_type
    made.self_discard = bool(self_discard)
    return made


def _view(group: Name, cause: int, numbers: Tuple[int, int, int], members: Names,
          vs_sets: Tuple[Names, ...], own: int) -> MembershipMsg:
    own_set = vs_sets[own] if own < len(vs_sets) else ()
    changed = None
    if cause != c.CAUSED_BY_NETWORK and own_set:
        changed = own_set[0]
    return _membership(cause, c.REG_MEMB_MESS, group, _make_id(numbers), members, own_set,
                       changed, vs_sets)


def _transition(group: Name, numbers: Tuple[int, int, int]) -> MembershipMsg:
    return _membership(0, c.TRANSITION_MESS, group, _make_id(numbers))


def _self_leave(group: Name) -> MembershipMsg:
    return _membership(c.CAUSED_BY_LEAVE, 0, group, None)


def _reject(request_type: int, groups: Names, msg_type: int, message: bytes) -> RejectMsg:
    made: RejectMsg = object.__new__(RejectMsg)
    made.request_type = request_type
    made.groups = groups
    made.msg_type = msg_type
    made.message = message
    return made


def _disconnected(code: int, text: str, private_group: Name, will_reconnect: int,
                  handed_over: int, unsent: Tuple[Any, ...]) -> DisconnectedMsg:
    made: DisconnectedMsg = object.__new__(DisconnectedMsg)
    made.code = code
    made.text = text
    made.private_group = private_group
    made.will_reconnect = bool(will_reconnect)
    made.handed_over = handed_over
    made.unsent = tuple(Unsent(*one) for one in unsent)
    return made


def _reconnected(address: str, private_group: Name, groups: Names) -> ReconnectedMsg:
    made: ReconnectedMsg = object.__new__(ReconnectedMsg)
    made.address = address
    made.private_group = private_group
    made.groups = groups
    return made


_MAKERS = (_regular, _view, _transition, _self_leave, _reject, _disconnected, _reconnected)

Event = Union[RegularMsg, MembershipMsg, RejectMsg, DisconnectedMsg, ReconnectedMsg]

for _class in (GroupId, RegularMsg, MembershipMsg, RejectMsg, Unsent, DisconnectedMsg,
               ReconnectedMsg):
    _class.__module__ = "spread"


def make(event: Tuple[Any, ...]) -> Event:
    """The object for a tuple of the compiled part."""
    return _MAKERS[event[0]](*event[1:])  # type: ignore[operator]
