"""Spread for asyncio.

    async with await spread.aio.connect("4803@localhost", "alice") as mbox:
        await mbox.join("room")
        await mbox.multicast(spread.AGREED_MESS, "room", "hello")
        async for event in mbox:
            print(event)

Events are those of spread.Mailbox.receive(), and RejectMsg, DisconnectedMsg and ReconnectedMsg. No
threads but for connecting, since name resolution blocks. One event loop per mailbox.
"""

import asyncio
import functools
import inspect
from collections import deque
from typing import (Any, AsyncIterator, Awaitable, Callable, Deque, Dict, Iterable, List, Optional,
                    Sequence, Tuple, Union)

from . import _constants as c
from . import _errors
from . import _messages
from . import _session
from . import _spread
from ._messages import DisconnectedMsg, Event, MembershipMsg, ReconnectedMsg, RejectMsg
from ._session import Daemons, Name, Stats

Callback = Callable[..., Union[None, Awaitable[None]]]

#: Events taken at one turn of the loop before others have theirs.
_TURN = 64


class Mailbox:
    """A connection to a daemon. Made by connect()."""

    def __init__(self, session: _spread.Session, membership: bool, receive_queue: int,
                 callbacks: Dict[str, Optional[Callback]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._session = session
        self._membership = membership
        self._receive_queue = receive_queue
        self._callbacks = callbacks
        self._events: Deque[Event] = deque()
        self._receivers: Deque["asyncio.Future[None]"] = deque()
        self._joins: Dict[bytes, List["asyncio.Future[MembershipMsg]"]] = {}
        self._room: List["asyncio.Future[None]"] = []
        self._tasks: "set[asyncio.Task[None]]" = set()
        self._end: Optional[BaseException] = None
        self._reads = False
        self._watches_room = False
        self._private_group = session.private_group()
        self._resume()

    # ---- What it is ----

    @property
    def private_group(self) -> Name:
        return self._private_group

    @property
    def is_connected(self) -> bool:
        return self._session.state() == 0

    @property
    def is_reconnecting(self) -> bool:
        return self._session.state() == 1

    @property
    def is_closed(self) -> bool:
        return self._session.state() >= 2

    @property
    def address(self) -> str:
        return self._session.address()

    @property
    def daemon_version(self) -> Tuple[int, int, int]:
        return self._session.daemon_version()

    @property
    def stats(self) -> Stats:
        return Stats(*self._session.stats())

    # ---- Groups ----

    async def join(self, group: Name) -> Optional[MembershipMsg]:
        """Join, and wait for the first membership that lists us.

        It comes through receive() as well, in its place. Without membership messages there is
        nothing to wait for. spread.error when the daemon refuses.
        """
        key = _session.encode(group, "group")
        self._session.join(key)
        self._watch_room()
        if not self._membership:
            return None
        seen: "asyncio.Future[MembershipMsg]" = self._loop.create_future()
        waiting = self._joins.setdefault(key, [])
        waiting.append(seen)
        try:
            return await seen
        finally:
            if seen in waiting:
                waiting.remove(seen)

    async def leave(self, group: Name) -> None:
        self._session.leave(_session.encode(group, "group"))
        self._watch_room()

    # ---- Sending ----

    async def multicast(self, service_type: int, group: Name, message: Any,
                        message_type: int = 0) -> int:
        """Send; waits while the send queue is full. Returns the number of the multicast."""
        return await self.multigroup_multicast(service_type, [group], message, message_type)

    async def multigroup_multicast(self, service_type: int, groups: Iterable[Name], message: Any,
                                   message_type: int = 0) -> int:
        service, self_discard = _session.split_service(service_type)
        names = _session.encode_groups(groups)
        body = _session.encode_message(message)
        while True:
            sequence = self._session.multicast(service, self_discard, names, body,
                                               _session.to_int16(message_type), 0)
            self._watch_room()
            if sequence is not None:
                return sequence
            await self._wait_for_room()

    async def drain(self) -> None:
        """Wait until nothing waits to be sent any more."""
        while self._session.flush(0.0) > 0:
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        room: "asyncio.Future[None]" = self._loop.create_future()
        self._room.append(room)
        self._watch_room()
        await room

    def _watch_room(self) -> None:
        wanted = not self.is_closed and (bool(self._room)
                                         or self._session.stats()[6] > 0)
        if wanted and not self._watches_room:
            self._loop.add_reader(self._session.room_fileno(), self._on_room)
        elif self._watches_room and not wanted:
            self._loop.remove_reader(self._session.room_fileno())
        self._watches_room = wanted

    def _on_room(self) -> None:
        try:
            self._session.flush(0.0)
        except _errors.error:
            pass  # told to whoever sends next, and by an event
        waiting, self._room = self._room, []
        for room in waiting:
            if not room.done():
                room.set_result(None)
        self._watch_room()

    # ---- Receiving ----

    async def receive(self, timeout: Optional[float] = None) -> Event:
        """The next event. asyncio.TimeoutError when none came in so many seconds."""
        if timeout is not None and not self._events:
            return await asyncio.wait_for(self._receive(), timeout)
        return await self._receive()

    async def _receive(self) -> Event:
        while not self._events:
            if self._end is not None:
                raise self._end
            arrived: "asyncio.Future[None]" = self._loop.create_future()
            self._receivers.append(arrived)
            try:
                await arrived
            except asyncio.CancelledError:
                if arrived in self._receivers:
                    self._receivers.remove(arrived)
                else:
                    self._wake_receiver()  # it was for us; another may want it
                raise
        event = self._events.popleft()
        if self._events:
            self._wake_receiver()
        self._resume()
        return event

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self._receive()
        except _errors.ConnectionClosed:
            raise StopAsyncIteration from None

    def _resume(self) -> None:
        """Read while there is room for events; beyond, they stay with the daemon."""
        wanted = self._end is None and len(self._events) < self._receive_queue
        if wanted and not self._reads:
            self._loop.add_reader(self._session.fileno(), self._on_readable)
        elif self._reads and not wanted:
            self._loop.remove_reader(self._session.fileno())
        self._reads = wanted

    def _on_readable(self) -> None:
        for _ in range(_TURN):
            if len(self._events) >= self._receive_queue:
                break
            try:
                event = self._session.receive(0.0)
            except _errors.error as failure:
                self._finish(failure)
                return
            if event is None:
                break
            self._take(_messages.make(event))
        self._resume()
        self._watch_room()

    def _take(self, event: Event) -> None:
        self._events.append(event)
        self._wake_receiver()
        if isinstance(event, MembershipMsg):
            if self._private_group in event.members:
                for seen in self._joins.pop(_session.encode(event.group, "group"), []):
                    if not seen.done():
                        seen.set_result(event)
        elif isinstance(event, RejectMsg):
            if event.request_type & c.CAUSED_BY_JOIN and event.groups:
                self._fail_joins(_session.encode(event.groups[0], "group"),
                                 _errors.Rejected("the daemon refused to let us join"))
        elif isinstance(event, ReconnectedMsg):
            self._private_group = event.private_group
            self._call("reconnected_cb", event)
        elif isinstance(event, DisconnectedMsg):
            failure = _errors.make(c.CONNECTION_CLOSED, event.text)
            if not event.will_reconnect:
                for group in list(self._joins):
                    self._fail_joins(group, failure)
                self._call("error_cb", failure)
            self._call("disconnected_cb", event)

    def _fail_joins(self, group: bytes, failure: Exception) -> None:
        for seen in self._joins.pop(group, []):
            if not seen.done():
                seen.set_exception(failure)

    def _wake_receiver(self) -> None:
        while self._receivers:
            arrived = self._receivers.popleft()
            if not arrived.done():
                arrived.set_result(None)
                return

    def _call(self, name: str, *args: Any) -> None:
        callback = self._callbacks.get(name)
        if callback is None:
            return
        result = callback(*args)
        if inspect.isawaitable(result):
            task = self._loop.create_task(_await(result))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # ---- The end ----

    def _finish(self, failure: BaseException) -> None:
        if self._end is not None:
            return
        self._end = failure
        self._resume()
        self._session.close()
        self._watch_room()
        for group in list(self._joins):
            self._fail_joins(group, _errors.make(c.CONNECTION_CLOSED, "the mailbox is closed"))
        for future in [*self._room, *self._receivers]:
            if not future.done():
                future.set_result(None)  # they look again and find the end
        self._room.clear()
        self._receivers.clear()
        self._call("closed_cb")

    async def close(self) -> None:
        """End the connection. What waits to be sent goes as far as the socket takes it."""
        self._finish(_errors.make(c.ILLEGAL_SESSION, "the mailbox is closed"))

    disconnect = close

    async def __aenter__(self) -> "Mailbox":
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self.close()


async def _await(result: Any) -> None:
    await result


async def connect(daemon: Daemons = _session.DEFAULT_DAEMON, name: Name = "", priority: int = 0,
                  membership: Any = 1, *, receive_queue: int = 1000,
                  disconnected_cb: Optional[Callback] = None,
                  reconnected_cb: Optional[Callback] = None,
                  closed_cb: Optional[Callback] = None,
                  error_cb: Optional[Callback] = None, **options: Any) -> Mailbox:
    """As spread.connect(), with its options; and

    receive_queue    events kept for receive(); when there are so many, reading stops
    disconnected_cb, reconnected_cb, closed_cb, error_cb
                     functions or coroutine functions, called with the event, with the event, with
                     nothing, and with the exception
    """
    loop = asyncio.get_running_loop()
    session = await loop.run_in_executor(None, functools.partial(
        _session.open_session, daemon, name, priority, membership, **options))
    return Mailbox(session, bool(membership), receive_queue, {
        "disconnected_cb": disconnected_cb,
        "reconnected_cb": reconnected_cb,
        "closed_cb": closed_cb,
        "error_cb": error_cb,
    })


__all__ = ["Mailbox", "connect"]
