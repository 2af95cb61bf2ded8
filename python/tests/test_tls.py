"""TLS, with certificates that the openssl program makes."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

import daemons
import spread
import spread.aio


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Certificates:
    """Files in a directory of their own."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="spread-python-")
        run("openssl", "req", "-x509", *self.new_key("ca"), "-days", "2", "-subj", "/CN=authority",
            "-out", self.path("ca.crt"))
        self.sign("daemon", "IP:127.0.0.1,IP:127.0.0.2,DNS:daemon.example")
        self.sign("alice", "DNS:alice.example")

    def path(self, name):
        return os.path.join(self.directory, name)

    def new_key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                self.path(name + ".key"))

    def sign(self, name, alternatives):
        run("openssl", "req", *self.new_key(name), "-subj", "/CN=" + name, "-addext",
            "subjectAltName = " + alternatives, "-out", self.path(name + ".csr"))
        run("openssl", "x509", "-req", "-in", self.path(name + ".csr"), "-CA",
            self.path("ca.crt"), "-CAkey", self.path("ca.key"), "-days", "2", "-copy_extensions",
            "copy", "-CAcreateserial", "-out", self.path(name + ".crt"))
        os.chmod(self.path(name + ".key"), 0o600)

    def options(self, *more):
        return ["ClientTLS = require", 'TLSCertificateFile = "%s"' % self.path("daemon.crt"),
                'TLSKeyFile = "%s"' % self.path("daemon.key"), *more]

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = Certificates()
        cls.addClassCleanup(cls.files.close)
        cls.ca = cls.files.path("ca.crt")

    def start(self, *options, size=1):
        ring = daemons.Ring(size, self.files.options(*options))
        self.addCleanup(ring.close)
        return ring

    def test_messages_of_all_sizes_both_ways(self):
        ring = self.start()
        with spread.connect(ring.address(), "alice", tls=self.ca) as mbox:
            bodies = [os.urandom(size) for size in (0, 1, 1000, 16384, 100000, 140000)] * 4

            def send():
                for body in bodies:
                    mbox.multicast(spread.FIFO_MESS, mbox.private_group, body)

            sender = threading.Thread(target=send)
            sender.start()
            for body in bodies:
                self.assertEqual(mbox.receive(timeout=daemons.PATIENCE).message, body)
            sender.join()

    def test_what_the_argument_may_be(self):
        ring = self.start()
        for tls in (self.ca, spread.TLS(self.ca), spread.TLS(ca=self.ca, server_name="daemon.example")):
            spread.connect(ring.address(), "alice", tls=tls).disconnect()
        for tls in (None, False, True, spread.TLS(self.ca, server_name="other.example")):
            with self.assertRaises(spread.Rejected):
                spread.connect(ring.address(), "alice", tls=tls)
        with self.assertRaises(spread.CouldNotConnect):
            spread.connect(ring.address(), "alice", tls="/nonexistent")

    def test_a_certificate_of_ours(self):
        ring = self.start('TLSClientCAFile = "%s"' % self.ca)
        tls = spread.TLS(self.ca, self.files.path("alice.crt"), self.files.path("alice.key"))
        spread.connect(ring.address(), "alice", tls=tls).disconnect()
        with self.assertRaises(spread.Rejected):
            spread.connect(ring.address(), "bob", tls=self.ca)

    def test_asyncio_and_another_daemon(self):
        asyncio.run(self.talk(self.start(size=2)))

    async def talk(self, ring):
        servers = [ring.address(0), ring.address(1)]
        async with await spread.aio.connect(servers, "alice", tls=self.ca,
                                            allow_reconnect=True) as mbox:
            view = await asyncio.wait_for(mbox.join("room"), daemons.PATIENCE)
            self.assertEqual(view.members, ("#alice#d1",))
            await mbox.receive()
            await mbox.multicast(spread.AGREED_MESS, "room", b"x" * 100000)
            message = await mbox.receive(timeout=daemons.PATIENCE)
            self.assertEqual(message.message, b"x" * 100000)
            ring.crash(0)
            self.assertIsInstance(await mbox.receive(timeout=daemons.PATIENCE), spread.DisconnectedMsg)
            back = await mbox.receive(timeout=daemons.PATIENCE)
            self.assertEqual(back.private_group, "#alice#d2")


if __name__ == "__main__":
    unittest.main()
