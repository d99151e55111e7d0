"""Whether a lead may be dialled now, why not, and when at the earliest. Selection and explanation alike."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from dialler.domain.abandoned_rest import abandoned_until
from dialler.domain.caller_id_choice import Choice
from dialler.domain.calling_window import CallingWindow
from dialler.domain.campaign import Campaign, CampaignSettings, Desired, LeadList, in_force
from dialler.domain.lead import Lead, LeadState, NumberAttempts, NumberStatus, PhoneNumber
from dialler.domain.local_day import day_after, local_date
from dialler.domain.outcome import TRAITS
from dialler.domain.personal_callback import Promise, promise_of
from dialler.domain.strategy import NumberOrder


class Gate(NamedTuple):
    """One condition, as it stood. A tuple, because thirteen are made for each lead that is looked at."""

    name: str
    """campaign, list, dates, state, expiry, number, do_not_call, line, window, rest, abandoned, attempts,
    attempts_per_day; agent where the lead has a callback that is its agent's; caller_id where the campaign has a pool
    and the lead a number."""

    passed: bool
    value: str
    """What was found, for people: "21:04 in America/New_York"."""

    rule: str
    """What it was held against: "sat 08:00-21:00"."""

    earliest: datetime | None = None
    """When this gate opens by itself (UTC); now or earlier if passed; None: only somebody's doing opens it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What has to be known beside the lead itself."""

    campaign: Campaign
    lead_list: LeadList
    window: CallingWindow
    """Of the lead's window key, under the campaign's hours."""

    dnc: Set[str] = frozenset()
    """Numbers on a do-not-call list in force for the campaign: those of the lead at least."""

    attempts: Mapping[str, NumberAttempts] = field(default_factory=dict)
    """Counted attempts in the campaign, by number: those of the lead at least, as far as there are any."""

    in_call: Set[str] = frozenset()
    """Numbers that are being called now, for whatever lead: none is rung twice at once."""

    by_hand: bool = False
    """Whether an agent asks for this one call himself: neither a campaign's pause nor a list that is off stops that.
    """

    agent: str | None = None
    """The agent who is held for the call; None: it is for nobody in particular."""

    caller_id: Callable[[Lead, str, datetime], Choice] | None = None
    """Chooses what a call to a number of a lead shows; None: the campaign has no pool of caller ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Every gate with its value; never only the first that fails."""

    gates: tuple[Gate, ...]
    number: PhoneNumber | None
    """The number to dial; None where none can be."""

    caller_id: str | None
    """The number of the campaign's pool that the call would show; None where it has no pool, or none is left."""

    dialable: bool
    earliest: datetime | None
    """The earliest instant at which all gates that open by themselves are open: `now` if dialable; None if never
    without somebody's doing."""

    @property
    def shut(self) -> frozenset[str]:
        """The names of the gates that are shut."""
        return frozenset(gate.name for gate in self.gates if not gate.passed)


def dialable(lead: Lead, facts: Facts, now: datetime) -> Verdict:
    """Return the verdict on `lead` at `now`.

    `earliest` is exact as long as neither the lead nor the facts change: at that instant the lead is dialable. It
    is None while a gate is shut that only somebody's doing opens, such as a stopped campaign; the gates still
    say each for itself when they open.
    """
    usable = [number for number in lead.numbers if number.status is NumberStatus.OK]
    number = next_number([one for one in usable if one.number not in facts.dnc], lead, facts.lead_list.rules.numbers)
    settings = in_force(facts.campaign.settings, facts.lead_list)
    # Caps follow the number: what other leads used up of it counts here, and stays with it whatever becomes of them.
    on_numbers = [facts.attempts[one.number] for one in lead.numbers if one.number in facts.attempts]
    gates: tuple[Gate, ...] = (
        _campaign_gate(facts, now),
        _list_gate(facts, now),
        _dates_gate(facts.lead_list, now),
        _state_gate(lead, now),
        _expiry_gate(lead, now),
        _gate("number", bool(usable), f"{len(usable)} of {len(lead.numbers)} usable", "one or more", now=now),
        _dnc_gate(usable, facts.dnc, now),
        _line_gate(number, facts.in_call, now),
        _window_gate(facts.window, now),
        _rest_gate(lead, settings.rest_min_s, now),
        _abandoned_gate(lead, on_numbers, settings, now, agent_held=facts.agent is not None),
        _attempts_gate(lead, on_numbers, settings.attempts_max, now),
        _day_gate(lead, on_numbers, settings.attempts_per_day_max, now),
    )
    promise = promise_of(lead, settings.callbacks_to, hold_s=settings.callback_hold_s, window=facts.window)
    if promise is not None:
        gates = (*gates, _agent_gate(promise, facts, now))
    caller_id = None
    if facts.caller_id is not None and number is not None:
        choice = facts.caller_id(lead, number.number, now)
        caller_id = choice.number
        gates = (*gates, _caller_id_gate(choice, now))
    passed = all(gate.passed for gate in gates)
    earliest = now if passed else _earliest(gates, lead, facts.lead_list, facts.window)
    return Verdict(gates=gates, number=number, caller_id=caller_id, dialable=passed, earliest=earliest)


def next_number(callable_: Sequence[PhoneNumber], lead: Lead, order: NumberOrder) -> PhoneNumber | None:
    """Return which of the numbers that can be called is called next; None if there is none.

    `rotate` goes by the attempts that the lead has had, so that each of n numbers gets every n-th of them.
    """
    if not callable_:
        return None
    match order:
        case NumberOrder.FIRST:
            return callable_[0]
        case NumberOrder.ROTATE:
            return callable_[lead.attempts % len(callable_)]
        case NumberOrder.BEST:
            return max(callable_, key=lambda number: number.reached)  # the first of equals


def refusal(verdict: Verdict) -> str:
    """Return in words why a lead can't be dialled: each gate that is shut, its value and rule, and when it opens."""
    said = []
    for gate in (gate for gate in verdict.gates if not gate.passed):
        opens = f"; opens {gate.earliest:%Y-%m-%d %H:%M:%S} UTC" if gate.earliest is not None else ""
        said.append(f"{gate.name}: {gate.value} (rule: {gate.rule}){opens}")
    return ", ".join(said)


def verdict_to_json(verdict: Verdict) -> Mapping[str, object]:
    """Return the verdict as JSON data; moments as ISO 8601 with offset."""
    earliest = _iso(verdict.earliest)
    return {
        "dialable": verdict.dialable,
        "earliest": earliest,
        "number": None if verdict.number is None else verdict.number.number,
        "caller_id": verdict.caller_id,
        "gates": [
            {
                "name": gate.name,
                "passed": gate.passed,
                "value": gate.value,
                "rule": gate.rule,
                # Of a lead that may be dialled it is the same moment thirteen times.
                "earliest": earliest if gate.earliest is verdict.earliest else _iso(gate.earliest),
            }
            for gate in verdict.gates
        ],
    }


def _earliest(gates: tuple[Gate, ...], lead: Lead, lead_list: LeadList, window: CallingWindow) -> datetime | None:
    """Return the first instant at which gates that are shut now will all be open, None if one never opens."""
    openings = [gate.earliest for gate in gates if gate.earliest is not None]
    if len(openings) < len(gates):
        return None
    after = max(openings)
    open_at = window.next_open(after)
    if open_at is None:
        return None
    earliest = max(after, open_at)
    ends = [at for at in (lead.expires_at, lead_list.ends_at) if at is not None]
    return None if ends and earliest >= min(ends) else earliest


def _gate(name: str, passed: bool, value: str, rule: str, *, now: datetime, opens_at: datetime | None = None) -> Gate:
    return Gate(name, passed, value, rule, now if passed else opens_at)


def _dates_gate(lead_list: LeadList, now: datetime) -> Gate:
    """Return the gate of a list's start and end: a start opens it, after the end nobody's waiting does."""
    starts_at, ends_at = lead_list.starts_at, lead_list.ends_at
    said = [f"{word} {at:%Y-%m-%d %H:%M:%S} UTC" for word, at in (("from", starts_at), ("until", ends_at)) if at]
    opens_at = starts_at if ends_at is None or now < ends_at else None
    value = " ".join(said) or "always"
    return _gate("dates", lead_list.is_current(now), value, "between start and end", now=now, opens_at=opens_at)


def _campaign_gate(facts: Facts, now: datetime) -> Gate:
    desired = facts.campaign.desired
    may_pause = facts.by_hand and desired is Desired.PAUSED
    rule = "running or paused" if facts.by_hand else "running"
    return _gate("campaign", desired is Desired.RUNNING or may_pause, desired.value, rule, now=now)


def _list_gate(facts: Facts, now: datetime) -> Gate:
    to_dial = facts.lead_list.to_dial
    rule = "any list, by hand" if facts.by_hand else "to dial"
    return _gate("list", to_dial or facts.by_hand, "to dial" if to_dial else "off", rule, now=now)


def _state_gate(lead: Lead, now: datetime) -> Gate:
    value = lead.state.value
    due_at = lead.due_at if lead.state is LeadState.RESTING else None
    if due_at is not None:
        value += f" until {due_at:%Y-%m-%d %H:%M:%S} UTC"
    if lead.completed_reason is not None:
        value += f" ({lead.completed_reason})"
    passed = lead.state in (LeadState.READY, LeadState.RESTING) and (due_at is None or due_at <= now)
    return _gate("state", passed, value, "ready, or resting and due", now=now, opens_at=due_at)


def _expiry_gate(lead: Lead, now: datetime) -> Gate:
    if lead.expires_at is None:
        return _gate("expiry", True, "never expires", "not expired", now=now)
    return _gate(
        "expiry", now < lead.expires_at, f"expires {lead.expires_at:%Y-%m-%d %H:%M:%S} UTC", "not expired", now=now
    )


def _dnc_gate(usable: list[PhoneNumber], dnc: Set[str], now: datetime) -> Gate:
    listed = sum(number.number in dnc for number in usable)
    passed = not usable or listed < len(usable)
    return _gate("do_not_call", passed, f"{listed} of {len(usable)} usable on a list", "one or more is not", now=now)


def _line_gate(number: PhoneNumber | None, in_call: Set[str], now: datetime) -> Gate:
    """Return the gate of numbers that several leads share. Nobody can say when a call will be over."""
    busy = number is not None and number.number in in_call
    return _gate("line", not busy, "in a call" if busy else "free", "no other call to the number", now=now)


def _rest_gate(lead: Lead, rest_min_s: int, now: datetime) -> Gate:
    """Return the gate of rests: the one given after the last attempt, and the campaign's least rest.

    The least rest is after counted attempts only. Of those taken back while ringing, which count too, the
    lead does not tell; their rest is in `due_at`.
    """
    opens_at = lead.due_at if lead.state is LeadState.RESTING else None
    if lead.last_attempt_at is not None and lead.last_outcome and TRAITS[lead.last_outcome].counts_attempt:
        rested_at = lead.last_attempt_at + timedelta(seconds=rest_min_s)
        opens_at = rested_at if opens_at is None else max(opens_at, rested_at)
    value = "never tried"
    if lead.last_attempt_at is not None:
        value = f"last tried {lead.last_attempt_at:%Y-%m-%d %H:%M:%S} UTC"
    passed = opens_at is None or opens_at <= now
    rule = f"{rest_min_s} s after a counted attempt, and its redial rule"
    return _gate("rest", passed, value, rule, now=now, opens_at=opens_at)


def _abandoned_gate(
    lead: Lead, on_numbers: Sequence[NumberAttempts], settings: CampaignSettings, now: datetime, *, agent_held: bool
) -> Gate:
    """Return the gate of people whom we have abandoned, whatever brought the lead back since, and whichever of their
    leads it was."""
    opens_at = abandoned_until(settings, lead.last_outcome, lead.last_attempt_at)
    value = "no" if opens_at is None else f"the call of {lead.last_attempt_at:%Y-%m-%d %H:%M:%S} UTC"
    for each in on_numbers:
        until = abandoned_until(settings, each.last_outcome, each.last_at)
        if until is not None and (opens_at is None or until > opens_at):
            opens_at = until
            value = f"the call of {each.last_at:%Y-%m-%d %H:%M:%S} UTC to a number of its own, for another lead"
    passed = opens_at is None or opens_at <= now or (settings.abandoned_hold_agent and agent_held)
    rule = f"not within {settings.abandoned_rest_s} s of an abandoned call"
    if settings.abandoned_hold_agent:
        rule += ", but for an agent who is held for it"
    return _gate("abandoned", passed, value, rule, now=now, opens_at=opens_at)


def _agent_gate(promise: Promise, facts: Facts, now: datetime) -> Gate:
    """Return the gate of a callback that is its agent's. An agent who asks for the call himself may be another."""
    is_over = promise.until is not None and promise.until <= now
    passed = is_over or facts.by_hand or facts.agent == promise.agent
    until = "" if promise.until is None else f", until {promise.until:%Y-%m-%d %H:%M:%S} UTC"
    waits = "waited" if is_over else "waits"
    value = f"{waits} for agent {promise.agent} since {promise.since:%Y-%m-%d %H:%M:%S} UTC{until}"
    rule = "a callback for the agent who promised it"
    return _gate("agent", passed, value, rule, now=now, opens_at=promise.until)


def _attempts_gate(lead: Lead, on_numbers: Sequence[NumberAttempts], most: int, now: datetime) -> Gate:
    tried, value = lead.attempts_counted, f"{lead.attempts_counted} counted"
    others = sum(each.counted for each in on_numbers)
    if others > tried:
        tried, value = others, f"{value}, {others} on its numbers with those of other leads"
    return _gate("attempts", tried < most, value, f"{most} in all", now=now)


def _day_gate(lead: Lead, on_numbers: Sequence[NumberAttempts], per_day_max: int, now: datetime) -> Gate:
    zone = lead.window_key.zones[0]
    today = local_date(now, zone)
    # A clock that was set back must not open a new day's allowance.
    same_day = lead.attempts_day is not None and today <= lead.attempts_day
    tried = lead.attempts_on_day if same_day else 0
    last_day = lead.attempts_day
    value = f"{tried} counted on {today} in {zone}"
    others = sum(each.on_day for each in on_numbers if today <= each.day)
    if others > tried:
        tried, value = others, f"{value}, {others} on its numbers with those of other leads"
        last_day = max(each.day for each in on_numbers)
    opens_at = day_after(last_day, zone) if last_day is not None else None
    return _gate(
        "attempts_per_day",
        tried < per_day_max,
        value,
        f"{per_day_max} a day",
        now=now,
        opens_at=opens_at,
    )


def _caller_id_gate(choice: Choice, now: datetime) -> Gate:
    is_there = choice.number is not None
    return _gate("caller_id", is_there, choice.reason, "one of the pool's is free", now=now, opens_at=choice.free_at)


def _window_gate(window: CallingWindow, now: datetime) -> Gate:
    passed, value, rule, opens_at = _window_at(window, now)
    return _gate("window", passed, value, rule, now=now, opens_at=opens_at)


@lru_cache(maxsize=4096)  # the leads of a bucket ask for one instant
def _window_at(window: CallingWindow, now: datetime) -> tuple[bool, str, str, datetime | None]:
    value = ", ".join(f"{at:%H:%M} in {zone}" for zone, at in window.local_times(now))
    passed = window.is_open(now)
    return passed, value, window.describe(now), None if passed else window.next_open(now)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
