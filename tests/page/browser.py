"""A headless Chromium, driven over the WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

import base64
import json
import subprocess
import time
import urllib.error
import urllib.request


class Browser:
    """One window. `width` is that of the page in CSS pixels."""

    def __init__(self, width, dark=False, scripts=True):
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        try:
            self._root = f"http://127.0.0.1:{self._port()}"
            self._session = None
            self._session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:loggingPrefs": {"browser": "ALL"},
                "goog:chromeOptions": {
                    "args": ["--headless=new", "--no-sandbox", "--disable-gpu",
                             "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"],
                    "prefs": {} if scripts else
                             {"profile.managed_default_content_settings.javascript": 2},
                }}}})["sessionId"]
            # A window is wider than 380 pixels; the page need not be.
            self._devtools("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
            self._devtools("Emulation.setEmulatedMedia", {"features": [
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        except BaseException:
            self.close()
            raise

    def _port(self):
        for line in self._driver.stdout:
            if "started successfully on port" in line:
                return int(line.rstrip().rstrip(".").rsplit(" ", 1)[1])
        raise RuntimeError("chromedriver ended before it listened")

    def _call(self, method, path, body=None):
        if self._session is not None:
            path = f"/session/{self._session}{path}"
        request = urllib.request.Request(
            self._root + path, method=method, headers={"Content-Type": "application/json"},
            data=json.dumps(body if body is not None else {}).encode() if method == "POST" else None)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode(errors="replace")) from error

    def _devtools(self, command, arguments):
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": arguments})

    def open(self, url):
        self._call("POST", "/url", {"url": url})

    def run(self, script):
        """The value of `script`, a body of a function, in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": []})

    def text(self, selector):
        """What is to be read in the first such element; nothing of the page's scripts is needed."""
        while True:
            element = self._call("POST", "/element", {"using": "css selector", "value": selector})
            try:
                return self._call("GET", f"/element/{next(iter(element.values()))}/text")
            except RuntimeError as error:
                if "stale element" not in str(error):  # the page has renewed itself meanwhile
                    raise

    def complaints(self):
        """What the console has said since the last call: errors of scripts, refused resources."""
        return [entry["message"] for entry in self._call("POST", "/se/log", {"type": "browser"})]

    def screenshot(self, path):
        """The whole page, as far as it scrolls."""
        size = self._devtools("Page.getLayoutMetrics", {})["cssContentSize"]
        picture = self._devtools("Page.captureScreenshot", {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}})
        with open(path, "wb") as out:
            out.write(base64.b64decode(picture["data"]))

    def close(self):
        if getattr(self, "_session", None) is not None:
            try:
                self._call("DELETE", "")
            except (OSError, RuntimeError):
                pass
        self._driver.terminate()
        self._driver.wait()
        self._driver.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wait_for(what, condition, seconds=20):
    """Asks until `condition()` is true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not in {seconds} s")
        time.sleep(0.1)
