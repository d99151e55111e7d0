"""dialler campaign ..."""

from collections.abc import Mapping
from typing import Any

from cyclopts import App

from dialler.cli.abandons import abandons
from dialler.cli.campaign_options import NOTHING_GIVEN, CampaignOptions, body_of
from dialler.cli.connection import connected, segment
from dialler.cli.options import Reading, Writing, changes
from dialler.cli.pacing import explain_pacing
from dialler.cli.printing import plain_moments, print_done, print_fields, print_json, print_line, print_table
from dialler.cli.replan_preview import DryRun, print_preview

app = App(name="campaign", help="Campaigns: create, change, start and stop them.")

_READING, _WRITING = Reading(), Writing()
_COLUMNS = {
    "name": "name",
    "desired": "wanted",
    "timezone": "time zone",
    "hours": "hours",
    "pacing": "pacing",
    "queue": "queue",
    "weight": "weight",
}
_SPARE = ("weight", "queue", "hours")


@app.command
async def create(
    name: str,
    /,
    *,
    given: CampaignOptions = NOTHING_GIVEN,
    options: Writing = _WRITING,
) -> None:
    """Create a campaign. It is stopped, and has no lists.

    Example: `dialler campaign create spring --timezone America/Chicago --hours "mon-fri 09:00-20:00" --queue sales`
    """
    body = body_of(given)
    async with connected(options) as api:
        made = await api.post("/campaigns", {"name": name, **body})
    print_done(made, options.json, f"campaign {made['name']} is created; it is stopped; pacing {made['pacing']}")


@app.command(name="set")
async def set_(
    campaign: str,
    /,
    *,
    given: CampaignOptions = NOTHING_GIVEN,
    dry_run: DryRun = False,
    options: Writing = _WRITING,
) -> None:
    """Change settings of a campaign; what is not named stays. A running engine follows at once.

    Leads that rest or are exhausted are planned anew by other limits of attempts.

    Example: `dialler campaign set spring --weight 200 --no-weighting`
    """
    body = changes(body_of(given), None, noun="campaign")
    if dry_run:
        async with connected(Reading(config=options.config, json=options.json)) as api:
            preview = await api.patch(f"/campaigns/{segment(campaign)}", body, dry_run=True)
        print_preview(preview, as_json=options.json)
        return
    async with connected(options) as api:
        changed = await api.patch(f"/campaigns/{segment(campaign)}", body)
    print_done(changed, options.json, f"campaign {changed['name']} is changed")


@app.command(name="list")
async def list_(*, options: Reading = _READING) -> None:
    """List all campaigns.

    Example: `dialler campaign list`
    """
    async with connected(options) as api:
        page = await api.get("/campaigns")
    if options.json:
        print_json(page)
    else:
        print_table(page["items"], _COLUMNS, empty="no campaigns yet: `dialler campaign create NAME`", spare=_SPARE)


@app.command
async def show(campaign: str, /, *, options: Reading = _READING) -> None:
    """Show a campaign with all its settings.

    Example: `dialler campaign show spring --json`
    """
    async with connected(options) as api:
        found = await api.get(f"/campaigns/{segment(campaign)}")
    if options.json:
        print_json(found)
    else:
        print_fields({**found, **_holidays(found), "abandon_periods": found["abandon_periods"] or "none"})


@app.command
async def start(campaign: str, /, *, options: Writing = _WRITING) -> None:
    """Start a campaign's dialler.

    Example: `dialler campaign start spring`
    """
    await _control("start", campaign, options)


@app.command
async def stop(campaign: str, /, *, options: Writing = _WRITING) -> None:
    """Stop a campaign's dialler: once this returns no further call is placed.

    Example: `dialler campaign stop spring`
    """
    await _control("stop", campaign, options)


@app.command
async def pause(campaign: str, /, *, options: Writing = _WRITING) -> None:
    """Pause a campaign's dialler: it places no calls, and keeps its place.

    Example: `dialler campaign pause spring`
    """
    await _control("pause", campaign, options)


@app.command
async def drain(campaign: str, /, *, options: Writing = _WRITING) -> None:
    """Drain a campaign: it places no new calls and lets the live ones end.

    Example: `dialler campaign drain spring`
    """
    await _control("drain", campaign, options)


app.command(abandons)
app.command(explain_pacing)


async def _control(command: str, campaign: str, options: Writing) -> None:
    async with connected(options) as api:
        answer = await api.post(f"/campaigns/{segment(campaign)}/{command}")
    if options.json:
        print_json(answer)
        return
    print_line(f"campaign {answer['name']}: {state_of(answer)}")
    for limit in answer["limits"] if command == "start" or answer["actual"] is None else ():
        print_line(f"  {plain_moments(limit)}")


def state_of(campaign: Mapping[str, Any]) -> str:
    """Return what a campaign does, and what is wanted of it where that is another thing or nobody does it."""
    actual, desired = campaign["actual"], campaign["desired"]
    if actual is None:
        return f"wanted {desired}"
    return str(actual) if actual == desired else f"{actual}, wanted {desired}"


def _holidays(campaign: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what the holidays mean for the hours, in words."""
    calendar = campaign["holidays"]
    if calendar is None:
        return {"holidays": "none: every day has its weekday's hours", "holiday_hours": ""}
    hours = campaign["holiday_hours"]
    return {
        "holidays": "of each lead's own country and region" if calendar == "lead" else calendar,
        "holiday_hours": "none: shut" if hours == "none" else hours,
    }
