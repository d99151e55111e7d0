"""dialler session ..."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import connected, segment
from dialler.cli.exports import FormatOption, write_out
from dialler.cli.filters import ColumnsOption, Filters, FilterText, columns_of, headed
from dialler.cli.lead_changes import wrap_at
from dialler.cli.options import Given, Paging, Reading, Writing
from dialler.cli.printing import note, print_fields, print_json, print_table

app = App(name="session", help="Sessions: the record of every attempt.")

_READING, _WRITING, _PAGING, _FILTERS = Reading(), Writing(), Paging(), Filters()

COLUMNS = {
    "seq": "seq",
    "created_at": "created",
    "campaign": "campaign",
    "list": "list",
    "lead_id": "lead",
    "number": "number",
    "attempt_no": "try",
    "status": "status",
    "outcome": "outcome",
    "cause": "cause",
    "agent": "agent",
    "session_id": "session",
}
SPARE = ("session_id", "cause", "attempt_no", "agent", "campaign", "status", "lead_id")
"""Columns that a narrow terminal does without, the first of them first."""


@app.command(name="list")
async def list_(
    wanted: FilterText = None,
    /,
    *,
    campaign: Annotated[str | None, Parameter(help="Of one campaign.")] = None,
    list_name: Annotated[str | None, Parameter(name="--list", help="A list of the campaign.")] = None,
    lead: Annotated[Given[int], Parameter(help="Of one lead.")] = None,
    status: Annotated[
        Given[Literal["new", "processing", "complete", "rejected", "failed", "expired"]],
        Parameter(help="Of one status; new and processing are open."),
    ] = None,
    outcome: Annotated[str | None, Parameter(help="Such as NO_ANSWER.")] = None,
    oldest_first: Annotated[bool, Parameter(help="In the order of intent; else newest first.")] = False,
    group: Annotated[bool, Parameter(help="One line for each external lead id; --json has all its sessions.")] = False,
    filters: Filters = _FILTERS,
    columns: ColumnsOption = None,
    paging: Paging = _PAGING,
    options: Reading = _READING,
) -> None:
    """List sessions, newest first.

    `dialler filter fields sessions` lists what a filter may name.

    Example: `dialler session list 'created >= 2026-11-01 and outcome = BUSY' --campaign spring --all --json`
    """
    which = {
        "campaign": campaign,
        "list": list_name,
        "lead": lead,
        "status": status,
        "outcome": outcome.upper() if outcome is not None else None,
    }
    async with connected(options) as api:
        page = await api.pages(
            "/sessions",
            limit=0 if paging.all else paging.limit,
            after=paging.after,
            **which,
            oldest_first="true" if oldest_first else None,
            group="external_lead_id" if group else None,
            **filters.params(wanted),
        )
        chosen = None if options.json else await columns_of(api, "sessions", columns, is_asked=False)
    if options.json:
        print_json(page)
        return
    is_plain = set(which.values()) == {None} and not filters.params(wanted)
    empty = "no sessions: no attempt was made yet" if is_plain else "no such sessions"
    headings, spare = (COLUMNS, SPARE) if chosen is None else (headed(chosen, COLUMNS), ())
    items = [{**each, "sessions": len(each["sessions"])} if group else each for each in page["items"]]
    if group:
        headings, spare = {"external_lead_id": "external id", "sessions": "sessions", **headings}, SPARE
    print_table(items, headings, empty=empty, spare=spare)
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
    after: Annotated[int, Parameter(help="Go on behind this `seq`: the last one that is there already.")] = 0,
    options: Reading = _READING,
) -> None:
    """Write sessions out, all fields of each, oldest first; can be interrupted, and goes on with --after.

    Example: `dialler session export --format jsonl --after 120000 >> sessions.jsonl`
    """
    which = {"campaign": campaign, "list": list_name, **filters.params(wanted)}
    await write_out("/sessions/export", which, form, after, options)


@app.command
async def show(session_id: str, /, *, options: Reading = _READING) -> None:
    """Show a session: times, outcome with its evidence, and the decision behind it.

    Example: `dialler session show 0193a5f0-6c1e-7cc2-9d2b-5a4b8a1f3c77`
    """
    async with connected(options) as api:
        session = await api.get(f"/sessions/{segment(session_id)}")
    if options.json:
        print_json(session)
    else:
        print_fields(session)


@app.command
async def wrap(
    session_id: str,
    code: str,
    /,
    *,
    note: Annotated[str | None, Parameter(help="What there is to say.")] = None,
    callback: Annotated[
        str | None, Parameter(help="When to call back, on the lead's own clock, such as 2026-06-03T10:00.")
    ] = None,
    agent: Annotated[
        str | None, Parameter(help="Who promised to call back, where it is not who talked; see --callbacks-to.")
    ] = None,
    options: Writing = _WRITING,
) -> None:
    """Set or edit the wrap code of a session; its lead follows if it was the last one.

    Example: `dialler session wrap 0193a5f0-6c1e-7cc2-9d2b-5a4b8a1f3c77 REFUSED`
    """
    async with connected(options) as api:
        await wrap_at(api, f"/sessions/{segment(session_id)}/wrap", code, note, callback, agent, options)


def tell_next(after: object) -> None:
    """Tell how to go on where there is more."""
    if after is not None:
        note(f"there are more: --after {after}, or --all")
