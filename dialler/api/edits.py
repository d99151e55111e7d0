"""What a request may say of a campaign, and how it changes what is there."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from dialler.api.forms import campaign_json
from dialler.domain.calling_hours import CallingHours, hours_from_json, parse_intervals
from dialler.domain.campaign import AbandonOver, AbandonPeriod, AmdUnsure, Campaign, CampaignSettings, PreviewThen, Wrap
from dialler.domain.dnc_scope import DncScope
from dialler.domain.lead import WindowKey
from dialler.domain.patience import PatienceStart
from dialler.domain.personal_callback import CallbacksTo
from dialler.domain.window import window_for
from dialler.domain.zones import canonical_zone
from dialler.errors import NotFound, UsageError
from strategies.pacing import PacingStrategy
from strategies.registry import make_pacing
from telephony.answer_plan import KeyAction

T = TypeVar("T")


def check_name(name: str) -> str:
    """Return a name that can be a part of addresses. Raises ValueError."""
    if name in (".", "..") or "/" in name or not name.isprintable():
        raise ValueError(f"expected printable characters without a slash, got {name!r}")
    return name


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(check_name)
]
"""Of a campaign or list: it is a part of addresses."""


def without_defaults(schema: dict[str, Any]) -> None:
    """Take the defaults out of the description of what changes something: what is left out is left alone.

    A program made from the description would send them all.
    """
    for each in schema["properties"].values():
        each.pop("default", None)


class Edit(BaseModel):
    """Only the keys that are given change something."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_defaults)

    def given(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in self.model_fields_set}


class CampaignEdit(Edit):
    """Settings of a campaign; the keys are those of its JSON form."""

    timezone: str = ""
    merchant: str = Field("", description="on whose behalf it calls; do-not-call entries can be a merchant's")
    hours: str | dict[str, Any] = Field("", description='"mon-fri 09:00-20:00; sat 10:00-17:00", or an object')
    holidays: str | None = Field(None, description='"US", "US-TX", "lead", or null for none')
    holiday_hours: str = Field("none", description='"10:00-14:00", or "none"')
    pacing: str = ""
    pacing_settings: dict[str, float] = Field(
        {}, description="of the strategy, as a whole; none of them stays where `pacing` becomes another"
    )
    trunks: list[str] = Field([], description="in order of preference; empty: all of the installation")
    queue: str | None = None
    caller_ids: list[str] = []
    caller_id_pool: str | None = Field(None, description="the pool whose numbers it shows, in place of `caller_ids`")
    ring_timeout_s: int = 0
    wrap: Wrap = Wrap.NONE
    wrap_deadline_s: int = 0
    wrap_up_s: int = Field(0, description="how long agents are kept from calls after talks that need no wrap code")
    preview_s: int = Field(0, description="how long an offer of preview dialling waits for its agent")
    preview_then: PreviewThen = Field(PreviewThen.SKIP, description="what becomes of it then: skip or dial")
    callbacks_to: CallbacksTo = Field(
        CallbacksTo.ANYONE, description="whose a callback is that names its agent: anyone, agent or agent_first"
    )
    callback_hold_s: int = Field(
        0, description="how long it is his where it is `agent_first`: time in which its lead's window is open"
    )
    patience_s: float = Field(0, description="how long a person who answered waits for an agent")
    patience_from: PatienceStart = Field(
        PatienceStart.GREETING_END, description="the greeting's end is known where machines are looked for"
    )
    harbour: str = Field("", description="the information message for those who got no agent, as the exchange names it")
    amd: bool = Field(False, description="whether answering machines are looked for, and kept from agents")
    amd_unsure: AmdUnsure = Field(
        AmdUnsure.PERSON, description="what they are of whom detection is not sure, or who say nothing"
    )
    machine_sound: str | None = Field(None, description="what is left on machines; null: they are hung up on")
    message: str | None = Field(
        None, description="the sound for those who answer where pacing needs no agents; it must have one to be started"
    )
    message_keys: dict[str, KeyAction] = Field(
        {}, description='what keys do in it: {"1": "queue", "3": "replay"}; "queue" leads to the campaign\'s agents'
    )
    optout_key: str = Field("", description="the key by which a message's listener asks not to be called again")
    optout_scope: DncScope = Field(DncScope.ALL, description="for whose calls that holds: campaign, merchant or all")
    weighting: bool = True
    weight: int = 0
    queue_priority: int = Field(
        0, description="of answered calls that wait in one queue those of the highest are next; 10 unless set"
    )
    agents_priority: int = Field(
        0, description="of campaigns that can reach the same agents the highest has all while it has leads"
    )
    agents_weight: int = Field(0, description="its share of those agents, among the same priority")
    attempts_max: int = 0
    attempts_per_day_max: int = 0
    rest_min_s: int = 0
    abandoned_rest_s: int = Field(0, description="how long somebody is not called whose last call was abandoned")
    abandoned_hold_agent: bool = Field(
        False, description="whether he may be called before that, for an agent who is held for the call"
    )
    abandon_limit: float = Field(
        0.0, description="the highest abandon rate, more than 0, at most 1", allow_inf_nan=False
    )
    abandon_periods: list[AbandonPeriod] = Field([], description="for which the limit holds; empty: for none")
    abandon_sample_min: int = Field(0, description="while fewer answered, as many may be abandoned as of so many")
    abandon_over: AbandonOver = Field(AbandonOver.PROGRESSIVE, description="what it may still do over the limit")
    abandon_short: bool = Field(False, description="whether persons count who hang up before the limit")
    abandon_estimate: bool = Field(
        False, description="without AMD: whether the share of machines that agents meet is taken off those abandoned"
    )
    amd_false_positives: float = Field(0.0, description="what part of AMD's machines are persons", allow_inf_nan=False)

    def apply(self, settings: CampaignSettings) -> CampaignSettings:
        """Return `settings` with the given keys changed. Raises UsageError for a value that can't be."""
        changes = self.given()
        hours = said("hours", lambda: _hours(settings.hours, changes))
        for key in ("hours", "holidays", "holiday_hours", "name"):
            changes.pop(key, None)
        if "timezone" in changes:
            changes["timezone"] = said("timezone", lambda: canonical_zone(self.timezone).name)
        for key in ("trunks", "caller_ids"):
            if key in changes:
                changes[key] = tuple(changes[key])
        if changes.get("pacing", settings.pacing) != settings.pacing:
            changes.setdefault("pacing_settings", {})  # Those of another strategy mean nothing to this one.
        if "abandon_periods" in changes:
            changes["abandon_periods"] = tuple(each for each in AbandonPeriod if each in self.abandon_periods)
        changed: CampaignSettings = said("", lambda: replace(settings, hours=hours, **changes))
        said("holidays", lambda: window_for(changed.hours, WindowKey(zones=(changed.timezone,))))
        if changes.keys() & {"pacing", "pacing_settings"}:
            pacing_of(changed)
        return changed


def _with_own_defaults(schema: dict[str, Any]) -> None:
    own = campaign_json(Campaign(campaign_id=0, name="", created_at=datetime.min.replace(tzinfo=UTC)))
    without_defaults(schema)
    for key in schema["properties"].keys() & own.keys() - {"name", "pacing"}:
        schema["properties"][key]["default"] = own[key]


class NewCampaign(CampaignEdit):
    """A campaign to create, stopped. Where no pacing is given, one that needs agents is taken only with a queue."""

    model_config = ConfigDict(json_schema_extra=_with_own_defaults)
    name: Name

    def settings(self) -> CampaignSettings:
        """Return the new campaign's settings. Raises UsageError for a value that can't be."""
        pacing = CampaignSettings().pacing if self.queue else "agentless"
        return self.apply(replace(CampaignSettings(), pacing=pacing))


def pacing_of(settings: CampaignSettings) -> PacingStrategy:
    """Return the campaign's pacing strategy. Raises UsageError: unknown, or its settings don't suit it."""
    return said("pacing", lambda: make_pacing(settings.pacing, settings.pacing_settings))


def _hours(hours: CallingHours, changes: Mapping[str, Any]) -> CallingHours:
    given = changes.get("hours")
    if isinstance(given, str):
        hours = replace(hours, week=hours_from_json(given).week)
    elif given is not None:
        hours = hours_from_json(given)
    if "holidays" in changes:
        hours = replace(hours, holidays=changes["holidays"] or None)
    if "holiday_hours" in changes:
        hours = replace(hours, holiday_intervals=parse_intervals(changes["holiday_hours"]))
    return hours


def said(key: str, make: Callable[[], T]) -> T:
    """Return what `make` makes; its complaint becomes the caller's, with the key in front."""
    try:
        return make()
    except (ValueError, TypeError, NotFound) as error:
        text = str(error)
        raise UsageError(text if not key or text.startswith(key) else f"{key}: {text}") from error
