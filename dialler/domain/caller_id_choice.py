"""Which number of a pool a call shows: local to the one who is called, and each in its turn.

Of the numbers that are on, may be shown on the trunk, are under their calls of the day and have rested, the one whose
area suits best is taken; among equals the one whose last turn is longest ago. What a choice costs does not depend on
how many numbers a pool has, as long as there is one to be shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from dialler.domain.caller_id import CallerId, CallerIdPool, CallerIdUse, WhenNone
from dialler.domain.caller_id_areas import Areas
from dialler.domain.caller_id_turns import Turns
from dialler.domain.lead import WindowKey
from dialler.domain.local_day import day_after, local_date

STATES: Final = ("free", "resting", "capped", "off")
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_RANKED_MAX: Final = 20_000
"""Sets of areas whose order of caller ids is kept."""

_CALL_OF_THE_DAY: Final = 1 << 48
"""More turns than a pool ever has: who was used least today comes first, of those he whose turn is longest ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a call shows, or when it could show something."""

    number: str | None
    """None: there is none left for it."""

    reason: str
    """In words."""

    free_at: datetime | None
    """When the first number for such a call is free (UTC); not after now where there is one. None: only somebody's
    doing brings one."""


@dataclass(frozen=True, slots=True)
class _Rank:
    area: str
    """"" for numbers that are local to nothing."""

    numbers: Sequence[CallerId]
    turns: dict[str | None, Turns] = field(default_factory=dict)
    """Of those that may be shown on a trunk, by trunk; None: of all."""


class CallerIdBook:
    """A pool as choices see it. It changes by `use` alone, and is the same again if made anew from its uses."""

    def __init__(self, pool: CallerIdPool, numbers: Iterable[CallerId], uses: Mapping[str, CallerIdUse]) -> None:
        self.pool = pool
        self.uses = dict(uses)
        self._numbers = {each.number: each for each in numbers}
        self._turn = max((use.turn for use in uses.values()), default=0)
        self._free_at = {each.number: self._free(each) for each in self._numbers.values()}
        self._areas = Areas(self._numbers.values())
        self._everyone = _Rank("", list(self._numbers.values()))
        self._ranked: dict[tuple[str, ...], Sequence[_Rank]] = {}
        self._rank: dict[tuple[str, tuple[str, ...]], _Rank] = {}
        """The same one for all calls that the same numbers suit."""

        self._turns_with: dict[str, list[Turns]] = {}
        """Those in which a number stands, by number."""

        self._least_used: dict[str | None, Turns] = {}
        """All by their calls of a day, by trunk: for calls to which none is local."""

        self._least_used_on = date.min

    @property
    def numbers(self) -> Sequence[CallerId]:
        """The pool's numbers."""
        return list(self._numbers.values())

    def free_at(self, number: str) -> datetime | None:
        """Return from when on a number may be used (UTC); None: once somebody switches it on."""
        return self._free_at[number]

    def is_any_free(self, trunk: str, now: datetime) -> bool:
        """Tell whether any number may be used on a trunk, whoever is called."""
        return self._turns(self._everyone, trunk).first(now)[0] is not None

    def none_free(self, trunk: str, now: datetime) -> Choice:
        """Return why no number may be used on a trunk, whoever is called, and when one may."""
        everyone = self._on(trunk, self._numbers.values())
        return Choice(number=None, reason=self._why_none(everyone, trunk, now), free_at=self._first_free(everyone))

    def choose(self, called: str, region: str, trunk: str | None, now: datetime) -> Choice:
        """Return what a call to the number `called` (E.164) shows, of a lead in `region` ("US-IL", "" if unknown).

        `trunk` is the one that it goes out on; None: whichever suits.
        """
        ranks = self._ranks(called, region)
        for rank in ranks:
            number, free_now = self._turns(rank, trunk).first(now)
            if number is not None:
                local = f"local to {rank.area}" if rank.area else "local to no area"
                reason = f"{number}, {local}, in its turn of {free_now} free"
                return Choice(number=number, reason=reason, free_at=self._free_at[number])
        if self.pool.settings.when_none is WhenNone.ANY:
            number, free_now = self._by_calls_of_the_day(trunk, now).first(now)
            if number is not None:
                reason = f"{number}, of another area, the least used of {free_now} free"
                return Choice(number=number, reason=reason, free_at=self._free_at[number])
            ranks = [self._everyone]
        waiting = [each for rank in ranks for each in self._on(trunk, rank.numbers)]
        return Choice(number=None, reason=self._why_none(waiting, trunk, now), free_at=self._first_free(waiting))

    def alike(self, called: str) -> str:
        """Return how numbers begin that have the same choice as `called`, for leads of the same region: none of the
        pool's areas tells them apart."""
        return self._areas.alike(called)

    def use(self, number: str, now: datetime) -> None:
        """Note that a call shows a number from now on."""
        was = self.uses.get(number)
        today = local_date(now, self.pool.settings.timezone)
        # A clock that was set back must not start a new day.
        is_same_day = was is not None and was.day >= today
        self._turn += 1
        self.uses[number] = CallerIdUse(
            last_at=now,
            day=was.day if was is not None and is_same_day else today,
            on_day=was.on_day + 1 if was is not None and is_same_day else 1,
            turn=self._turn,
        )
        free_at = self._free_at[number] = self._free(self._numbers[number])
        for turns in self._turns_with.get(number, ()):
            turns.put(number, self._turn, free_at)
        for trunk, turns in self._least_used.items():
            if trunk is None or _may_on(self._numbers[number], trunk):
                turns.put(number, self._least_used_first(number), free_at)

    def state_of(self, number: str, now: datetime) -> str:
        """Return what a number does at `now`, one of `STATES`: it is capped once the calls of its day are used up."""
        each = self._numbers[number]
        if each.is_off(now):
            return "off"
        if self._is_free(each, now):
            return "free"
        cap = self._cap(each)
        return "capped" if cap is not None and self._on_day(each, now) >= cap else "resting"

    def _ranks(self, called: str, region: str) -> Sequence[_Rank]:
        areas = self._areas.of(called, region)
        found = self._ranked.get(areas)
        if found is None:
            if len(self._ranked) >= _RANKED_MAX:
                for kept in (self._ranked, self._rank, self._turns_with, self._everyone.turns):
                    kept.clear()
            found = [self._one_rank(area, numbers) for area, numbers in self._areas.ranked(areas)]
            self._ranked[areas] = found
        return found

    def _one_rank(self, area: str, numbers: Sequence[CallerId]) -> _Rank:
        return self._rank.setdefault((area, tuple(each.number for each in numbers)), _Rank(area, numbers))

    def _turns(self, rank: _Rank, trunk: str | None) -> Turns:
        found = rank.turns.get(trunk)
        if found is None:
            allowed = self._on(trunk, rank.numbers)
            entries = [(each.number, self._turn_of(each)[0], self._free_at[each.number]) for each in allowed]
            found = rank.turns[trunk] = Turns(entries)
            for each in allowed:
                self._turns_with.setdefault(each.number, []).append(found)
        return found

    def _by_calls_of_the_day(self, trunk: str | None, now: datetime) -> Turns:
        today = local_date(now, self.pool.settings.timezone)
        if today != self._least_used_on:
            self._least_used, self._least_used_on = {}, today
        found = self._least_used.get(trunk)
        if found is None:
            allowed = [each.number for each in self._on(trunk, self._numbers.values())]
            entries = [(number, self._least_used_first(number), self._free_at[number]) for number in allowed]
            found = self._least_used[trunk] = Turns(entries)
        return found

    def _least_used_first(self, number: str) -> int:
        use = self.uses.get(number)
        if use is None:
            return 0
        return use.turn + (use.on_day * _CALL_OF_THE_DAY if use.day >= self._least_used_on else 0)

    @staticmethod
    def _on(trunk: str | None, numbers: Iterable[CallerId]) -> list[CallerId]:
        return [each for each in numbers if trunk is None or _may_on(each, trunk)]

    def _is_free(self, each: CallerId, now: datetime) -> bool:
        free_at = self._free_at[each.number]
        return free_at is not None and free_at <= now

    def _first_free(self, numbers: Iterable[CallerId]) -> datetime | None:
        return min((at for each in numbers if (at := self._free_at[each.number]) is not None), default=None)

    def _free(self, each: CallerId) -> datetime | None:
        """Return from when on a number may be used. It is free then, and stays so until it is used or changed."""
        if each.off_reason is not None and each.off_until is None:
            return None
        at = each.off_until if each.off_reason is not None and each.off_until is not None else _ALWAYS
        use, settings = self.uses.get(each.number), self.pool.settings
        if use is None:
            return at
        at = max(at, use.last_at + timedelta(seconds=settings.rest_s if each.rest_s is None else each.rest_s))
        cap = self._cap(each)
        if cap is not None and use.on_day >= cap:
            at = max(at, day_after(use.day, settings.timezone))
        return at

    def _cap(self, each: CallerId) -> int | None:
        return self.pool.settings.calls_per_day_max if each.calls_per_day_max is None else each.calls_per_day_max

    def _turn_of(self, each: CallerId) -> tuple[int, str]:
        use = self.uses.get(each.number)
        return (0 if use is None else use.turn), each.number

    def _on_day(self, each: CallerId, now: datetime) -> int:
        use = self.uses.get(each.number)
        return 0 if use is None or use.day < local_date(now, self.pool.settings.timezone) else use.on_day

    def _why_none(self, waiting: Sequence[CallerId], trunk: str | None, now: datetime) -> str:
        if not waiting:
            on = f" on trunk {trunk}" if trunk is not None else ""
            return f"pool {self.pool.name} has no number for such a call{on}"
        states = [self.state_of(each.number, now) for each in waiting]
        counted = [f"{n} {state}" for state in ("resting", "capped", "off") if (n := states.count(state))]
        return f"of pool {self.pool.name}'s {len(waiting)} for such a call none is free: " + ", ".join(counted)


def first_choice(choices: Sequence[Choice]) -> Choice:
    """Return the first of several choices that has a number, else the one that has one first."""
    found = next((each for each in choices if each.number is not None), None)
    known = [each for each in choices if each.free_at is not None]
    return found or min(known, key=lambda each: each.free_at or _ALWAYS, default=choices[0])


def region_of(key: WindowKey) -> str:
    """Return a lead's region as areas name it, "US-IL"; "" where it is not known, or no code."""
    region = key.region.removeprefix(f"{key.country}-")
    return f"{key.country}-{region}" if key.country and region else ""


def _may_on(each: CallerId, trunk: str) -> bool:
    return not each.trunks or trunk in each.trunks
