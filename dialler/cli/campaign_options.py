"""What a campaign is made of, as `dialler campaign create` and `set` take it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from dialler.cli.options import Given
from dialler.errors import UsageError

Merchant = Annotated[str | None, Parameter(help='On whose behalf it calls; "none" for none.')]
Hours = Annotated[str | None, Parameter(help='Calling hours: "mon-fri 09:00-20:00; sat 10:00-17:00".')]
Holidays = Annotated[str | None, Parameter(help='Calendar: US, US-TX, "lead" for each lead\'s own, "none".')]
HolidayHours = Annotated[str | None, Parameter(help='Hours on holidays: "10:00-14:00", or "none" for shut.')]
Timezone = Annotated[str | None, Parameter(help="Zone of leads for which nothing else gives one.")]
Pacing = Annotated[
    str | None,
    Parameter(help="Pacing: progressive, preview, ratio or predictive, which need a queue of agents, or agentless."),
]
PacingSetting = Annotated[
    tuple[str, ...],
    Parameter(help='A setting of the pacing strategy, as KEY=NUMBER: ratio=1.5; all of them at once, "none" for none.'),
]
Trunks = Annotated[
    tuple[str, ...], Parameter(name="--trunk", help='A trunk to call on, the preferred one first; "none" for any.')
]
Queue = Annotated[str | None, Parameter(help='The agents\' queue; "none" for a campaign without.')]
QueuePriority = Annotated[
    Given[int], Parameter(help="Of answered calls that wait in one queue those of the highest are next, 10 unless set.")
]
CallerIds = Annotated[
    tuple[str, ...], Parameter(name="--caller-id", help='A number to show to those called; "none" for none.')
]
CallerIdPool = Annotated[
    str | None,
    Parameter(help='The pool whose numbers are shown, see `dialler callerid`; "none" for the plain caller ids.'),
]
RingTimeout = Annotated[Given[timedelta], Parameter(help="How long a call rings, such as 25s.")]
WrapOption = Annotated[
    Given[Literal["required", "none"]], Parameter(help="Whether an answered call waits for an agent's wrap code.")
]
WrapDeadline = Annotated[Given[timedelta], Parameter(help="How long it waits for that code, such as 2m.")]
WrapUp = Annotated[
    Given[timedelta], Parameter(help="How long agents are kept from calls after talks that need no code, such as 15s.")
]
PreviewTime = Annotated[
    Given[timedelta], Parameter(help="How long an offer of preview dialling waits for its agent, such as 60s.")
]
CallbacksToOption = Annotated[
    Given[Literal["anyone", "agent", "agent-first"]],
    Parameter(help="Whose a callback is that names its agent; agent-first: his for --callback-hold, then anyone's."),
]
CallbackHold = Annotated[
    Given[timedelta],
    Parameter(help="How long a callback waits for its agent from when it was due, in calling hours, such as 10m."),
]
PreviewThenOption = Annotated[
    Given[Literal["skip", "dial"]], Parameter(help="What becomes of such an offer that he has not answered by then.")
]
PatienceOption = Annotated[
    Given[timedelta], Parameter(help="How long a person who answered waits for an agent, such as 2s or 1.5s.")
]
PatienceFrom = Annotated[
    Given[Literal["connection", "greeting-end"]],
    Parameter(help="From when that counts; a greeting's end is known only where machines are looked for."),
]
Harbour = Annotated[
    str | None, Parameter(help="The sound for people who got no agent in time, such as dlr/harbour; there must be one.")
]
Amd = Annotated[
    bool | None, Parameter(negative="--no-amd", help="Look for answering machines, and keep them from agents, or not.")
]
AmdUnsureOption = Annotated[
    Given[Literal["person", "machine"]],
    Parameter(help="What they are of whom detection is not sure, or who say nothing."),
]
MachineSound = Annotated[
    str | None, Parameter(help='The sound to leave on machines, such as acme/call-us; "none" to hang up on them.')
]
Message = Annotated[
    str | None, Parameter(help='The sound for people where pacing needs no agents, such as acme/news; "none" for none.')
]
MessageKeys = Annotated[
    tuple[str, ...],
    Parameter(name="--message-key", help='A key in that message: 1=queue for an agent, 3=replay; "none" for none.'),
]
OptOutKey = Annotated[
    str | None, Parameter(name="--optout-key", help="The key that asks not to be called again: 0 to 9, * or #.")
]
OptOutScope = Annotated[
    # Not a Literal: of that "none" would be nothing given, where it has to be refused.
    str | None,
    Parameter(name="--optout-scope", help="For whose calls that key holds: campaign, merchant or all."),
]
Weighting = Annotated[
    bool | None, Parameter(negative="--no-weighting", help="Share calls by the lists' weights, or alike.")
]
Weight = Annotated[Given[int], Parameter(help="Its share of a trunk, against other campaigns on it.")]
AgentsPriority = Annotated[
    Given[int],
    Parameter(help="Of campaigns that can reach the same agents the highest has them all while it has leads."),
]
AgentsWeight = Annotated[
    Given[int], Parameter(help="Its share of the agents that others can reach, too, among the same priority.")
]
AttemptsMax = Annotated[Given[int], Parameter(help="Counted attempts after which a lead is exhausted.")]
AttemptsPerDay = Annotated[Given[int], Parameter(help="Counted attempts on one local day of the lead.")]
RestMin = Annotated[Given[timedelta], Parameter(help="The least time between two attempts on one lead, such as 30m.")]
AbandonedRest = Annotated[
    Given[timedelta], Parameter(help="How long somebody is not called whose last call was abandoned, such as 72h.")
]
AbandonedHoldAgent = Annotated[
    bool | None,
    Parameter(
        negative="--no-abandoned-hold-agent",
        help="Call such people before that, each for an agent who is held for the call, or not.",
    ),
]
AbandonLimit = Annotated[Given[float], Parameter(help="The highest abandon rate: 0.03 for 3 of 100 who answer.")]
AbandonPeriods = Annotated[
    tuple[Literal["30m", "24h", "month", "30d", "none"], ...],
    Parameter(name="--abandon-period", help='A period for which that limit holds; all, if never set; "none" for none.'),
]
AbandonSample = Annotated[
    Given[int], Parameter(help="While fewer answered in a period, as many may be abandoned as of so many.")
]
AbandonOver = Annotated[
    Given[Literal["progressive", "stop"]],
    Parameter(help="Over the limit: one call for each free agent at most, or no call at all."),
]
AbandonShort = Annotated[
    bool | None,
    Parameter(negative="--no-abandon-short", help="Count persons who hang up before the limit as abandoned, or not."),
]
AbandonEstimate = Annotated[
    bool | None,
    Parameter(
        negative="--no-abandon-estimate",
        help="Without AMD: take the share of machines that agents meet off those abandoned, or not.",
    ),
]
AmdFalsePositives = Annotated[
    Given[float], Parameter(help="What part of AMD's machines are persons, 0 to 1; they count as abandoned.")
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CampaignOptions:
    """A campaign's settings; None, or nothing, for what is not given."""

    timezone: Timezone = None
    merchant: Merchant = None
    hours: Hours = None
    holidays: Holidays = None
    holiday_hours: HolidayHours = None
    pacing: Pacing = None
    pacing_setting: PacingSetting = ()
    trunks: Trunks = ()
    queue: Queue = None
    queue_priority: QueuePriority = None
    caller_ids: CallerIds = ()
    caller_id_pool: CallerIdPool = None
    ring_timeout: RingTimeout = None
    wrap: WrapOption = None
    wrap_deadline: WrapDeadline = None
    wrap_up: WrapUp = None
    preview: PreviewTime = None
    preview_then: PreviewThenOption = None
    callbacks_to: CallbacksToOption = None
    callback_hold: CallbackHold = None
    patience: PatienceOption = None
    patience_from: PatienceFrom = None
    harbour: Harbour = None
    amd: Amd = None
    amd_unsure: AmdUnsureOption = None
    machine_sound: MachineSound = None
    message: Message = None
    message_keys: MessageKeys = ()
    optout_key: OptOutKey = None
    optout_scope: OptOutScope = None
    weighting: Weighting = None
    weight: Weight = None
    agents_priority: AgentsPriority = None
    agents_weight: AgentsWeight = None
    attempts_max: AttemptsMax = None
    attempts_per_day: AttemptsPerDay = None
    rest_min: RestMin = None
    abandoned_rest: AbandonedRest = None
    abandoned_hold_agent: AbandonedHoldAgent = None
    abandon_limit: AbandonLimit = None
    abandon_periods: AbandonPeriods = ()
    abandon_sample: AbandonSample = None
    abandon_over: AbandonOver = None
    abandon_short: AbandonShort = None
    abandon_estimate: AbandonEstimate = None
    amd_false_positives: AmdFalsePositives = None


NOTHING_GIVEN: Final = CampaignOptions()

_SECONDS = {
    "ring_timeout": "ring_timeout_s",
    "wrap_deadline": "wrap_deadline_s",
    "wrap_up": "wrap_up_s",
    "preview": "preview_s",
    "callback_hold": "callback_hold_s",
    "rest_min": "rest_min_s",
    "abandoned_rest": "abandoned_rest_s",
}
_SAME = (
    "timezone",
    "hours",
    "holiday_hours",
    "pacing",
    "wrap",
    "amd",
    "preview_then",
    "amd_unsure",
    "optout_key",
    "optout_scope",
    "weighting",
    "weight",
    "queue_priority",
    "agents_priority",
    "agents_weight",
    "attempts_max",
    "abandoned_hold_agent",
    "abandon_limit",
    "abandon_over",
    "abandon_short",
    "abandon_estimate",
    "amd_false_positives",
)


def body_of(given: CampaignOptions) -> dict[str, object]:
    """Return what the API is told of the options that were given."""
    body: dict[str, object] = {key: value for key in _SAME if (value := getattr(given, key)) is not None}
    if given.attempts_per_day is not None:
        body["attempts_per_day_max"] = given.attempts_per_day
    if given.abandon_sample is not None:
        body["abandon_sample_min"] = given.abandon_sample
    for key, key_s in _SECONDS.items():
        if (duration := getattr(given, key)) is not None:
            body[key_s] = _whole_seconds(key, duration)
    if given.patience is not None:
        body["patience_s"] = given.patience.total_seconds()
    if given.patience_from is not None:
        body["patience_from"] = given.patience_from.replace("-", "_")
    if given.callbacks_to is not None:
        body["callbacks_to"] = given.callbacks_to.replace("-", "_")
    if given.harbour is not None:
        body["harbour"] = "" if given.harbour == "none" else given.harbour  # Refused, and the refusal says why.
    if given.merchant is not None:
        body["merchant"] = "" if given.merchant == "none" else given.merchant
    for key in ("holidays", "queue", "machine_sound", "message", "caller_id_pool"):
        if (name := getattr(given, key)) is not None:
            body[key] = None if name == "none" else name
    for key in ("trunks", "caller_ids", "abandon_periods"):
        if names := getattr(given, key):
            if "none" in names and len(names) > 1:
                option = {"trunks": "--trunk", "caller_ids": "--caller-id", "abandon_periods": "--abandon-period"}[key]
                raise UsageError(f"{option} none: expected it alone, got {', '.join(names)}")
            body[key] = [] if names == ("none",) else list(names)
    if given.pacing_setting:
        own = () if given.pacing_setting == ("none",) else given.pacing_setting
        body["pacing_settings"] = dict(map(_pacing_setting, own))
    if given.message_keys:
        body["message_keys"] = {} if given.message_keys == ("none",) else dict(map(_message_key, given.message_keys))
    return body


def _whole_seconds(key: str, duration: timedelta) -> int:
    seconds = duration.total_seconds()
    if seconds != int(seconds):
        raise UsageError(f"--{key.replace('_', '-')}: expected whole seconds, got {seconds}s")
    return int(seconds)


def _message_key(said: str) -> tuple[str, str]:
    key, equals, action = said.partition("=")
    if not (equals and key and action):
        raise UsageError(f"--message-key {said!r}: expected KEY=ACTION, such as 1=queue or 3=replay")
    return key, action


def _pacing_setting(said: str) -> tuple[str, float]:
    key, equals, value = said.partition("=")
    try:
        if not (equals and key.strip()):
            raise ValueError
        return key.strip(), float(value)
    except ValueError:
        raise UsageError(f"--pacing-setting {said!r}: expected KEY=NUMBER, such as ratio=1.5") from None
