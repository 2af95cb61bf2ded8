"""spread.aio against a real daemon."""

import asyncio
import unittest

import daemons
import spread
import spread.aio


class AioTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.ring = daemons.Ring(1)
        cls.addClassCleanup(cls.ring.close)

    async def connect(self, name="", **options):
        mbox = await spread.aio.connect(self.ring.address(), name, **options)
        self.addAsyncCleanup(mbox.close)
        return mbox

    async def test_what_it_is(self):
        mbox = await self.connect("bob")
        self.assertEqual(mbox.private_group, "#bob#d1")
        self.assertTrue(mbox.is_connected)
        self.assertFalse(mbox.is_reconnecting or mbox.is_closed)
        self.assertEqual(mbox.address, self.ring.address())
        self.assertEqual(mbox.daemon_version, (5, 0, 1))
        self.assertEqual(mbox.stats, (0, 0, 0, 0, 0, 0, 0))

    async def test_join_send_receive(self):
        mbox = await self.connect("alice")
        view = await asyncio.wait_for(mbox.join("room"), daemons.PATIENCE)
        self.assertEqual(view.members, ("#alice#d1",))
        self.assertEqual(await mbox.multicast(spread.AGREED_MESS, "room", "hello", 7), 1)
        await mbox.drain()
        self.assertIs(await mbox.receive(), view)
        message = await mbox.receive(timeout=daemons.PATIENCE)
        self.assertEqual((message.message, message.msg_type), (b"hello", 7))
        await mbox.leave("room")
        left = await mbox.receive(timeout=daemons.PATIENCE)
        self.assertEqual(left.reason, spread.CAUSED_BY_LEAVE)

    async def test_iterating_ends_with_the_mailbox(self):
        mbox = await self.connect()
        await mbox.multigroup_multicast(spread.FIFO_MESS, [mbox.private_group], "one")
        seen = []
        async for event in mbox:
            seen.append(event.message)
            await mbox.close()
        self.assertEqual(seen, [b"one"])
        self.assertTrue(mbox.is_closed)
        with self.assertRaises(spread.ConnectionClosed):
            await mbox.receive()
        with self.assertRaises(spread.ConnectionClosed):
            await mbox.multicast(spread.FIFO_MESS, "room", "")

    async def test_close_wakes_a_receiver(self):
        mbox = await self.connect()
        waiting = asyncio.ensure_future(mbox.receive())
        await asyncio.sleep(0)
        await mbox.close()
        with self.assertRaises(spread.ConnectionClosed):
            await waiting

    async def test_a_cancelled_receive_loses_nothing(self):
        mbox = await self.connect()
        with self.assertRaises(asyncio.TimeoutError):
            await mbox.receive(timeout=0.01)
        await mbox.multicast(spread.FIFO_MESS, mbox.private_group, "one")
        self.assertEqual((await mbox.receive(timeout=daemons.PATIENCE)).message, b"one")

    async def test_back_pressure(self):
        sender = await self.connect(pending_size=200_000)
        receiver = await self.connect(receive_queue=4)
        body = b"x" * 10_000
        count = 300

        async def send():
            for _ in range(count):
                await sender.multicast(spread.FIFO_MESS, receiver.private_group, body)
                self.assertLessEqual(sender.stats.queued_bytes, 200_000 + 10_100)
            await sender.drain()

        sending = asyncio.ensure_future(send())
        for _ in range(count):
            message = await receiver.receive(timeout=daemons.PATIENCE)
            self.assertEqual(len(message.message), len(body))
            self.assertLessEqual(len(receiver._events), 4)
        await sending
        self.assertEqual(sender.stats.queued_bytes, 0)

    async def test_many_at_once(self):
        boxes = await asyncio.gather(*(self.connect() for _ in range(12)))
        await asyncio.wait_for(asyncio.gather(*(box.join("crowd") for box in boxes)),
                               daemons.PATIENCE)
        names = [box.private_group for box in boxes]
        await boxes[0].multigroup_multicast(spread.SAFE_MESS, names, "all of you")

        async def first_message(box):
            async for event in box:
                if isinstance(event, spread.RegularMsg):
                    return event

        for message in await asyncio.gather(*(first_message(box) for box in boxes)):
            self.assertEqual(message.groups, tuple(names))


if __name__ == "__main__":
    unittest.main()
