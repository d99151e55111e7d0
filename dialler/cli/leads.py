"""dialler lead ..."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import connected
from dialler.cli.exports import FormatOption, write_out
from dialler.cli.filters import ColumnsOption, Filters, FilterText, columns_of, headed
from dialler.cli.imports import import_
from dialler.cli.options import Paging, Reading, Writing
from dialler.cli.printing import moment, print_fields, print_json, print_line, print_table, runway_words
from dialler.cli.sessions import COLUMNS as SESSION_COLUMNS
from dialler.cli.sessions import SPARE as SESSION_SPARE
from dialler.cli.sessions import tell_next
from dialler.errors import UsageError

app = App(name="lead", help="Leads: load, find and explain them.")
app.command(import_, name="import")

_READING, _WRITING, _PAGING, _FILTERS = Reading(), Writing(), Paging(), Filters()
_COLUMNS = {
    "lead_id": "lead",
    "name": "name",
    "numbers": "numbers",
    "campaign": "campaign",
    "list": "list",
    "state": "state",
    "timezones": "time zones",
    "attempts": "tries",
    "last_outcome": "last outcome",
    "due_at": "due",
    "customer_key": "customer key",
}
_SPARE = ("customer_key", "timezones", "campaign", "due_at", "attempts", "list")

Campaign = Annotated[str, Parameter(name="--campaign", help="The campaign.")]
ListName = Annotated[str, Parameter(name="--list", help="Its list.")]


@app.command
async def add(
    *,
    campaign: Campaign,
    list_name: ListName,
    number: Annotated[tuple[str, ...], Parameter(help="A phone number; may be repeated.")],
    region: Annotated[str | None, Parameter(help="Country of numbers without country code, such as US.")] = None,
    name: Annotated[str, Parameter(help="Of the person or firm.")] = "",
    customer_key: Annotated[
        str, Parameter(help="Its key in your own system; a lead of the campaign that has it is updated.")
    ] = "",
    external_lead_id: Annotated[str, Parameter(help="Its id at whoever delivered it.")] = "",
    timezone: Annotated[str, Parameter(help="The lead's zone, such as America/Denver.")] = "",
    state: Annotated[str, Parameter(help="The lead's own region, such as TX.")] = "",
    postcode: Annotated[str, Parameter(help="The lead's postcode.")] = "",
    priority: Annotated[int, Parameter(help="Higher goes first.")] = 0,
    data: Annotated[tuple[str, ...], Parameter(help="A data field, as KEY=VALUE.")] = (),
    options: Writing = _WRITING,
) -> None:
    """Add one lead, checked like a row of a file.

    Example: `dialler lead add --campaign spring --list hospitals --number +12025550123 --name "Mercy General"`
    """
    body = {
        "campaign": campaign,
        "list": list_name,
        "numbers": list(number),
        "region": region,
        "name": name,
        "customer_key": customer_key,
        "external_lead_id": external_lead_id,
        "timezone": timezone,
        "state": state,
        "postcode": postcode,
        "priority": priority,
        "data": dict(_pair(each) for each in data),
    }
    async with connected(options) as api:
        lead = await api.post("/leads", body)
    if options.json:
        print_json(lead)
    else:
        print_line(f"lead {lead['lead_id']} is {'updated' if lead['updated'] else 'added'}")


@app.command
async def search(
    wanted: FilterText = None,
    /,
    *,
    campaign: Annotated[str | None, Parameter(help="Of one campaign.")] = None,
    list_name: Annotated[str | None, Parameter(name="--list", help="A list of the campaign.")] = None,
    state: Annotated[
        Literal["ready", "resting", "in_call", "completed"] | None, Parameter(help="Of one state.")
    ] = None,
    number: Annotated[
        str | None, Parameter(help="E.164, such as +12025550123; with --region also as it is written there.")
    ] = None,
    region: Annotated[str | None, Parameter(help="Country of that number, such as US.")] = None,
    customer_key: Annotated[str | None, Parameter(help="Its key in your own system.")] = None,
    external_lead_id: Annotated[str | None, Parameter(help="Its id at whoever delivered it.")] = None,
    filters: Filters = _FILTERS,
    columns: ColumnsOption = None,
    paging: Paging = _PAGING,
    options: Reading = _READING,
) -> None:
    """Find leads; all conditions given must hold.

    `dialler filter fields leads` lists what a filter may name.

    Example: `dialler lead search 'last_contacted >= 2026-11-01 and list = gold and not completed'`
    """
    async with connected(options) as api:
        page = await api.pages(
            "/leads",
            limit=0 if paging.all else paging.limit,
            after=paging.after,
            campaign=campaign,
            list=list_name,
            state=state,
            number=number,
            region=region,
            customer_key=customer_key,
            external_lead_id=external_lead_id,
            **filters.params(wanted),
        )
        view = None if campaign is None else "campaign-leads" if list_name is None else "list-leads"
        chosen = None if options.json else await columns_of(api, view, columns)
    if options.json:
        print_json(page)
        return
    items = [{**lead, "numbers": [each["number"] for each in lead["numbers"]]} for lead in page["items"]]
    headings, spare = (_COLUMNS, _SPARE) if chosen is None else (headed(chosen, _COLUMNS), ())
    print_table(items, headings, empty="no such leads", spare=spare)
    tell_next(page["next"])


@app.command
async def export(
    wanted: FilterText = None,
    /,
    *,
    campaign: Annotated[str | None, Parameter(help="Of one campaign.")] = None,
    list_name: Annotated[str | None, Parameter(name="--list", help="A list of the campaign.")] = None,
    filters: Filters = _FILTERS,
    form: FormatOption = "csv",
    after: Annotated[int, Parameter(help="Go on behind this lead: the last one that is there already.")] = 0,
    options: Reading = _READING,
) -> None:
    """Write leads out, all fields of each, by id; can be interrupted, and goes on with --after.

    Example: `dialler lead export 'completed and wrap_code = SALE' --campaign spring > sales.csv`
    """
    which = {"campaign": campaign, "list": list_name, **filters.params(wanted)}
    await write_out("/leads/export", which, form, after, options)


@app.command
async def show(lead_id: int, /, *, options: Reading = _READING) -> None:
    """Show a lead.

    Example: `dialler lead show 17`
    """
    async with connected(options) as api:
        lead = await api.get(f"/leads/{lead_id}")
    if options.json:
        print_json(lead)
    else:
        numbers = [f"{each['number']} ({each['status']})" for each in lead["numbers"]]
        print_fields({**lead, "numbers": numbers})


@app.command
async def explain(lead_id: int, /, *, options: Reading = _READING) -> None:
    """Is this lead dialled now, if not why not, and when could it be at the earliest.

    Example: `dialler lead explain 17`
    """
    async with connected(options) as api:
        verdict = await api.get(f"/leads/{lead_id}/explain")
    if options.json:
        print_json(verdict)
        return
    for line in _verdict_lines(verdict):
        print_line(line)


@app.command
async def history(lead_id: int, /, *, paging: Paging = _PAGING, options: Reading = _READING) -> None:
    """List a lead's sessions, newest first.

    Example: `dialler lead history 17`
    """
    async with connected(options) as api:
        limit = 0 if paging.all else paging.limit
        page = await api.pages(f"/leads/{lead_id}/history", limit=limit, after=paging.after)
    if options.json:
        print_json(page)
        return
    print_table(page["items"], SESSION_COLUMNS, empty="no attempt was made yet", spare=SESSION_SPARE)
    tell_next(page["next"])


@app.command
async def wrap(
    lead_id: int,
    code: str,
    /,
    *,
    note: Annotated[str | None, Parameter(help="What there is to say.")] = None,
    options: Writing = _WRITING,
) -> None:
    """Set the wrap code of a lead's last session by hand.

    Example: `dialler lead wrap 17 SALE --note "from May on"`
    """
    async with connected(options) as api:
        session = await api.post(f"/leads/{lead_id}/wrap", {"code": code.upper(), "note": note})
    if options.json:
        print_json(session)
    else:
        print_line(f"session {session['session_id']} is wrapped {session['wrap_code']}: {session['status']}")


def _verdict_lines(verdict: Mapping[str, Any]) -> Iterator[str]:
    name = f" ({verdict['name']})" if verdict["name"] else ""
    yield f"lead {verdict['lead_id']}{name} of {verdict['campaign']} / {verdict['list']}, at {moment(verdict['at'])}"
    if verdict["dialable"]:
        yield f"dialable now, at {verdict['number']}"
    elif verdict["earliest"] is None:
        stuck = [gate["name"] for gate in verdict["gates"] if not gate["passed"] and gate["earliest"] is None]
        yield f"not dialable until somebody changes something, see: {', '.join(stuck)}"
    else:
        yield f"not dialable now; at the earliest {moment(verdict['earliest'])}"
        yield from _wall_clocks("  that is", verdict["earliest_local"])
    if (lasts_s := verdict.get("list_runway_s")) is not None:
        yield f"list {verdict['list']} {runway_words(lasts_s)} at the present pace"
    window = verdict["window"]
    yield from _wall_clocks("local time:", window["local_times"])
    if window["open"]:
        yield f"calling window: open ({window['rule']})"
    elif window["next_open"] is None:
        yield f"calling window: shut ({window['rule']}); it does not open within a year"
    else:
        yield f"calling window: shut ({window['rule']}); opens {moment(window['next_open'])}"
        yield from _wall_clocks("  that is", window["next_open_local"])
    for gate in verdict["gates"]:
        opens = f"; opens {moment(gate['earliest'])}" if not gate["passed"] and gate["earliest"] else ""
        yield f"  {'ok  ' if gate['passed'] else 'SHUT'} {gate['name']}: {gate['value']} (rule: {gate['rule']}){opens}"


def _wall_clocks(said: str, local: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each of the lead's zones: what its clocks show."""
    for zone, text in local.items():
        yield f"{said} {datetime.fromisoformat(text):%a %Y-%m-%d %H:%M:%S} in {zone}"


def _pair(said: str) -> tuple[str, str]:
    key, equals, value = said.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--data {said!r}: expected KEY=VALUE")
    return key.strip(), value
