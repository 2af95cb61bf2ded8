"""What can be said without a daemon: names, constants, arguments, errors."""

import unittest

import spread


class Constants(unittest.TestCase):
    def test_are_those_of_the_headers(self):
        self.assertEqual(spread.SAFE_MESS, 0x20)
        self.assertEqual(spread.REGULAR_MESS, 0x3F)
        self.assertEqual(spread.MEMBERSHIP_MESS, 0x3F00)
        self.assertEqual(spread.ENDIAN_RESERVED, -2147483520)
        self.assertEqual(spread.SPREAD_VERSION, 0x05000000)
        self.assertEqual(spread.NET_ERROR_ON_SESSION, -18)
        self.assertEqual(spread.DEFAULT_BUFFER_SIZE, 10000)
        self.assertEqual(spread.DEFAULT_GROUPS_SIZE, 10)
        self.assertEqual(spread.version(), (5, 0, 1))


class Types(unittest.TestCase):
    def test_have_the_names_programs_know(self):
        self.assertEqual(spread.MailboxType.__name__, "Mailbox")
        self.assertEqual(spread.RegularMsgType.__name__, "RegularMsg")
        self.assertEqual(spread.MembershipMsgType.__name__, "MembershipMsg")
        self.assertEqual(spread.error.__module__, "spread")
        self.assertEqual(spread.error.__name__, "error")
        self.assertIs(spread.SpreadError, spread.error)

    def test_are_not_made_by_programs(self):
        for kind in (spread.MailboxType, spread.RegularMsgType, spread.MembershipMsgType,
                     spread.GroupIdType):
            with self.assertRaises(TypeError):
                kind()
        from spread import _spread
        with self.assertRaises(TypeError):
            _spread.Session()

    def test_group_ids_compare_and_hash(self):
        from spread._messages import _make_id
        one, same, other = _make_id((1, -2, 3)), _make_id((1, -2, 3)), _make_id((1, -2, 4))
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)
        self.assertNotEqual(one, (1, -2, 3))
        self.assertEqual(len({one, same, other}), 2)
        self.assertEqual(repr(one), "<group_id 00000001:FFFFFFFE:00000003>")
        with self.assertRaises(TypeError):
            one < other


class Connecting(unittest.TestCase):
    def test_to_nonsense_is_an_error_with_code_and_text(self):
        for daemon in (" _._._42", b" _._._42", "localhost"):
            with self.assertRaises(spread.error) as caught:
                spread.connect(daemon)
            self.assertEqual(caught.exception.args[0], spread.ILLEGAL_SPREAD)
            self.assertEqual(caught.exception.code, -1)
            self.assertIsInstance(caught.exception, spread.IllegalSpread)

    def test_to_nobody_is_an_error_that_names_them_all(self):
        with self.assertRaises(spread.CouldNotConnect) as caught:
            spread.connect(["/nowhere/one", "/nowhere/two"])
        self.assertIn("/nowhere/one", str(caught.exception))
        self.assertIn("/nowhere/two", str(caught.exception))

    def test_takes_only_arguments_that_exist(self):
        for wrong in ({"demon": "1"}, {"prior": 1}, {"member": 1}, {"xyz": 1}, {"daemon": None},
                      {"daemon": 4803}, {"name": 3, "daemon": "/nowhere"}):
            with self.assertRaises(TypeError, msg=wrong):
                spread.connect(**wrong)
        with self.assertRaises(ValueError):
            spread.connect([])


class Arguments(unittest.TestCase):
    def test_groups(self):
        from spread import _session
        self.assertEqual(_session.encode_groups(("a", b"b")), [b"a", b"b"])
        self.assertEqual(_session.encode_groups(name for name in "ab"), [b"a", b"b"])
        for wrong in ("ab", b"ab"):
            with self.assertRaises(TypeError):
                _session.encode_groups(wrong)
        with self.assertRaises(TypeError):
            _session.encode_groups([1])
        with self.assertRaises(ValueError):
            _session.encode_groups([])

    def test_messages(self):
        from spread import _session
        for given in ("\u00e9", b"\xc3\xa9", bytearray(b"\xc3\xa9"), memoryview(b"\xc3\xa9")):
            self.assertEqual(_session.encode_message(given), b"\xc3\xa9")
        with self.assertRaises(TypeError):
            _session.encode_message(7)

    def test_services_and_types(self):
        from spread import _session
        self.assertEqual(_session.split_service(spread.SAFE_MESS | spread.SELF_DISCARD), (0x20, 1))
        with self.assertRaises(ValueError):
            _session.split_service(spread.REG_MEMB_MESS)
        self.assertEqual([_session.to_int16(n) for n in (70000, -1, 32767, 32768)],
                         [4464, -1, 32767, -32768])


if __name__ == "__main__":
    unittest.main()
