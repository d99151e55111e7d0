"""dialler lead ..."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import connected
from dialler.cli.exports import FormatOption, write_out
from dialler.cli.filters import ColumnsOption, Filters, FilterText, columns_of, headed
from dialler.cli.imports import import_
from dialler.cli.lead_changes import add, complete, delete, duplicate, erase, move, reset, set_, wrap
from dialler.cli.options import Given, Paging, Reading
from dialler.cli.printing import moment, print_fields, print_json, print_line, print_table, runway_words
from dialler.cli.sessions import tell_next

app = App(name="lead", help="Leads: load, find, change and explain them.")
app.command(import_, name="import")
for command in (add, set_, reset, complete, duplicate, move, delete, erase, wrap):
    app.command(command, name=command.__name__.rstrip("_"))

_READING, _PAGING, _FILTERS = Reading(), Paging(), Filters()
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
_HISTORY = {
    "created_at": "created",
    "campaign": "campaign",
    "number": "called",
    "caller_id": "caller id",
    "attempt_no": "try",
    "outcome": "outcome",
    "status": "status",
    "agent": "agent",
    "wrap_code": "wrap code",
    "ended_at": "ended",
    "wrap_note": "note",
    "session_id": "session",
}
_HISTORY_SPARE = ("session_id", "caller_id", "attempt_no", "ended_at", "status", "campaign", "wrap_note", "agent")
_SPARE = ("customer_key", "timezones", "campaign", "due_at", "attempts", "list")


@app.command
async def search(
    wanted: FilterText = None,
    /,
    *,
    campaign: Annotated[str | None, Parameter(help="Of one campaign.")] = None,
    list_name: Annotated[str | None, Parameter(name="--list", help="A list of the campaign.")] = None,
    state: Annotated[
        Given[Literal["ready", "resting", "in_call", "completed"]], Parameter(help="Of one state.")
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
    print_table(page["items"], _HISTORY, empty="no attempt was made yet", spare=_HISTORY_SPARE)
    tell_next(page["next"])


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
