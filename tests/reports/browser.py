"""A Chromium without a window, driven through pipes by its DevTools protocol: real clicks, real keys, a real layout."""

import json
import os
import select
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions", "--hide-scrollbars"),
    "--remote-debugging-pipe",
)
PATIENCE = 60  # seconds


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome; None if there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page of a browser. The protocol is https://chromedevtools.github.io/devtools-protocol/."""

    def __init__(self, executable: str, profile: Path):
        asked, self._ask = os.pipe()
        self._answers, answered = os.pipe()
        # the browser reads questions from descriptor 3 and writes answers to descriptor 4
        command = ["bash", "-c", f'exec "$0" "$@" 3<&{asked} 4>&{answered}', executable]
        self._process = subprocess.Popen(
            [*command, *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(asked, answered),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(asked)
        os.close(answered)
        self._pending, self._count, self._session = b"", 0, None
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.errors: list[str] = []
        self.call("Runtime.enable")

    def close(self) -> None:
        """End the browser."""
        os.close(self._ask)
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._answers)

    def call(self, method: str, **params):
        """Ask for something, wait for its result."""
        self._count += 1
        question = {"id": self._count, "method": method, "params": params}
        question |= {"sessionId": self._session} if self._session else {}
        os.write(self._ask, json.dumps(question).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _next(self) -> dict:
        """The next message: an answer, or an event, of which errors are kept."""
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            if not (more := os.read(self._answers, 1 << 16) if ready else b""):
                raise RuntimeError("the browser has ended, or says nothing")
            self._pending += more
        text, _, self._pending = self._pending.partition(b"\0")
        message = json.loads(text)
        if message.get("method") == "Runtime.exceptionThrown":
            details = message["params"]["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        if message.get("method") == "Page.loadEventFired":
            self._loaded = True
        return message

    def open(self, path: Path, width: int = 1280, height: int = 900, script: bool = True) -> None:
        """Show a file in a window of this size, with or without its scripts, and wait until it is there."""
        self.resize(width, height)
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._next()

    def resize(self, width: int, height: int = 900) -> None:
        """Give the window a size."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def read(self, expression: str):
        """The value of an expression in JavaScript; of a promise, what it comes to."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"]["description"])
        return found["result"].get("value")

    def click(self, element: str) -> None:
        """Press and release the mouse on the middle of what an expression in JavaScript gives, if nothing covers it."""
        x, y, covered = self.read(
            f"(e => {{ e.scrollIntoView({{block: 'center', inline: 'center'}}); const r = e.getBoundingClientRect();"
            "const x = r.x + r.width / 2, y = r.y + r.height / 2, at = document.elementFromPoint(x, y);"
            f"return [x, y, !e.contains(at) && !at.contains(e)]; }})({element})"
        )
        if covered:
            raise RuntimeError(f"something covers {element}")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, text: str = "") -> None:
        """Press a key, such as "Tab" or "Enter"."""
        code = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}[key]
        for kind in ("keyDown", "keyUp"):
            given = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **given)
