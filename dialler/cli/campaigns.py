"""dialler campaign ..."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import connected, segment
from dialler.cli.options import Reading, Writing
from dialler.cli.printing import plain_moments, print_fields, print_json, print_line, print_table
from dialler.errors import UsageError

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

Hours = Annotated[str | None, Parameter(help='Calling hours: "mon-fri 09:00-20:00; sat 10:00-17:00".')]
Holidays = Annotated[str | None, Parameter(help='Calendar: US, US-TX, "lead" for each lead\'s own, "none".')]
HolidayHours = Annotated[str | None, Parameter(help='Hours on holidays: "10:00-14:00", or "none" for shut.')]
Timezone = Annotated[str | None, Parameter(help="Zone of leads for which nothing else gives one.")]
Pacing = Annotated[
    str | None, Parameter(help="Pacing strategy: progressive and ratio, which need a queue of agents, or agentless.")
]
PacingSetting = Annotated[
    tuple[str, ...], Parameter(help="A setting of the pacing strategy, as KEY=NUMBER: ratio=1.5.")
]
Trunks = Annotated[
    tuple[str, ...], Parameter(name="--trunk", help='A trunk to call on, the preferred one first; "none" for any.')
]
Queue = Annotated[str | None, Parameter(help='The agents\' queue; "none" for a campaign without.')]
CallerIds = Annotated[
    tuple[str, ...], Parameter(name="--caller-id", help='A number to show to those called; "none" for none.')
]
RingTimeout = Annotated[timedelta | None, Parameter(help="How long a call rings, such as 25s.")]
WrapOption = Annotated[
    Literal["required", "none"] | None, Parameter(help="Whether an answered call waits for an agent's wrap code.")
]
WrapDeadline = Annotated[timedelta | None, Parameter(help="How long it waits for that code, such as 2m.")]
Weighting = Annotated[
    bool | None, Parameter(negative="--no-weighting", help="Share calls by the lists' weights, or alike.")
]
Weight = Annotated[int | None, Parameter(help="Its share of a trunk, against other campaigns on it.")]
AttemptsMax = Annotated[int | None, Parameter(help="Counted attempts after which a lead is exhausted.")]
AttemptsPerDay = Annotated[int | None, Parameter(help="Counted attempts on one local day of the lead.")]
RestMin = Annotated[timedelta | None, Parameter(help="The least time between two attempts on one lead, such as 30m.")]


@app.command
async def create(
    name: str,
    /,
    *,
    timezone: Timezone = None,
    hours: Hours = None,
    holidays: Holidays = None,
    holiday_hours: HolidayHours = None,
    pacing: Pacing = None,
    pacing_setting: PacingSetting = (),
    trunks: Trunks = (),
    queue: Queue = None,
    caller_ids: CallerIds = (),
    ring_timeout: RingTimeout = None,
    wrap: WrapOption = None,
    wrap_deadline: WrapDeadline = None,
    weighting: Weighting = None,
    weight: Weight = None,
    attempts_max: AttemptsMax = None,
    attempts_per_day: AttemptsPerDay = None,
    rest_min: RestMin = None,
    options: Writing = _WRITING,
) -> None:
    """Create a campaign. It is stopped, and has no lists.

    Example: `dialler campaign create spring --timezone America/Chicago --hours "mon-fri 09:00-20:00" --queue sales`
    """
    body = _body(locals())
    async with connected(options) as api:
        made = await api.post("/campaigns", {"name": name, **body})
    _print_one(made, options.json, f"campaign {made['name']} is created; it is stopped; pacing {made['pacing']}")


@app.command(name="set")
async def set_(
    campaign: str,
    /,
    *,
    timezone: Timezone = None,
    hours: Hours = None,
    holidays: Holidays = None,
    holiday_hours: HolidayHours = None,
    pacing: Pacing = None,
    pacing_setting: PacingSetting = (),
    trunks: Trunks = (),
    queue: Queue = None,
    caller_ids: CallerIds = (),
    ring_timeout: RingTimeout = None,
    wrap: WrapOption = None,
    wrap_deadline: WrapDeadline = None,
    weighting: Weighting = None,
    weight: Weight = None,
    attempts_max: AttemptsMax = None,
    attempts_per_day: AttemptsPerDay = None,
    rest_min: RestMin = None,
    options: Writing = _WRITING,
) -> None:
    """Change settings of a campaign; what is not named stays. A running engine follows at once.

    Example: `dialler campaign set spring --weight 200 --no-weighting`
    """
    body = _body(locals())
    if not body:
        raise UsageError("nothing to set: name an option, see `dialler campaign set --help`")
    async with connected(options) as api:
        changed = await api.patch(f"/campaigns/{segment(campaign)}", body)
    _print_one(changed, options.json, f"campaign {changed['name']} is changed")


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
    _print_one(found, options.json)


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


def _print_one(campaign: Mapping[str, Any], as_json: bool, said: str = "") -> None:
    if as_json:
        print_json(campaign)
    elif said:
        print_line(said)
    else:
        print_fields({**campaign, **_holidays(campaign)})


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


_SECONDS = {"ring_timeout": "ring_timeout_s", "wrap_deadline": "wrap_deadline_s", "rest_min": "rest_min_s"}
_SAME = ("timezone", "hours", "holiday_hours", "pacing", "wrap", "weighting", "weight", "attempts_max")


def _body(given: Mapping[str, Any]) -> dict[str, object]:
    """Return what the API is told of the options that were given."""
    body: dict[str, object] = {key: given[key] for key in _SAME if given[key] is not None}
    if given["attempts_per_day"] is not None:
        body["attempts_per_day_max"] = given["attempts_per_day"]
    for key, key_s in _SECONDS.items():
        if given[key] is not None:
            body[key_s] = _whole_seconds(key, given[key])
    for key in ("holidays", "queue"):
        if given[key] is not None:
            body[key] = None if given[key] == "none" else given[key]
    for key in ("trunks", "caller_ids"):
        if given[key]:
            body[key] = [] if given[key] == ("none",) else list(given[key])
    if given["pacing_setting"]:
        body["pacing_settings"] = dict(map(_pacing_setting, given["pacing_setting"]))
    return body


def _whole_seconds(key: str, duration: timedelta) -> int:
    seconds = duration.total_seconds()
    if seconds != int(seconds):
        raise UsageError(f"--{key.replace('_', '-')}: expected whole seconds, got {seconds}s")
    return int(seconds)


def _pacing_setting(said: str) -> tuple[str, float]:
    key, equals, value = said.partition("=")
    try:
        if not (equals and key.strip()):
            raise ValueError
        return key.strip(), float(value)
    except ValueError:
        raise UsageError(f"--pacing-setting {said!r}: expected KEY=NUMBER, such as ratio=1.5") from None
