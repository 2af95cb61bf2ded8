"""A daemon dies under a client."""

import asyncio
import unittest

import daemons
import spread
import spread.aio


class ReconnectTest(unittest.TestCase):
    def setUp(self):
        self.ring = daemons.Ring(2)
        self.addCleanup(self.ring.close)
        self.ring.wait_formed()

    def test_the_gap_stands_where_it_is(self):
        servers = [self.ring.address(0), self.ring.address(1)]
        with spread.connect(servers, "alice", allow_reconnect=True) as mbox:
            mbox.join("room")
            self.assertEqual(mbox.receive(timeout=daemons.PATIENCE).members, ("#alice#d1",))
            mbox.multicast(spread.AGREED_MESS, "room", "before")
            self.assertEqual(mbox.receive(timeout=daemons.PATIENCE).message, b"before")
            self.ring.crash(0)
            gone = mbox.receive(timeout=daemons.PATIENCE)
            self.assertIsInstance(gone, spread.DisconnectedMsg)
            self.assertTrue(gone.will_reconnect)
            self.assertEqual((gone.handed_over, gone.unsent), (1, ()))
            back = mbox.receive(timeout=daemons.PATIENCE)
            self.assertIsInstance(back, spread.ReconnectedMsg)
            self.assertEqual((back.private_group, back.groups), ("#alice#d2", ("room",)))
            self.assertEqual(mbox.private_group, "#alice#d2")
            view = mbox.receive(timeout=daemons.PATIENCE)
            while "#alice#d2" not in view.members:
                view = mbox.receive(timeout=daemons.PATIENCE)
            mbox.multicast(spread.AGREED_MESS, "room", "after")
            message = mbox.receive(timeout=daemons.PATIENCE)
            while not isinstance(message, spread.RegularMsg):
                message = mbox.receive(timeout=daemons.PATIENCE)
            self.assertEqual(message.message, b"after")
            self.assertEqual(mbox.stats.reconnects, 1)

    def test_without_reconnecting_the_mailbox_closes(self):
        mbox = spread.connect(self.ring.address(0), "alice")
        descriptor = mbox.fileno()
        mbox.multicast(spread.FIFO_MESS, mbox.private_group, "last")
        self.assertEqual(mbox.receive(timeout=daemons.PATIENCE).message, b"last")
        self.ring.crash(0)
        with self.assertRaises(spread.ConnectionClosed) as caught:
            mbox.receive(timeout=daemons.PATIENCE)
        self.assertEqual(caught.exception.code, spread.CONNECTION_CLOSED)
        self.assertTrue(mbox.closed)
        self.assertGreaterEqual(descriptor, 0)
        with self.assertRaisesRegex(spread.error, "closed mbox"):
            mbox.receive()

    def test_asyncio(self):
        asyncio.run(self.talk())

    async def talk(self):
        calls = []
        servers = [self.ring.address(0), self.ring.address(1)]
        async with await spread.aio.connect(
                servers, "alice", allow_reconnect=True,
                disconnected_cb=lambda gone: calls.append(type(gone).__name__),
                reconnected_cb=lambda back: calls.append(back.private_group)) as mbox:
            view = await asyncio.wait_for(mbox.join("room"), daemons.PATIENCE)
            self.assertEqual(view.members, ("#alice#d1",))
            self.assertIs(await mbox.receive(), view)
            self.ring.crash(0)
            gone = await mbox.receive(timeout=daemons.PATIENCE)
            back = await mbox.receive(timeout=daemons.PATIENCE)
            self.assertIsInstance(gone, spread.DisconnectedMsg)
            self.assertEqual(back.groups, ("room",))
            self.assertEqual(calls, ["DisconnectedMsg", "#alice#d2"])
            view = await mbox.receive(timeout=daemons.PATIENCE)
            self.assertIn("#alice#d2", view.members)


if __name__ == "__main__":
    unittest.main()
