# SPDX-License-Identifier: MIT
"""A headless Chromium, led through its debugging pipe: no port, no network.

Every wait is for an answer of the browser, with a limit.
"""

import base64
import ctypes
import json
import os
import select
import shutil
import subprocess
import time

LIBC = ctypes.CDLL(None)
PR_SET_CHILD_SUBREAPER = 36

LIMIT = 60.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find():
    """The browser's path, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def wait_for_orphans():
    """Its helpers end after it, and write to the profile until then."""
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


class Browser:
    def __init__(self, program, profile):
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
        reads, their_out = os.pipe()
        their_in, writes = os.pipe()
        self.reads, self.writes = reads, writes
        self.serial, self.rest, self.session = 0, b"", None
        self.said = []  # what the page's console and errors said
        self.child = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3<&{their_in} 4>&{their_out}', "sh",
             program, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--hide-scrollbars",
             "--no-first-run", "--disable-background-networking",
             "--host-resolver-rules=MAP * ~NOTFOUND",
             f"--user-data-dir={profile}", "--remote-debugging-pipe",
             "about:blank"],
            pass_fds=(their_in, their_out), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(their_in)
        os.close(their_out)
        try:
            self.attach()
        except BaseException:
            self.__exit__()
            raise

    def attach(self):
        pages = self.call("Target.getTargets")["targetInfos"]
        page = next(t for t in pages if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", flatten=True,
                                 targetId=page["targetId"])["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        os.close(self.reads)
        os.close(self.writes)
        wait_for_orphans()

    def message(self, deadline):
        while b"\0" not in self.rest:
            left = deadline - time.monotonic()
            if not select.select([self.reads], [], [], max(0, left))[0]:
                raise TimeoutError("the browser does not answer")
            got = os.read(self.reads, 1 << 20)
            if not got:
                raise EOFError("the browser has ended")
            self.rest += got
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def wait(self, wanted):
        """The first message that WANTED likes; complaints are kept."""
        deadline = time.monotonic() + LIMIT
        while True:
            m = self.message(deadline)
            method = m.get("method", "")
            if method in ("Runtime.exceptionThrown", "Log.entryAdded",
                          "Runtime.consoleAPICalled"):
                self.said.append(m["params"])
            if method == "Network.requestWillBeSent":
                self.said.append(m["params"]["request"]["url"])
            if wanted(m):
                return m

    def call(self, method, **params):
        self.serial += 1
        call = {"id": self.serial, "method": method, "params": params}
        if self.session:
            call["sessionId"] = self.session
        text = json.dumps(call).encode() + b"\0"
        while text:
            text = text[os.write(self.writes, text):]
        answer = self.wait(lambda m: m.get("id") == self.serial)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    # --- one page ---------------------------------------------------------

    def open(self, path, scheme="light", size=(1280, 900), scripts=True):
        """Loads a file; returns what it asked for besides, and said."""
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Emulation.setTimezoneOverride", timezoneId="Europe/Berlin")
        self.call("Emulation.setDeviceMetricsOverride", width=size[0],
                  height=size[1], deviceScaleFactor=1, mobile=False)
        self.said.clear()
        url = "file://" + path
        self.call("Page.navigate", url=url)
        self.wait(lambda m: m.get("method") == "Page.loadEventFired")
        said = [s for s in self.said if s != url]
        self.said.clear()
        return said

    def js(self, expression):
        """The value of an expression in the page."""
        got = self.call("Runtime.evaluate", expression=expression,
                        returnByValue=True)
        if "exceptionDetails" in got:
            raise RuntimeError(f"{expression}: {got['exceptionDetails']}")
        return got["result"].get("value")

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type="mouse" + kind, x=x, y=y,
                  **more)

    def drag(self, start, end, y):
        how = {"button": "left", "buttons": 1, "clickCount": 1}
        self.mouse("Moved", start, y)
        self.mouse("Pressed", start, y, **how)
        self.mouse("Moved", (start + end) / 2, y, **how)
        self.mouse("Moved", end, y, **how)
        self.mouse("Released", end, y, button="left", clickCount=1)

    def key(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def shot(self, path):
        data = self.call("Page.captureScreenshot")["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))
