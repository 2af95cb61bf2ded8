"""The status page in a browser: what it says, on phones and desks, and that it needs nothing else.

SPREAD_DAEMON and SPREADCTL name the programs; SPREAD_PAGE_SHOTS is where screenshots are left."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from browser import Browser, wait_for

DAEMON = os.environ["SPREAD_DAEMON"]
SPREADCTL = os.environ["SPREADCTL"]
SHOTS = pathlib.Path(os.environ.get("SPREAD_PAGE_SHOTS") or tempfile.mkdtemp(prefix="spread-page-"))
WIDTHS = (380, 1280)


def free_ports():
    """A port with free neighbours for the ring's sockets, and one for pages."""
    for port in range(24801, 32000, 10):
        sockets = []
        try:
            for kind, number in ((socket.SOCK_STREAM, port), (socket.SOCK_DGRAM, port),
                                 (socket.SOCK_DGRAM, port + 1), (socket.SOCK_STREAM, port + 2)):
                sockets.append(socket.socket(socket.AF_INET, kind))
                sockets[-1].bind(("127.0.0.1", number))
            return port, port + 2
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise RuntimeError("no free ports")


class Ring:
    """Three daemons on loopback addresses."""

    def __init__(self):
        self._files = tempfile.TemporaryDirectory(prefix="spread-page-ring-")
        self._port, self._page = free_ports()
        self._daemons = {}
        lines = [f"Spread_Segment 127.0.0.255:{self._port} {{"]
        lines += [f"    d{i} 127.0.0.{i}" for i in (1, 2, 3)]
        lines += ["}", "DangerousMonitor = true", "AdminListen = port", "TokenTimeout = 500"]
        for i in (1, 2, 3):
            # Each listens for browsers on its own address.
            text = "\n".join(lines).replace("= port", f'= "127.0.0.{i}:{self._page}"') + "\n"
            self._path(i, "conf").write_text(text)

    def _path(self, i, what):
        return pathlib.Path(self._files.name) / f"d{i}.{what}"

    def start(self, i):
        self._path(i, "dir").mkdir(exist_ok=True)
        with open(self._path(i, "log"), "ab") as log:
            self._daemons[i] = subprocess.Popen(
                [DAEMON, "-n", f"d{i}", "-c", self._path(i, "conf"), "--unix-dir",
                 self._path(i, "dir"), "--state-dir", self._path(i, "dir")],
                stdout=log, stderr=log)

    def kill(self, i):
        daemon = self._daemons.pop(i)
        daemon.kill()
        daemon.wait()

    def url(self, i):
        return f"http://127.0.0.{i}:{self._page}/"

    def ctl(self, i, *arguments):
        return subprocess.run([SPREADCTL, "-s", self._path(i, "dir") / f"{self._port}.ctl", *arguments],
                              capture_output=True, text=True, timeout=30)

    def wait_for(self, i, members):
        wait_for(f"a ring of {members}",
                 lambda: self.ctl(i, "check", "--expect", str(members)).returncode == 0)

    def close(self):
        for i in list(self._daemons):
            self.kill(i)
        self._files.cleanup()


class Page(unittest.TestCase):
    """One ring for all: each test begins and ends with three members."""

    @classmethod
    def setUpClass(cls):
        SHOTS.mkdir(parents=True, exist_ok=True)
        cls.ring = Ring()
        cls.addClassCleanup(cls.ring.close)
        for i in (1, 2, 3):
            cls.ring.start(i)
        cls.ring.wait_for(1, 3)

    def look(self, state, begins, contains=()):
        """The page of d1 at all widths says so, fits, and asks nobody else for anything."""
        for width in WIDTHS:
            for dark in (False, True):
                with self.subTest(state=state, width=width, dark=dark), Browser(width, dark) as browser:
                    browser.open(self.ring.url(1))
                    self.check(browser, width, begins, contains)
                    shade = browser.run(
                        "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"
                        ".slice(0, 3).reduce((sum, each) => sum + Number(each), 0)")
                    self.assertEqual(shade < 3 * 128, dark, "dark mode")
                    name = f"{state}-{width}{'-dark' if dark else ''}.png"
                    browser.screenshot(SHOTS / name)

    def check(self, browser, width, begins, contains):
        # Causes are told once they have been the same for a while.
        wait_for(f"{begins} and {contains} on the page",
                 lambda: browser.text("h1").startswith(begins) and
                 all(each in browser.text("main") for each in contains))
        self.assertEqual(browser.run("return innerWidth"), width)
        overflow = browser.run("""
            const all = [...document.querySelectorAll("body *")];
            return all.filter(each => each.getBoundingClientRect().right > innerWidth + 1 &&
                                      !each.closest(".scroll, svg"))
                      .map(each => each.outerHTML.slice(0, 100));""")
        self.assertEqual(overflow, [], "wider than the page")
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), width)
        origin = self.ring.url(1)
        for each in browser.run("return performance.getEntriesByType('resource').map(e => e.name)"):
            self.assertTrue(each.startswith(origin) or each.startswith("data:"), each)
        # A browser asks for an icon by itself.
        self.assertEqual([c for c in browser.complaints() if "favicon" not in c], [])

    def test_all_are_there(self):
        # What the others say comes with the second look.
        self.look("healthy", "HEALTHY", ["d1", "d2", "d3", " / ", "same"])

    def test_one_is_missing_and_then_two(self):
        self.ring.kill(3)
        try:
            self.ring.wait_for(1, 2)
            self.look("one-missing", "DEGRADED", ["d3 MISSING", "is it running?"])
            self.ring.kill(2)
            try:
                self.ring.wait_for(1, 1)
                self.look("alone", "ALONE", ["d2 MISSING", "d3 MISSING"])
            finally:
                self.ring.start(2)
        finally:
            self.ring.start(3)
            self.ring.wait_for(1, 3)

    def test_an_open_page_follows_a_partition_and_its_end(self):
        with Browser(1280) as browser:
            browser.open(self.ring.url(1))
            self.assertRegex(browser.text("h1"), "^HEALTHY")
            browser.run("window.wasNotLoadedAgain = true")
            self.assertEqual(self.ring.ctl(1, "partition", "d1 d2 / d3").returncode, 0)
            try:
                self.check(browser, 1280, "DEGRADED", ["d3 MISSING"])
                browser.screenshot(SHOTS / "partition-1280.png")
            finally:
                self.assertEqual(self.ring.ctl(1, "heal").returncode, 0)
            self.check(browser, 1280, "HEALTHY", ["lost d3", "monitor_partition"])
            self.assertTrue(browser.run("return window.wasNotLoadedAgain === true"))
        self.ring.wait_for(1, 3)

    def test_without_scripts(self):
        with Browser(1280, scripts=False) as browser:
            browser.open(self.ring.url(1))
            self.assertRegex(browser.text("h1"), "^HEALTHY")
            self.assertIn("Daemons", browser.text("main"))


if __name__ == "__main__":
    if shutil.which("chromedriver") is None:
        print("no chromedriver (Debian package chromium-driver): not checked")
        sys.exit(77)
    print("screenshots:", SHOTS, file=sys.stderr)
    unittest.main(verbosity=2)
