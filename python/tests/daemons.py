"""Daemons for tests: a ring on loopback, each on its own address 127.0.0.N."""

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time

PATIENCE = 30.0


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
        if _is_free(port) and _is_free(port + 1):
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
        lines += ["Spread_Segment 127.0.0.255:%d {" % self.port]
        lines += ["    d%d %s { %s }" % (i + 1, host, host) for i, host in enumerate(self.hosts)]
        configuration = os.path.join(self.directory, "spread.conf")
        with open(configuration, "w") as file:
            file.write("\n".join(lines) + "\n}\n")
        self.log = open(os.path.join(self.directory, "log"), "ab")
        self.processes = [
            subprocess.Popen(
                [os.environ["SPREAD_DAEMON"], "-n", "d%d" % (i + 1), "-c", configuration,
                 "--unix-dir", self.directory, "--state-dir", self.directory],
                stdout=self.log, stderr=self.log)
            for i in range(size)]
        try:
            for i in range(size):
                self._wait_listening(i)
        except BaseException:
            self.close()
            raise

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
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
