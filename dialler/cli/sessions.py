"""dialler session ..."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import connected, segment
from dialler.cli.lead_changes import wrap_at
from dialler.cli.options import Paging, Reading, Writing
from dialler.cli.printing import note, print_fields, print_json, print_table

app = App(name="session", help="Sessions: the record of every attempt.")

_READING, _WRITING, _PAGING = Reading(), Writing(), Paging()

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
    *,
    campaign: Annotated[str | None, Parameter(help="Of one campaign.")] = None,
    list_name: Annotated[str | None, Parameter(name="--list", help="A list of the campaign.")] = None,
    lead: Annotated[int | None, Parameter(help="Of one lead.")] = None,
    status: Annotated[
        Literal["new", "processing", "complete", "rejected", "failed", "expired"] | None,
        Parameter(help="Of one status; new and processing are open."),
    ] = None,
    outcome: Annotated[str | None, Parameter(help="Such as NO_ANSWER.")] = None,
    oldest_first: Annotated[bool, Parameter(help="In the order of intent; else newest first.")] = False,
    paging: Paging = _PAGING,
    options: Reading = _READING,
) -> None:
    """List sessions, newest first.

    Example: `dialler session list --campaign spring --outcome BUSY --all --json`
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
        )
    if options.json:
        print_json(page)
        return
    empty = "no sessions: no attempt was made yet" if set(which.values()) == {None} else "no such sessions"
    print_table(page["items"], COLUMNS, empty=empty, spare=SPARE)
    tell_next(page["next"])


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
    agent: Annotated[str | None, Parameter(help="Who promised to call back; else anyone.")] = None,
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
