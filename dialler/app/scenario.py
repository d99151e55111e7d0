"""A scenario: a made-up contact centre, for simulation and demo. Read from TOML, made of people from anywhere."""

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dialler.api.edits import CampaignEdit
from dialler.api.list_edits import ListEdit
from dialler.api.looks import strategy_of
from dialler.app.people import Place, people
from dialler.domain.campaign import Campaign, CampaignSettings, Desired
from dialler.errors import Mistake, SettingsError, UsageError
from dialler.ports import Records
from telephony.simulated.mistakes import PlanError
from telephony.simulated.plan import NetworkPlan
from telephony.simulated.plan_table import plan_from_mapping

CHUNK = 1_000


class ScenarioList(ListEdit):
    """A list, and how many made-up people are in it."""

    name: str
    leads: int = Field(ge=0, le=10_000_000)
    zones: tuple[str, ...] = ()
    """Where they live, IANA names; empty: all round the world."""


class ScenarioCampaign(CampaignEdit):
    """A campaign, with its lists."""

    name: str
    lists: list[ScenarioList] = Field(alias="list", min_length=1)


class ScenarioTable(BaseModel):
    """The file's form."""

    model_config = ConfigDict(extra="forbid")

    start: datetime | None = None
    """Wall clock at the beginning, with offset; the demo begins now."""

    duration_s: float = Field(3600.0, gt=0, le=7 * 86400)
    calls_max: int | None = Field(None, gt=0)
    """Stop after so many calls, if that comes first."""

    drain_s: float = Field(600.0, ge=0)
    campaign: list[ScenarioCampaign] = Field(min_length=1)
    network: dict[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A checked scenario."""

    name: str
    start: datetime | None
    duration: timedelta
    calls_max: int | None
    drain: timedelta
    campaigns: Sequence[ScenarioCampaign]
    plan: NetworkPlan


def load_scenario(path: Path) -> Scenario:
    """Read a scenario. Raises SettingsError with every mistake of the file."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            [Mistake(str(path), "(the file)", f"({error.strerror})", "a scenario that can be read")]
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([Mistake(str(path), "(the file)", "(not TOML)", f"TOML: {error}")]) from None
    return scenario_of(path.stem, raw, file=str(path))


def scenario_of(name: str, raw: dict[str, Any], *, file: str) -> Scenario:
    """Check a scenario's table. Raises SettingsError with every mistake, as coming from `file`."""
    mistakes: list[Mistake] = []
    table = None
    try:
        table = ScenarioTable.model_validate(raw)
    except ValidationError as error:
        mistakes += [_mistake(file, found) for found in error.errors(include_url=False)]
    plan = NetworkPlan()
    try:
        plan = plan_from_mapping(raw.get("network", {}))
    except PlanError as error:
        mistakes += [Mistake(file, f"network.{each.key}", repr(each.value), each.expected) for each in error.mistakes]
    if table is not None:
        mistakes += _deeper_mistakes(table, file)
    if mistakes or table is None:
        raise SettingsError(mistakes)
    return Scenario(
        name=name,
        start=table.start,
        duration=timedelta(seconds=table.duration_s),
        calls_max=table.calls_max,
        drain=timedelta(seconds=table.drain_s),
        campaigns=table.campaign,
        plan=plan,
    )


def _mistake(file: str, found: Mapping[str, Any]) -> Mistake:
    key = ".".join(map(str, found["loc"]))
    if found["type"] == "extra_forbidden":
        return Mistake(file, key, "(unknown key)", "a known key, see config/scenarios/demo.toml")
    if found["type"] == "missing":
        return Mistake(file, key, "(nothing)", "it to be there, see config/scenarios/demo.toml")
    text = found["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return Mistake(file, key, repr(found["input"])[:80], text)


def _deeper_mistakes(table: ScenarioTable, file: str) -> Iterator[Mistake]:
    if table.start is not None and table.start.tzinfo is None:
        yield Mistake(file, "start", str(table.start), "a time with its offset, such as 2026-06-01T15:00:00Z")
    for at, campaign in enumerate(table.campaign):
        try:
            settings_of(campaign)
        except UsageError as error:
            yield Mistake(file, f"campaign.{at}", campaign.name, str(error))
        for list_at, each in enumerate(campaign.lists):
            unknown = set(each.zones) - {place.zone for place in Place.everywhere()}
            if unknown:
                known = ", ".join(sorted(place.zone for place in Place.everywhere()))
                yield Mistake(file, f"campaign.{at}.list.{list_at}.zones", ", ".join(unknown), f"some of {known}")


def settings_of(campaign: ScenarioCampaign) -> CampaignSettings:
    """Return a campaign's settings."""
    edit = CampaignEdit.model_validate(campaign.model_dump(exclude={"name", "lists"}, exclude_unset=True))
    return edit.apply(CampaignSettings())


def populate(records: Records, scenario: Scenario, chance: random.Random, now: datetime) -> list[Campaign]:
    """Create the scenario's campaigns, running, with their lists and people."""
    campaigns = []
    for given in scenario.campaigns:
        stopped = records.add_campaign(given.name, settings_of(given), now)
        campaign = replace(stopped, desired=Desired.RUNNING)
        records.set_campaign(campaign)
        campaigns.append(campaign)
        for each in given.lists:
            lead_list = records.add_list(campaign.campaign_id, each.name, now)
            edit = ListEdit.model_validate(each.model_dump(exclude={"name", "leads", "zones"}, exclude_unset=True))
            records.set_list(edit.apply(lead_list, partial(strategy_of, records), zone=campaign.settings.timezone))
            top_up(records, lead_list.list_id, each, each.leads, chance, now)
    return campaigns


def top_up(
    records: Records, list_id: int, each: ScenarioList, count: int, chance: random.Random, now: datetime
) -> None:
    """Add `count` made-up people to a list."""
    records.add_leads(list_id, people(count, chance, zones=each.zones), now)
