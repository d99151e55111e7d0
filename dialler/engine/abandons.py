"""The abandon rate while the engine runs, and what it may still do when that is over its limit.

What counts is in the records. The engine reads it once for each campaign and goes on by itself from there: a call
counts when it ends, before its end is durable, so that the next decision knows of it. Decisions know more: who talks to
an agent, or hears the information message, was answered already, and counts for them although the call goes on.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from dialler.domain.abandon import (
    LOOK_BACK,
    NOTHING,
    AbandonCounts,
    Counted,
    PeriodRate,
    entry_of,
    first_slot,
    period_rate,
    slot_begins,
    slot_of,
    total,
)
from dialler.domain.call import Call, CallState
from dialler.domain.campaign import AbandonOver, AbandonPeriod, CampaignSettings
from dialler.domain.session import Session
from dialler.ports import PacingDecision, PacingFacts, Records
from strategies.pacing import PeriodCount
from strategies.progressive import Progressive

_PROGRESSIVE: Final = Progressive()


class Ledger:
    """What the calls of one campaign counted as, by slot, as far back as any period goes."""

    def __init__(self) -> None:
        self._slots: dict[int, AbandonCounts] = {}
        self._pending: Counter[tuple[int, Counted]] = Counter()
        """Ends that are on their way into the records."""

        self._talks: set[str] = set()
        self._messages: set[str] = set()
        """Live calls with an agent, and with the information message, by id."""

        self._sums: dict[AbandonPeriod, tuple[int, AbandonCounts]] = {}
        self._sums_of: tuple[int, str] | None = None
        """The slot and the zone for which the sums hold."""

        self._rates: Sequence[PeriodRate] | None = None
        self._rates_by: CampaignSettings | None = None
        """The settings with which the rates were drawn from the sums."""

    def load(self, slots: Mapping[int, AbandonCounts]) -> None:
        """Take over what the records hold; ends that are on their way there count beside it."""
        self._slots = dict(slots)
        for (slot, counted), n in self._pending.items():
            self._add(slot, counted, n)
        self._sums_of = None

    def note(self, session: Session) -> None:
        """Count a session that has just ended."""
        self._talks.discard(session.session_id)
        self._messages.discard(session.session_id)
        if (entry := entry_of(session)) is not None:
            self._pending[entry] += 1
            self._add(*entry)
            self._sums = {
                period: (first, counts.plus(entry[1]) if entry[0] >= first else counts)
                for period, (first, counts) in self._sums.items()
            }
            self._rates = None

    def live(self, call: Call) -> None:
        """Count a call that goes on, of a campaign with agents, once it is known what it will count as."""
        if call.harbour and call.connected_at is None:
            self._messages.add(call.call_id)
        elif call.state is CallState.TALKING:
            self._talks.add(call.call_id)

    def rates_now(self, settings: CampaignSettings, now: datetime) -> Sequence[PeriodRate]:
        """Return the rates of all periods that end now, live calls included."""
        rates, abandoned, answered = self.rates(settings, now), len(self._messages), len(self._talks)
        if not (abandoned or answered):
            return rates
        return [
            replace(rate, abandoned=rate.abandoned + abandoned, answered=rate.answered + abandoned + answered)
            for rate in rates
        ]

    def written(self, session: Session) -> None:
        """Note that the end of a session is durable."""
        if (entry := entry_of(session)) is not None and entry in self._pending:
            self._pending[entry] -= 1
            if not self._pending[entry]:
                del self._pending[entry]

    def rates(self, settings: CampaignSettings, now: datetime) -> Sequence[PeriodRate]:
        """Return the rates of all periods that end now; costs the same however many calls there were."""
        if self._sums_of != (slot_of(now), settings.timezone):
            self._move_on(settings.timezone, now)
        if self._rates is None or self._rates_by is not settings:
            self._rates_by = settings
            self._rates = [
                period_rate(period, counts, settings, first=first) for period, (first, counts) in self._sums.items()
            ]
        return self._rates

    def _add(self, slot: int, counted: Counted, n: int = 1) -> None:
        self._slots[slot] = self._slots.get(slot, NOTHING).plus(counted, n)

    def _move_on(self, zone: str, now: datetime) -> None:
        for period in AbandonPeriod:
            first = first_slot(period, now, zone)
            was, counts = self._sums.get(period, (first, None))
            if self._sums_of is None or self._sums_of[1] != zone or first < was or counts is None:
                counts = total(counts for slot, counts in self._slots.items() if slot >= first)
            elif first > was:
                # Only what has left the period, so that moving on costs the same however long it is.
                counts -= total(self._slots[slot] for slot in range(was, first) if slot in self._slots)
            self._sums[period] = first, counts
        since = slot_of(now - LOOK_BACK)
        for slot in [slot for slot in self._slots if slot < since]:
            del self._slots[slot]
        self._sums_of = slot_of(now), zone
        self._rates = None


def stored_counts(records: Records, campaign_id: int, now: datetime) -> Mapping[int, AbandonCounts]:
    """Return what the records hold of a campaign, as far back as any period goes."""
    return records.abandon_counts(campaign_id, since=slot_of(now - LOOK_BACK))


def over_limit(rates: Sequence[PeriodRate]) -> PeriodRate | None:
    """Return the rate that is the furthest over a limit that holds; None: none is."""
    over = [rate for rate in rates if rate.is_enforced and rate.is_over]
    return max(over, key=lambda rate: rate.abandoned / rate.allowed, default=None)


def next_slot_at(now: datetime) -> datetime:
    """Return when the periods move on by themselves."""
    return slot_begins(slot_of(now) + 1)


def period_counts(rates: Sequence[PeriodRate], settings: CampaignSettings) -> tuple[PeriodCount, ...]:
    """Return the rates as plain numbers, for pacing strategies: of the periods for which the limit holds."""
    return tuple(
        PeriodCount(
            name=rate.period.value,
            answered=rate.answered,
            abandoned=rate.abandoned,
            limit=rate.limit,
            allowed=rate.allowed,
            unsure=_unsure(rate.counts) if settings.abandon_estimate else 0.0,
        )
        for rate in rates
        if rate.is_enforced
    )


def _unsure(counts: AbandonCounts) -> float:
    """Return the standard deviation of how many of the abandoned were persons, judged by whom agents met."""
    passed = counts.passed + counts.passed_machine
    machines = counts.passed_machine / passed if passed else 0.0
    return math.sqrt(counts.abandoned * machines * (1 - machines))


def over_words(over: PeriodRate, settings: CampaignSettings) -> str:
    """Say that a campaign is over its abandon limit, and what it may still do."""
    may = "no call" if settings.abandon_over is AbandonOver.STOP else "one call for each free agent at most"
    return f"over the abandon limit ({over.words()}): {may}"


def capped(
    decision: PacingDecision, facts: PacingFacts, over: PeriodRate, settings: CampaignSettings
) -> PacingDecision:
    """Return what may be launched of a decision by a campaign that is over its abandon limit."""
    most = 0 if settings.abandon_over is AbandonOver.STOP else _PROGRESSIVE.decide(facts).calls
    reason = f"{over_words(over, settings)}; {decision.reason}"
    return replace(decision, calls=min(decision.calls, most), reason=reason)
