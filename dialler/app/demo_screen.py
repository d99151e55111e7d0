"""What `dialler demo` shows: where to look, each call as it ends, and now and then where everything stands."""

import os
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Final

import anyio

from dialler.app.daemon import Daemon
from dialler.app.summary import summary_lines
from dialler.domain.session import Session
from dialler.events import Event, SessionClosed, SessionOpened
from dialler.ports import EngineReport, Records, Store
from dialler.settings import Settings

WIDTH: Final = 79
UNSHOWN_MAX: Final = 1_000
"""Calls that wait to be shown; of more than that none is."""


class Screen:
    """A terminal, or whatever else standard output is."""

    def __init__(self, store: Store) -> None:
        self.gone = anyio.Event()
        """Set once nobody reads any more."""

        self._store = store
        self._placed: Counter[str] = Counter()
        self._send, self._receive = anyio.create_memory_object_stream[SessionClosed](UNSHOWN_MAX)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, SessionOpened):
            self._placed[event.list] += 1
        elif isinstance(event, SessionClosed):
            with suppress(anyio.WouldBlock):
                self._send.send_nowait(event)

    def close(self) -> None:
        """Take no further calls to show; `show_calls` returns after the last."""
        self._send.close()

    def say(self, text: str = "") -> None:
        """Print a line, or several."""
        if self.gone.is_set():
            return
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except OSError:
            # Else the interpreter would complain once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.gone.set()

    async def show_calls(self) -> None:
        """Print each call that ended, with who was called and what their clock showed."""
        async with self._receive:
            async for event in self._receive:
                self.say(_call_line(event, await self._store.read(partial(_session, event.session_id))))

    def show_addresses(
        self, running: Daemon, settings: Settings, campaign: str, token: str, *, board: str | None, is_new: bool
    ) -> None:
        """Print where to look."""
        api = running.addresses.api
        folder = Path(settings.file).parent
        dialler = "./go" if Path("go").is_file() else "dialler"
        self.say(f"dialler demo: campaign {campaign!r} {'begins' if is_new else 'goes on where it stopped'}")
        if board is not None:
            self.say(f"  board     {board}")
        self.say(f"  records   {settings.store.database_file}")
        self.say(f"  API       {api.socket}")
        if api.tcp is not None:
            self.say(f"            http://{api.tcp[0]}:{api.tcp[1]}/docs")
            self.say(f"            Authorization: Bearer {token}")
        self.say(f"  metrics   {running.addresses.metrics}")
        self.say(f"  try       {dialler} status -c {folder}/demo.toml   (in another terminal)")
        self.say("  Ctrl-C ends it\n")

    def show_standing(self, report: EngineReport) -> None:
        """Print where everything stands."""
        total = sum(self._placed.values())
        shares = ", ".join(f"{name} {count / total:.0%}" for name, count in sorted(self._placed.items()))
        for each in report.campaigns:
            self.say(f"--- {total} calls{': ' if shares else ''}{shares}")
            standing = (
                f"now {each.calls_unanswered} ringing, {each.calls_waiting} waiting, {each.calls_talking} talking; "
                f"agents {each.agents_ready} ready, {each.agents_busy} busy"
            )
            for said in (standing, *each.limits[:1]):
                self.say("\n".join(wrap(said, WIDTH, initial_indent="    ", subsequent_indent="      ")))

    def show_summary(self, figures: Mapping[str, object]) -> None:
        """Print what all runs came to."""
        self.say("\nall runs of this demo together:")
        for line in summary_lines(figures):
            self.say(line)
        self.say("run it again to go on from here; --fresh begins anew")


def _session(session_id: str, records: Records) -> Session:
    return records.session(session_id)


def _call_line(event: SessionClosed, session: Session) -> str:
    city = session.timezone.rpartition("/")[2].replace("_", " ")
    clock = datetime.fromisoformat(session.local_time) if session.local_time else None
    where = f"{clock:%H:%M} {city}" if clock else city
    talk = f", talked {event.talk_s:.0f} s" if event.talk_s is not None else ""
    return f"{event.at.astimezone():%H:%M:%S}  {event.list:<7} {session.name:<16} {where:<18} {event.outcome}{talk}"
