"""A real Chromium for tests of pages: started without a window, and told what to do over its DevTools pipe.

The protocol is JSON documents that end in a zero byte, on file descriptors 3 and 4 of the browser: no port, no
websocket, no driver. Waiting is done in the page, by its own events.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.exchanges import give_up

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
ANSWER_S: Final = 60.0
"""For one command of ours; a loaded machine is slow to start a browser."""

ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--lang=en-GB",
    "--remote-debugging-pipe",
)

# Resolves once the text holds for the page: looked at after each change of the page, as the page makes it.
_UNTIL: Final = """new Promise((resolve, reject) => {
  const holds = () => { try { return (%s); } catch { return false; } };
  if (holds()) { resolve(true); return; }
  const observer = new MutationObserver(() => { if (holds()) { observer.disconnect(); resolve(true); } });
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  setTimeout(() => { observer.disconnect(); reject(new Error("it never held: " + document.body.innerText)); }, %d);
})"""


class Chromium:
    """A browser that runs; `page` opens pages in it."""

    def __init__(self, program: str, profile: Path) -> None:
        ours_in, theirs_out = _high(*os.pipe())
        theirs_in, ours_out = _high(*os.pipe())

        def arrange() -> None:
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self._process = subprocess.Popen(
            [program, *ARGUMENTS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=arrange,
            env={**os.environ, "TZ": "UTC"},
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = ours_in, ours_out
        self._rest = b""
        self._last_id = 0
        self.events: list[dict[str, Any]] = []
        """What the browser told by itself so far."""

    def send(self, method: str, session: str | None = None, **params: object) -> dict[str, Any]:
        """Carry out a command; return its result. Raises AssertionError where it fails."""
        self._last_id += 1
        command = {"id": self._last_id, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        os.write(self._out, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_S
        while True:
            document = self._read(deadline, method)
            if document.get("id") == self._last_id:
                assert "error" not in document, f"{method}: {document['error']}"
                result: dict[str, Any] = document["result"]
                return result
            self.events.append(document)

    def page(self, url: str, *, width: int = 1280, height: int = 900) -> "Page":
        """Open a page in a tab of its own."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log"):
            page.send(f"{domain}.enable")
        page.size(width, height)
        page.send("Page.navigate", url=url)
        page.until("document.readyState === 'complete' && location.href !== 'about:blank'")
        return page

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        os.close(self._in)
        os.close(self._out)

    def _read(self, deadline: float, what: str) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"Chromium gave no answer to {what} within {ANSWER_S:g} s"
            chunk = os.read(self._in, 1 << 20)
            assert chunk, f"Chromium ended with {self._process.poll()} while it was asked for {what}"
            self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\0")
        document: dict[str, Any] = json.loads(text)
        return document


class Page:
    """A page that is open."""

    def __init__(self, chromium: Chromium, session: str) -> None:
        self._chromium = chromium
        self._session = session

    def send(self, method: str, **params: object) -> dict[str, Any]:
        """Carry out a command on this page."""
        return self._chromium.send(method, self._session, **params)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, awaited. Raises AssertionError where it throws."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str, *, within_s: float = 30.0) -> None:
        """Wait until an expression of JavaScript holds."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                self.evaluate(_UNTIL % (condition, int(within_s * 1000)))
            except AssertionError as error:
                # The page was left while it was looked at.
                left = any(
                    said in str(error) for said in ("context was destroyed", "navigated or closed", "Cannot find")
                )
                if not left or time.monotonic() > deadline:
                    raise
            else:
                return

    def text(self, selector: str) -> str:
        """Return the text that is seen of the first such element."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def size(self, width: int, height: int) -> None:
        """Give the page a window of this size."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def scheme(self, scheme: str) -> None:
        """Prefer "light" or "dark"."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: Path) -> None:
        """Write a picture of the whole page, PNG."""
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """Return what the browser complained about so far: errors of scripts, what the page's policy forbade."""
        self.evaluate("1")
        said = []
        for event in self._chromium.events:
            if event.get("sessionId") != self._session:
                continue
            if event["method"] == "Runtime.exceptionThrown":
                said.append(str(event["params"]["exceptionDetails"]))
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                said.append(str(event["params"]["entry"]))
        return said


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Give a running Chromium; the test is skipped where there is none, or fails if it must be."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        give_up("chromium", "no Chromium is installed")
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        browser = Chromium(program, Path(profile))
        try:
            yield browser
        finally:
            browser.close()


def _high(*descriptors: int) -> tuple[int, ...]:
    """Move descriptors above those that the browser gets."""
    moved = tuple(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    return moved
