"""Daemons for tests: a ring on loopback, each on its own address 127.0.0.N.

SPREAD_DAEMON names the daemon; or, with SPREAD_TEST_KIND=stock, SPREAD_STOCK_DIR an installed stock
Spread 5.0.1, which makes rings of one only here. With SPREAD_TEST_OVER=unix clients of the first daemon
come over its Unix socket.
"""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 30.0
IS_STOCK = os.environ.get("SPREAD_TEST_KIND") == "stock"
if IS_STOCK and not os.environ.get("SPREAD_STOCK_DIR"):
    sys.exit("SPREAD_STOCK_DIR is not set: NOT TESTED")
OVER_UNIX = os.environ.get("SPREAD_TEST_OVER") == "unix"


def _is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True


def pick_port():
    while True:
        port = random.randrange(10000, 32000)
        if _is_free(port) and _is_free(port + 1) and not os.path.exists("/tmp/%d" % port):
            return port


class Ring:
    """Started when made; stopped by close()."""

    def __init__(self, size, options=(), files={}):
        """`options`: lines of the configuration; `files`: what they name, in the same directory."""
        self.directory = tempfile.mkdtemp(prefix="spread-python-")
        self.port = pick_port()
        self.hosts = ["127.0.0.%d" % (i + 1) for i in range(size)]
        for name, content in files.items():
            with open(os.path.join(self.directory, name), "w") as file:
                file.write(content)
        lines = [line.format(directory=self.directory) for line in options]
        if IS_STOCK:
            # Started as root, it insists on changing to a user that exists.
            lines += ["DaemonUser = root", "DaemonGroup = root", "RuntimeDir = /tmp"]
        lines += ["Spread_Segment 127.0.0.255:%d {" % self.port]
        lines += ["    d%d %s { %s }" % (i + 1, host, host) for i, host in enumerate(self.hosts)]
        configuration = os.path.join(self.directory, "spread.conf")
        with open(configuration, "w") as file:
            file.write("\n".join(lines) + "\n}\n")
        self.log = open(os.path.join(self.directory, "log"), "ab")
        self.processes = [None] * size
        try:
            # The first comes last: where all stock daemons of a port share a Unix socket, it is its.
            for i in reversed(range(size)):
                self.processes[i] = self._start(i, configuration)
                self._wait_listening(i)
        except BaseException:
            self.close()
            raise

    def _start(self, index, configuration):
        if IS_STOCK:
            command = [os.path.join(os.environ["SPREAD_STOCK_DIR"], "sbin/spread")]
        else:
            command = [os.environ["SPREAD_DAEMON"], "--unix-dir", self._unix_directory(index),
                       "--state-dir", self._unix_directory(index)]
        return subprocess.Popen(command + ["-n", "d%d" % (index + 1), "-c", configuration],
                                stdout=self.log, stderr=self.log)

    def _unix_directory(self, index):
        if IS_STOCK:
            return "/tmp"
        directory = os.path.join(self.directory, "d%d" % (index + 1))
        os.makedirs(directory, exist_ok=True)
        return directory

    def _wait_listening(self, index):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.processes[index].poll() is not None:
                break
            try:
                socket.create_connection((self.hosts[index], self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        with open(os.path.join(self.directory, "log")) as log:
            raise RuntimeError("daemon %d does not listen:\n%s" % (index, log.read()))

    def address(self, index=0):
        if OVER_UNIX and index == 0:
            return os.path.join(self._unix_directory(0), str(self.port))
        return "%d@%s" % (self.port, self.hosts[index])

    def wait_formed(self):
        """Returns when all daemons see each other: one client at each in one group."""
        import spread
        deadline = time.monotonic() + PATIENCE
        boxes = [spread.connect(self.address(i), "probe") for i in range(len(self.hosts))]
        for box in boxes:
            box.join("everybody")
        for box in boxes:
            while True:
                message = box.receive(timeout=max(0.0, deadline - time.monotonic()))
                if len(message.members) == len(boxes):
                    break
        for box in boxes:
            box.disconnect()

    def crash(self, index):
        self.processes[index].kill()
        self.processes[index].wait()

    def close(self):
        for process in filter(None, self.processes):
            if process.poll() is None:
                process.kill()
            process.wait()
        self.log.close()
        if IS_STOCK and os.path.exists("/tmp/%d" % self.port):
            os.unlink("/tmp/%d" % self.port)
        shutil.rmtree(self.directory, ignore_errors=True)
