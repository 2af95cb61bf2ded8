"""The classic API against real daemons."""

import select
import threading
import unittest

import daemons
import spread


class MailboxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ring = daemons.Ring(1 if daemons.IS_STOCK else 3)
        cls.addClassCleanup(cls.ring.close)
        cls.ring.wait_formed()

    def connect(self, name="", index=0, **options):
        mbox = spread.connect(self.ring.address(index), name, **options)
        self.addCleanup(mbox.disconnect)
        return mbox

    def receive(self, mbox):
        return mbox.receive(timeout=daemons.PATIENCE)

    def members(self, group, count):
        """So many mailboxes over all daemons, each having seen all of them."""
        boxes = [self.connect(index=i % len(self.ring.hosts)) for i in range(count)]
        for box in boxes:
            box.join(group)
        for box in boxes:
            while len(self.receive(box).members) < count:
                pass
        return boxes

    def test_joining_and_leaving(self):
        mbox = self.connect("alice")
        self.assertEqual(mbox.private_group, "#alice#d1")
        self.assertIsNone(mbox.join("room"))
        view = self.receive(mbox)
        self.assertIs(type(view), spread.MembershipMsgType)
        self.assertEqual(view.reason, spread.CAUSED_BY_JOIN)
        self.assertEqual(view.msg_subtype, spread.REG_MEMB_MESS)
        self.assertEqual(view.group, "room")
        self.assertEqual(view.members, ("#alice#d1",))
        self.assertEqual(view.extra, ("#alice#d1",))
        self.assertEqual(view.changed_member, "#alice#d1")
        self.assertEqual(view.orig_members, (("#alice#d1",),))
        self.assertEqual(view.group_id, view.group_id)
        self.assertIsNone(mbox.leave("room"))
        left = self.receive(mbox)
        self.assertEqual(left.reason, spread.CAUSED_BY_LEAVE)
        self.assertEqual((left.group, left.members, left.extra), ("room", (), ()))
        self.assertIsNone(left.group_id)
        self.assertIsNone(left.changed_member)
        self.assertIsNone(left.orig_members)

    def test_what_it_is(self):
        mbox = self.connect("alice")
        self.assertTrue(mbox.is_connected)
        self.assertFalse(mbox.is_reconnecting or mbox.closed)
        self.assertEqual(mbox.address, self.ring.address())
        self.assertEqual(mbox.daemon_version, (5, 0, 1))
        self.assertEqual(mbox.stats, (0, 0, 0, 0, 0, 0, 0))
        self.assertEqual(repr(mbox), "<Mailbox '#alice#d1'>")
        mbox.close()
        self.assertFalse(mbox.is_connected or mbox.is_reconnecting)
        self.assertEqual(repr(mbox), "<Mailbox '#alice#d1' closed>")

    def test_messages_carry_what_was_sent(self):
        one, two = self.members("carry", 2)
        self.assertEqual(one.multicast(spread.SAFE_MESS, "carry", "h\u00e9", -5), 3)
        message = self.receive(two)
        self.assertIs(type(message), spread.RegularMsgType)
        self.assertEqual(message.sender, one.private_group)
        self.assertEqual(message.groups, ("carry",))
        self.assertEqual(message.message, "h\u00e9".encode())
        self.assertEqual((message.msg_type, message.endian), (-5, 0))
        self.assertEqual(message.service_type, spread.SAFE_MESS)
        self.assertFalse(message.self_discard)
        one.multicast(service_type=spread.AGREED_MESS | spread.SELF_DISCARD, group="carry",
                      message=b"", message_type=70000)
        message = self.receive(two)
        self.assertEqual((message.message, message.msg_type), (b"", 4464))
        self.assertTrue(message.self_discard)

    def test_one_multicast_to_twelve_private_groups_over_all_daemons(self):
        boxes = self.members("dozen", 12)
        names = tuple(box.private_group for box in boxes)
        self.assertEqual(boxes[3].multigroup_multicast(spread.FIFO_MESS, names, "1"), 1)
        boxes[3].multicast(spread.FIFO_MESS, "dozen", "2")
        for box in boxes:
            message = self.receive(box)
            self.assertEqual(message.message, b"1")
            self.assertEqual(message.sender, names[3])
            self.assertEqual(message.groups, names)
            self.assertEqual(self.receive(box).message, b"2")

    def test_big_messages(self):
        mbox, = self.members("big", 1)
        for size in (20000, 143000):
            mbox.multicast(spread.SAFE_MESS, "big", b"X" * size)
            self.assertEqual(len(self.receive(mbox).message), size)
        with self.assertRaises(spread.MessageTooLong) as caught:
            mbox.multicast(spread.SAFE_MESS, "big", b"X" * 144000)
        self.assertEqual(caught.exception.code, spread.MESSAGE_TOO_LONG)
        self.assertFalse(mbox.closed)

    def test_bytes_mode(self):
        mbox = self.connect(b"bob")
        self.assertEqual(mbox.private_group, b"#bob#d1")
        mbox.join(b"bytes")
        view = self.receive(mbox)
        self.assertEqual((view.group, view.members), (b"bytes", (b"#bob#d1",)))
        mbox.multigroup_multicast(spread.FIFO_MESS, (b"bytes", "other"), b"x")
        self.assertEqual(self.receive(mbox).groups, (b"bytes", b"other"))

    def test_a_thread_may_receive_while_another_sends(self):
        mbox = self.connect(membership=0)
        got = []
        ready = threading.Event()

        def receiver():
            mbox.join("threads")
            ready.set()
            while not got or got[-1] != b"quit!":
                got.append(mbox.receive().message)

        thread = threading.Thread(target=receiver)
        thread.start()
        ready.wait()
        for text in ("aaa", "bbb", "quit!"):
            mbox.multicast(spread.FIFO_MESS, "threads", text)
        thread.join(daemons.PATIENCE)
        self.assertEqual(got, [b"aaa", b"bbb", b"quit!"])

    def test_disconnect_wakes_a_receiver(self):
        mbox = self.connect()
        failures = []

        def receiver():
            try:
                mbox.receive()
            except spread.error as failure:
                failures.append(failure)

        thread = threading.Thread(target=receiver)
        thread.start()
        mbox.disconnect()
        thread.join(daemons.PATIENCE)
        self.assertEqual(len(failures), 1)

    def test_after_disconnect(self):
        mbox = self.connect("gone")
        self.assertIsNone(mbox.disconnect())
        self.assertIsNone(mbox.disconnect())
        self.assertTrue(mbox.closed and mbox.disconnected)
        self.assertEqual(mbox.private_group, "#gone#d1")
        calls = {"fileno": (), "poll": (), "receive": (), "join": ("g",), "leave": ("g",),
                 "multicast": (spread.FIFO_MESS, "g", "")}
        for name, arguments in calls.items():
            with self.assertRaises(spread.error) as caught:
                getattr(mbox, name)(*arguments)
            self.assertEqual(caught.exception.args, ("%s() called on closed mbox" % name,))
            self.assertIsNone(caught.exception.code)
        with self.connect("again") as box:
            self.assertFalse(box.closed)
        self.assertTrue(box.closed)

    def test_illegal_arguments_leave_the_mailbox_alone(self):
        mbox = self.connect()
        for group in ("", "with space", "x" * 32):
            with self.assertRaises(spread.IllegalGroup):
                mbox.join(group)
        with self.assertRaises(spread.IllegalService):
            mbox.multicast(0, "g", "")
        with self.assertRaises(ValueError):
            mbox.multicast(spread.REG_MEMB_MESS, "g", "")
        with self.assertRaises(TypeError):
            mbox.join(7)
        self.assertFalse(mbox.closed)

    def test_names_in_use(self):
        self.connect("unique")
        with self.assertRaises(spread.NotUnique):
            self.connect("unique")
        longer = self.connect("elevenchars")  # cut to ten, as ever
        self.assertEqual(longer.private_group, "#elevenchar#d1")

    def test_waiting(self):
        mbox = self.connect()
        self.assertEqual(mbox.poll(), 0)
        self.assertEqual(select.select([mbox], [], [], 0)[0], [])
        with self.assertRaises(TimeoutError):
            mbox.receive(timeout=0.01)
        mbox.multicast(spread.FIFO_MESS, mbox.private_group, "one")
        mbox.multicast(spread.FIFO_MESS, mbox.private_group, "two")
        self.assertEqual(select.select([mbox], [], [], daemons.PATIENCE)[0], [mbox])
        self.assertEqual(self.receive(mbox).message, b"one")
        # The second may wait in the library's own buffer: to be seen all the same.
        self.assertEqual(select.select([mbox], [], [], daemons.PATIENCE)[0], [mbox])
        self.assertEqual(self.receive(mbox).message, b"two")
        # Whoever selects before each receive() must not be sent into one that waits.
        self.assertEqual(select.select([mbox], [], [], 0)[0], [])
        self.assertEqual(mbox.stats.messages_in, 2)
        self.assertEqual(mbox.stats.messages_out, 2)


@unittest.skipIf(daemons.IS_STOCK, "stock's daemon has no method PWORD")
class PasswordTest(unittest.TestCase):
    #: The password is "geheim42".
    USERS = ("carol:$6$saltsalt$loBl.RXQ7JLZB.0cm74Zhp/EMvUcaZRNCnDnrKfbAou3..Xeeh6CEQfOL93VNXKgbnlfN5"
             "tJdU64oO0o8MR991\n")

    def test_a_daemon_that_asks_for_a_password(self):
        ring = daemons.Ring(1, ['AllowedAuthMethods = "PWORD"',
                                'AccessPasswordFile = "{directory}/users"'], {"users": self.USERS})
        self.addCleanup(ring.close)
        with spread.connect(ring.address(), "alice", user="carol", password="geheim42") as mbox:
            self.assertEqual(mbox.private_group, "#alice#d1")
            mbox.multicast(spread.AGREED_MESS, mbox.private_group, "in")
            self.assertEqual(mbox.receive(timeout=daemons.PATIENCE).message, b"in")
        for login, words in (({}, "PWORD"),
                             ({"user": "carol", "password": "geheim4"}, "not the right one"),
                             ({"user": "mallory", "password": "geheim42"}, "not the right one"),
                             ({"user": "carol", "password": "geheim423"}, "1 to 8"),
                             ({"auth_methods": ["IP"]}, "PWORD")):
            with self.assertRaisesRegex(spread.error, words) as caught:
                spread.connect(ring.address(), **login)
            self.assertEqual(caught.exception.code, spread.REJECT_AUTH)


if __name__ == "__main__":
    unittest.main()
