"""A campaign: lists, hours, pacing and limits, run as one. And its lists."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from dialler.domain.calling_hours import ALWAYS_DAYTIME, CallingHours
from dialler.domain.dnc_scope import DncScope
from dialler.domain.patience import Patience, PatienceStart
from dialler.domain.personal_callback import CALLBACK_HOLD_MAX_S, CallbacksTo
from dialler.domain.strategy import Strategy, StrategySettings
from telephony.answer_plan import (
    QUEUE_PRIORITY,
    AnswerPlan,
    KeyAction,
    check_message_keys,
    check_optout_key,
    check_queue_priority,
    check_sound,
)
from telephony.member import QUEUE

WEIGHT_MIN, WEIGHT_MAX = 1, 10_000
WEIGHT_DEFAULT = 100
AGENTS_PRIORITY_MAX = 1_000
RING_TIMEOUT_MAX_S = 600
MERCHANT_CHARS_MAX = 100
MERCHANT = re.compile(r"(?! )[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+(?<! )")
LEAD_DAYS_MAX = 36_500
ABANDON_LIMIT = 0.03  # 16 CFR 310.4(b)(4)(i): of the calls answered by a person, per campaign and 30 days
REST_MAX_S = 316_224_000  # 3660 days, as for redial rules
COUNT_MAX = 1_000_000
PATIENCE_MIN_S, PATIENCE_MAX_S = 0.1, 60.0
WRAP_UP_MAX_S = 3_600
WRAP_DEADLINE_MAX_S = 604_800  # a week: what nobody wrapped by then he will not
_BOUNDS: Final = (
    ("ring_timeout_s", 1, RING_TIMEOUT_MAX_S),
    ("attempts_max", 1, COUNT_MAX),
    ("attempts_per_day_max", 1, COUNT_MAX),
    ("abandon_sample_min", 1, COUNT_MAX),
    ("wrap_deadline_s", 1, WRAP_DEADLINE_MAX_S),
    ("wrap_up_s", 0, WRAP_UP_MAX_S),
    ("preview_s", 5, 3_600),
    ("callback_hold_s", 0, CALLBACK_HOLD_MAX_S),
    ("rest_min_s", 0, REST_MAX_S),
    ("abandoned_rest_s", 0, REST_MAX_S),
    ("agents_priority", -AGENTS_PRIORITY_MAX, AGENTS_PRIORITY_MAX),
)
"""Of each whole number the least and the most: beyond, sums with a time would fail where nobody expects it."""

HARBOUR: Final = "dlr/harbour"
"""The information message where a campaign has none of its own, as the shipped dialplan names it."""

OPTOUT_KEY: Final = "9"
"""The key to opt out where a campaign has none of its own, as the shipped dialplan knows it."""


def _check_weight(weight: int, name: str = "weight") -> None:
    if not WEIGHT_MIN <= weight <= WEIGHT_MAX:
        raise ValueError(f"{name} must be {WEIGHT_MIN} to {WEIGHT_MAX}, got {weight}")


class Desired(StrEnum):
    """What supervisors want of a campaign; the engine follows."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"


class AbandonPeriod(StrEnum):
    """Periods over which the abandon rate is measured."""

    HALF_HOUR = "30m"
    DAY = "24h"
    MONTH = "month"
    DAYS_30 = "30d"


class AbandonOver(StrEnum):
    """What a campaign may still do whose abandon rate is over its limit."""

    PROGRESSIVE = "progressive"
    """One call for each free agent at most."""

    STOP = "stop"
    """No call at all, until it is under the limit again."""


class PreviewThen(StrEnum):
    """What becomes of an offer of preview dialling that its agent has not answered in time."""

    SKIP = "skip"
    DIAL = "dial"


class AmdUnsure(StrEnum):
    """What becomes of calls of which machine detection is not sure, or where nobody says a word."""

    PERSON = "person"
    """They go on as persons: no silent call is made to somebody who waits for us to speak."""

    MACHINE = "machine"


class Wrap(StrEnum):
    """Whether an answered call waits for an agent's wrap code."""

    REQUIRED = "required"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """What a supervisor sets."""

    timezone: str = "Etc/UTC"
    """The zone of leads for which nothing else gives one."""

    merchant: str = ""
    """On whose behalf it calls; its do-not-call entries hold for all campaigns of the same merchant. "" for none."""

    hours: CallingHours = ALWAYS_DAYTIME
    pacing: str = "progressive"
    pacing_settings: Mapping[str, float] = field(default_factory=dict)
    trunks: tuple[str, ...] = ()
    """Trunks in order of preference; empty means all of the installation."""

    queue: str | None = None
    """The agents' queue; a pacing strategy that needs agents needs one."""

    queue_priority: int = QUEUE_PRIORITY
    """Of answered calls that wait in one queue those of the campaign with the highest are next."""

    caller_ids: tuple[str, ...] = ()
    """Numbers to show, in turn, where it has no pool."""

    caller_id_pool: str | None = None
    """The name of the pool whose numbers it shows; goes before `caller_ids`."""

    ring_timeout_s: int = 25
    wrap: Wrap = Wrap.NONE
    wrap_deadline_s: int = 120
    wrap_up_s: int = 0
    """How long an agent is kept from calls after a talk that needs no wrap code; with one it is until that comes."""

    preview_s: int = 60
    """How long an offer of preview dialling waits for its agent."""

    preview_then: PreviewThen = PreviewThen.SKIP

    callbacks_to: CallbacksTo = CallbacksTo.ANYONE
    callback_hold_s: int = 600
    """How long a callback is its agent's where it is `agent_first`: time in which its lead's window is open."""

    patience_s: float = 2.0
    """How long a person who answered waits for an agent; then comes the information message."""

    patience_from: PatienceStart = PatienceStart.GREETING_END
    """From when that counts; without machine detection nobody knows when a greeting ends, and it is the answer."""

    harbour: str = HARBOUR
    """The sound of that message, by its name at the exchange. There is always one: silence would be worse."""

    amd: bool = False
    """Whether answering machines are looked for, and kept from agents."""

    amd_unsure: AmdUnsure = AmdUnsure.PERSON
    machine_sound: str | None = None
    """What is left on machines that are found, after their greeting; None: they are hung up on."""

    message: str | None = None
    """What persons hear where pacing needs no agents, by its name at the exchange. Such a campaign must have one."""

    message_keys: Mapping[str, KeyAction] = field(default_factory=dict)
    """What keys do in that message, beside the one to opt out; "queue" leads to the agents of `queue`."""

    optout_key: str = OPTOUT_KEY
    """The key by which a message's listener asks not to be called again. There is always one."""

    optout_scope: DncScope = DncScope.ALL
    """For whose calls that holds; never none."""

    weighting: bool = True
    """Off: all lists are equal, whatever their weights."""

    weight: int = 100
    """Its share of a trunk, against the other campaigns on it."""

    agents_priority: int = 0
    """Of campaigns that can reach the same agents those with the highest have them all, while they have leads."""

    agents_weight: int = WEIGHT_DEFAULT
    """Its share of those agents, against the campaigns of the same priority."""

    attempts_max: int = 6
    """Counted attempts after which a lead is exhausted."""

    attempts_per_day_max: int = 3
    """Counted attempts on one local day of the lead."""

    rest_min_s: int = 1800
    """The least time between two attempts on one lead."""

    abandoned_rest_s: int = 259_200
    """How long a lead whose last call was abandoned is not called at all: 72 hours."""

    abandoned_hold_agent: bool = False
    """Whether such a lead may be called before that, after `rest_min_s`, for an agent who is held for the call."""

    abandon_limit: float = ABANDON_LIMIT
    """The highest abandon rate, more than 0, at most 1; of calls that go to agents."""

    abandon_periods: tuple[AbandonPeriod, ...] = tuple(AbandonPeriod)
    """The periods for which the limit holds."""

    abandon_sample_min: int = 100
    """While fewer were answered in a period, as many may be abandoned as of so many."""

    abandon_over: AbandonOver = AbandonOver.PROGRESSIVE
    abandon_short: bool = False
    """Whether persons who hang up before the limit, without an agent, count as abandoned."""

    abandon_estimate: bool = False
    """Without AMD: whether the share of machines that agents meet is taken off those abandoned (UK 2010)."""

    amd_false_positives: float = 0.0
    """What part of AMD's machines are persons, 0..1: they count as abandoned."""

    def __post_init__(self) -> None:
        _check_weight(self.weight)
        _check_weight(self.agents_weight, "agents_weight")
        for name, least, most in _BOUNDS:
            if not least <= (value := getattr(self, name)) <= most:
                raise ValueError(f"{name} must be {least} to {most}, got {value}")
        check_queue_priority(self.queue_priority)
        # They go to the exchange, whose protocol is made of lines, and whose dialplan takes some characters apart.
        if self.queue is not None and not QUEUE.fullmatch(self.queue):
            raise ValueError(f"queue must be letters, digits, '_', '.' or '-', at most 79, got {self.queue!r}")
        if self.merchant and not (len(self.merchant) <= MERCHANT_CHARS_MAX and MERCHANT.fullmatch(self.merchant)):
            raise ValueError(
                f"merchant must be one line of text, at most {MERCHANT_CHARS_MAX} characters, without spaces around it,"
                f" got {self.merchant!r}"
            )
        for name, texts in (("caller_ids", self.caller_ids), ("trunks", self.trunks)):
            for text in texts:
                if not (text.strip() and text.isprintable()):
                    raise ValueError(f"{name} must be one line of text, not empty, got {text!r}")
        if not 0 < self.abandon_limit <= 1:
            raise ValueError(f"abandon_limit must be more than 0, at most 1, got {self.abandon_limit}")
        if not 0 <= self.amd_false_positives <= 1:
            raise ValueError(f"amd_false_positives must be 0 to 1, got {self.amd_false_positives}")
        if not PATIENCE_MIN_S <= self.patience_s <= PATIENCE_MAX_S:
            raise ValueError(f"patience_s must be {PATIENCE_MIN_S} to {PATIENCE_MAX_S:g}, got {self.patience_s}")
        check_sound("harbour", self.harbour)
        if self.machine_sound is not None:
            check_sound("machine_sound", self.machine_sound)
        check_optout_key(self.optout_key)
        if self.message is not None:
            check_sound("message", self.message)
        check_message_keys(self.message_keys, self.optout_key)
        if self.optout_scope is DncScope.NONE:
            raise ValueError(f"optout_scope must be campaign, merchant or all, got '{self.optout_scope}'")

    @property
    def patience(self) -> Patience:
        """How long a person who answered waits for an agent."""
        return Patience(limit=timedelta(seconds=self.patience_s), start=self.patience_from, amd=self.amd)

    def patience_of(self, *, has_agents: bool) -> Patience:
        """Return the same of one call: for those that are played a message it counts from the key for an agent."""
        return self.patience if has_agents else replace(self.patience, after_message=True)

    @property
    def needs_wrap_code(self) -> bool:
        """Whether an answered call waits for an agent's wrap code."""
        return self.wrap is Wrap.REQUIRED

    @property
    def wrap_up_limit(self) -> timedelta | None:
        """How long an agent is kept from calls after a talk at most; None: not at all."""
        limit_s = self.wrap_deadline_s if self.needs_wrap_code else self.wrap_up_s
        return timedelta(seconds=limit_s) if limit_s else None

    @property
    def answer_plan(self) -> AnswerPlan:
        """What the exchange is to do with answered calls, as far as it differs from what it does by itself."""
        # A queue that is wanted and missing keeps the campaign from dialling (`lacks`).
        keys = self.message_keys if self.queue else {k: a for k, a in self.message_keys.items() if a != KeyAction.QUEUE}
        leads_to_queue = KeyAction.QUEUE in keys.values()
        return AnswerPlan(
            harbour=None if self.harbour == HARBOUR else self.harbour,
            optout_key=None if self.optout_key == OPTOUT_KEY else self.optout_key,
            amd=self.amd,
            unsure_is_machine=self.amd and self.amd_unsure is AmdUnsure.MACHINE,
            machine_sound=self.machine_sound if self.amd else None,
            message=self.message,
            message_keys=keys,
            message_queue=self.queue if leads_to_queue else None,
            queue_priority=self.queue_priority,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign in the records."""

    campaign_id: int
    name: str
    created_at: datetime
    desired: Desired = Desired.STOPPED
    settings: CampaignSettings = CampaignSettings()
    version: int = 1
    """Counts the changes of settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadList:
    """Leads loaded together."""

    list_id: int
    campaign_id: int
    name: str
    created_at: datetime
    weight: int = WEIGHT_DEFAULT
    to_dial: bool = True
    strategy: Strategy | None = None
    """None: nobody has chosen one yet; a list that is to dial has one."""

    starts_at: datetime | None = None
    """From when on its leads are dialled (UTC); None: at once."""

    ends_at: datetime | None = None
    """From when on they are not any more (UTC); None: no end."""

    lead_days: int | None = None
    """Leads added from now on expire after so many days, where they don't say when; None: never."""

    replan_after: int | None = None
    """While the leads are planned anew: the last lead that is; None: all are."""

    replanned: int = 0
    """How many leads have been planned anew since the order, redial rules or caps last changed."""

    def __post_init__(self) -> None:
        _check_weight(self.weight)
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError(f"end must be later than start, got {self.starts_at} to {self.ends_at}")
        if self.lead_days is not None and not 1 <= self.lead_days <= LEAD_DAYS_MAX:
            raise ValueError(f"lead_days must be 1 to {LEAD_DAYS_MAX}, got {self.lead_days}")

    @property
    def rules(self) -> StrategySettings:
        """What its strategy says, or what the standard one does."""
        return _STANDARD if self.strategy is None else self.strategy.settings

    def awaits_replan(self, lead_id: int) -> bool:
        """Whether a lead of the list has its rank, and its turn, by rules before these."""
        return self.replan_after is not None and lead_id > self.replan_after

    def is_current(self, now: datetime) -> bool:
        """Whether `now` is between its start and its end."""
        return (self.starts_at is None or self.starts_at <= now) and (self.ends_at is None or now < self.ends_at)


def in_force(settings: CampaignSettings, lead_list: LeadList) -> CampaignSettings:
    """Return the campaign's settings as they hold for one list: its strategy's caps in the place of the campaign's."""
    rules = lead_list.rules
    if not rules.has_caps:
        return settings
    caps = {name: value for name in _CAPS if (value := getattr(rules, name)) is not None}
    return replace(settings, **caps)


def caps_of(settings: CampaignSettings) -> tuple[int, ...]:
    """Return the limits of attempts, and the least rests: what leads' turns rest on beside redial rules."""
    abandoned = (settings.abandoned_rest_s, settings.abandoned_hold_agent, settings.abandon_short)
    return (*(getattr(settings, name) for name in _CAPS), *abandoned)


_STANDARD: Final = StrategySettings()
_CAPS: Final = ("attempts_max", "attempts_per_day_max", "rest_min_s")
