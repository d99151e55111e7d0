"""Trunk limits that engines share: the engine's side of `limits.lua`. The package's docstring has the model."""

import logging
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from dialler.clock import Clock
from dialler.events import Journal, LimitsAway, LimitsBack
from dialler.ports import Trunk, WakeBus
from dialler.stores.redis.line import TIMEOUT_S, Away, Document, Line
from dialler.stores.redis.view import TrunkView

HEARTBEAT_S: Final = 1.0
ABSENT_AFTER_S: Final = 2.5
"""An engine that has said nothing for so long is on its safe share, or gone: two heartbeats, and time to fail."""

SETTLE_S: Final = 5.0
"""After a start of the server: longer than any engine takes to find it again."""

BATCH_S: Final = 0.02
"""Calls that end within this time are told together."""

RETRIES_S: Final = (0.1, 0.25, 0.5, 1.0)
_log = logging.getLogger("dialler.limits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """How trunks are shared."""

    engine: str
    """This engine's name; no other's."""

    engines_max: int
    prefix: str = "dialler"
    absent_s: float = 900.0
    """How long an engine that vanished goes on to count."""

    absent_after_s: float = ABSENT_AFTER_S
    settle_s: float = SETTLE_S
    heartbeat_s: float = HEARTBEAT_S


class RedisLimits:
    """`TrunkLimits` of an engine that shares its trunks."""

    def __init__(
        self,
        trunks: Sequence[Trunk],
        line: Line,
        sharing: Sharing,
        *,
        wakes: WakeBus,
        clock: Clock,
        journal: Journal,
        chance: random.Random,
    ) -> None:
        self._views = {trunk.name: TrunkView(trunk, sharing.engines_max, chance) for trunk in trunks}
        self._line = line
        self._sharing = sharing
        self._wakes = wakes
        self._clock = clock
        self._journal = journal
        self._times = {
            "late_s": TIMEOUT_S,
            "absent_after_s": sharing.absent_after_s,
            "settle_s": sharing.settle_s,
        }
        self._keys = [f"{{{sharing.prefix}}}:engines", *(f"{{{sharing.prefix}}}:trunk:{name}" for name in self._views)]
        self._boot = f"{random.SystemRandom().getrandbits(64):016x}"
        self._number = 0
        self._failures = 0
        self._beat_at = -math.inf
        self._asking = anyio.Lock()
        self._stir = anyio.Event()
        self._changed: Callable[[], None] = lambda: None
        self._ahead_s: float | None = None
        """What the server's clock is ahead of our monotonic one, at least."""

        self._away: str | None = "not asked yet"
        """Why the server can't be used; None while it can."""

        self._away_since = clock.monotonic()
        self._is_refused = False
        self._was_counted = False
        self._has_left = False
        self._era = 0
        """Tokens are given back to where they came from: counts the times that the server went and came."""

        self._reserved_in = 0
        self._strangers = self._absent = 0
        self._settles = False
        self._go_alone()
        for name in self._views:
            wakes.listen(f"trunk:{name}", lambda: self._stir.set())

    @property
    def shared(self) -> bool:
        return self._away is None

    # What is known

    def said(self) -> Sequence[str]:
        if self._is_refused:
            return [f"the trunks are not shared with this engine: {self._away}"]
        most = next((view.engines_max for view in self._views.values()), self._sharing.engines_max)
        if self._away is not None:
            lent = [
                f", of {name} {view.entitled} channels"
                for name, view in self._views.items()
                if self._was_counted and view.entitled < view.share
            ]
            return [f"Redis is away: at most 1/{most} of each trunk{''.join(lent)} ({self._away})"]
        said = []
        if self._settles:
            said.append("Redis was started anew: no more channels than now, until all engines had time to speak up")
        if missing := self._strangers + self._absent:
            said.append(f"{missing} of {most} engines that may share the trunks not heard of: their share is kept free")
        said += [
            f"trunk {name}: of all engines' caps the smallest count, {view.rate:g} calls a second, {view.cap} channels"
            for name, view in self._views.items()
            if view.rate < view.trunk.calls_per_second or view.cap < view.trunk.channels
        ]
        return said

    def tokens(self, name: str) -> int:
        if (view := self._views.get(name)) is None:
            return 0
        now = self._clock.monotonic()
        return view.bucket.tokens(now) if self._away is None else view.tokens_alone(now)

    def token_due_s(self, name: str) -> float:
        if (view := self._views.get(name)) is None:
            return math.inf
        now = self._clock.monotonic()
        return view.bucket.due_s(now) if self._away is None else view.due_alone_s(now)

    def channels_free(self, name: str) -> int:
        if (view := self._views.get(name)) is None or self._is_refused:
            return 0
        return view.room if self._away is None else view.free_alone(counted=self._was_counted)

    def channels_used(self, name: str) -> int:
        view = self._views.get(name)
        return view.channels.used if view is not None else 0

    # What is taken and given back

    def set_caps(self, caps: Mapping[str, Trunk]) -> None:
        for name, trunk in caps.items():
            if (view := self._views.get(name)) is not None:
                view.set_caps(trunk)
        self._stir.set()

    async def reserve(self, wanted: Mapping[str, int]) -> Mapping[str, int]:
        if self._away is None:
            async with self._asking:
                granted = await self._ask(wanted) if self._away is None else None
            if granted is not None:
                self._reserved_in = self._era
                return {name: granted.get(name, 0) for name in wanted}
        return self._reserve_alone(wanted)

    def _reserve_alone(self, wanted: Mapping[str, int]) -> Mapping[str, int]:
        granted = {name: max(0, min(n, self.tokens(name), self.channels_free(name))) for name, n in wanted.items()}
        now = self._clock.monotonic()
        for name, n in granted.items():
            view = self._views.get(name)
            if n and view is not None and view.alone is not None:
                view.alone.take(max(now, view.alone_from), n)
                view.channels.reserved += n
        self._reserved_in = self._era
        return granted

    def give_back(self, unused: Mapping[str, int]) -> None:
        for name, n in unused.items():
            if (view := self._views.get(name)) is None:
                continue
            n = min(n, view.channels.reserved)
            view.channels.reserved -= n
            if self._reserved_in == self._era and view.alone is not None:
                view.alone.give_back(n)
            elif self._reserved_in == self._era:
                view.give_back(n)
            self._came_free(view, n)

    def hold(self, name: str, call_id: str, *, reserved: bool) -> None:
        if (view := self._views.get(name)) is not None:
            view.channels.hold(call_id, reserved=reserved)

    def release(self, name: str, call_id: str) -> None:
        view = self._views.get(name)
        if view is not None and call_id in view.channels.calls:
            view.channels.calls.discard(call_id)
            self._came_free(view, 1)

    def _came_free(self, view: TrunkView, n: int) -> None:
        if self._away is None and n:
            if view.room == 0 or view.wanted:
                self._stir.set()  # Whose it is now the server has to say.
            else:
                view.room += n

    # In touch with the server

    async def run(self, changed: Callable[[], None], *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        self._changed = changed
        pause_s = await self.run_once()
        if self.shared:
            pause_s = await self.run_once()  # Now the server knows that we have heard it: there are tokens for us.
        task_status.started()
        while True:
            with anyio.move_on_after(pause_s):
                await self._stir.wait()
                await anyio.sleep(BATCH_S)
            pause_s = await self.run_once()

    async def run_once(self) -> float:
        """Tell the server how it is; return after how many seconds to do so again, if nothing stirs before."""
        self._stir = anyio.Event()
        now = self._clock.monotonic()
        if is_beat := now >= self._beat_at:
            self._beat_at = now + self._sharing.heartbeat_s
        async with self._asking:
            answered = await self._ask({}, is_beat=is_beat) is not None
        self._failures = 0 if answered else min(self._failures + 1, len(RETRIES_S))
        if answered:
            return max(0.0, self._beat_at - self._clock.monotonic())
        self._beat_at = -math.inf
        return RETRIES_S[self._failures - 1]

    async def leave(self) -> None:
        async with self._asking:
            if self._away is None:
                await self._ask({}, leaves=True)
            self._has_left = True

    async def _ask(
        self, wanted: Mapping[str, int], *, is_beat: bool = False, leaves: bool = False
    ) -> Mapping[str, int] | None:
        """Say how it is, and ask for what is wanted; return what was granted, None if the server is of no use now."""
        if self._has_left:
            return None
        trunks = {name: view.question(wanted.get(name, 0)) for name, view in self._views.items()}
        try:
            answer = await self._answer(list(trunks.values()), is_beat=is_beat, leaves=leaves)
        except Away as error:
            self._lose(str(error))
            return None
        if "refused" in answer:
            self._lose(self._refusal(answer), is_refused=answer["refused"] != "late")
            return None
        if leaves:
            return {}
        return self._learn(answer)

    async def _answer(self, trunks: Sequence[Document], *, is_beat: bool, leaves: bool) -> Document:
        for attempt in ("first", "second"):
            if self._ahead_s is None:
                self._ahead_s = await self._line.time() - self._clock.monotonic()
            self._number += 1
            question: Document = {
                "engine": self._sharing.engine,
                "boot": self._boot,
                "number": self._number,
                "sent_at": self._clock.monotonic() + self._ahead_s,
                "engines_max": self._sharing.engines_max,
                "absent_s": self._sharing.absent_s,
                "beat": is_beat,
                "alone": self._away is not None,
                "leaves": leaves,
                "keeps": any(trunk["held"] for trunk in trunks),
                "trunks": trunks,
            }
            answer = await self._line.ask(self._keys, question, self._times)
            # An answer was on its way for a while, so by now the server's clock is later: we never believe it to be.
            self._ahead_s = float(answer["now"]) - self._clock.monotonic()
            if answer.get("refused") != "late" or attempt == "second":
                return answer
            # Its clock was set, most likely.
        raise AssertionError("a loop of two")

    def _learn(self, answer: Document) -> Mapping[str, int]:
        now = self._clock.monotonic()
        self._strangers = int(answer["strangers"])
        self._settles = bool(answer["settles"])
        granted, is_news = {}, False
        for (name, view), told in zip(self._views.items(), answer["trunks"], strict=True):
            had, was_dry = min(view.room, view.bucket.tokens(now)), view.bucket.per_second == 0
            granted[name] = view.learn(told, int(answer["engines_max"]), now)
            # Whoever waits for a token that was never to come has to ask anew when it will.
            is_news |= had == 0 and min(view.room, view.bucket.tokens(now)) > 0
            is_news |= was_dry and view.bucket.per_second > 0
            if view.entitled < view.counted:
                self._stir.set()  # The others can have it once the server knows.
            if view.lent and view.wanted:
                self._wakes.publish(f"trunk:{name}")
        self._absent = max((int(told["absent"]) for told in answer["trunks"]), default=0)
        if self._away is not None:
            self._find()
        elif is_news:
            self._changed()
        return granted

    def _refusal(self, answer: Document) -> str:
        match answer["refused"]:
            case "name":
                return (
                    f"another engine is called {self._sharing.engine}: each needs a name of its own in [redis] engine"
                )
            case "room":
                return f"[redis] engines_max is {answer['engines_max']}, and these are there: {answer['others']}"
        return "its clock jumps"

    def _lose(self, reason: str, *, is_refused: bool = False) -> None:
        # Who was refused has no share that others keep free for him: also while the server is away.
        is_refused = is_refused or self._is_refused
        is_news = self._away is None or self._is_refused != is_refused or not self._era
        self._ahead_s = None
        if self._away is None:
            self._away_since = self._clock.monotonic()
            self._go_alone()
        self._away, self._is_refused = reason, is_refused
        if is_news:
            self._era += 1
            most = max((view.engines_max for view in self._views.values()), default=self._sharing.engines_max)
            self._journal.emit(LimitsAway(at=self._clock.now(), reason=reason, engines_max=most))
            self._changed()

    def _go_alone(self) -> None:
        from_s = self._clock.monotonic() + self._sharing.absent_after_s
        for view in self._views.values():
            view.go_alone(from_s)

    def _find(self) -> None:
        was_told = self._era > 0
        self._away, self._is_refused, self._was_counted = None, False, True
        self._era += 1
        self._stir.set()  # The server is to know that we have heard it: until then it takes us for one by himself.
        if was_told:
            away_s = self._clock.monotonic() - self._away_since
            self._journal.emit(LimitsBack(at=self._clock.now(), away_s=round(away_s, 3)))
        self._changed()
