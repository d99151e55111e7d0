"""dialler callback ..."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from dialler.cli.connection import connected
from dialler.cli.options import Reading, Writing
from dialler.cli.printing import moment, note, print_done, print_json, print_line, print_table

app = App(name="callback", help="Callbacks: calls that people were promised.")

_READING, _WRITING = Reading(), Writing()
_COLUMNS = {
    "callback_at": "call at",
    "callback_local": "on their clock",
    "lead_id": "lead",
    "name": "name",
    "campaign": "campaign",
    "list": "list",
    "callback_agent": "agent",
    "agent_state": "agent is",
    "state": "state",
    "callback_expires_at": "expires",
}
_OWN_COLUMNS = {
    "callback_at": "call at",
    "callback_local": "on their clock",
    "callback_is_due": "due",
    "lead_id": "lead",
    "name": "name",
    "campaign": "campaign",
    "list": "list",
    "callbacks_to": "for",
    "agent_until": "his until",
    "state": "state",
    "callback_expires_at": "expires",
}
_SPARE = ("state", "callback_expires_at", "campaign", "list")


@app.command(name="list")
async def list_(
    *,
    campaign: Annotated[str | None, Parameter(help="Of one campaign.")] = None,
    agent: Annotated[str | None, Parameter(help="Promised by this agent.")] = None,
    limit: Annotated[int, Parameter(help="At most so many.", validator=Number(gte=1, lte=1000))] = 100,
    after: Annotated[str | None, Parameter(help="Go on behind this one: the `next` of the page before.")] = None,
    options: Reading = _READING,
) -> None:
    """List callbacks that are pending, the next due first.

    Example: `dialler callback list --campaign spring`
    """
    async with connected(options) as api:
        page = await api.get("/callbacks", campaign=campaign, agent=agent, limit=limit, after=after)
    _show(page, _COLUMNS, "no callback is pending", options)


async def of_agent(
    agent: str,
    /,
    *,
    campaign: Annotated[str | None, Parameter(help="Of one campaign.")] = None,
    limit: Annotated[int, Parameter(help="At most so many.", validator=Number(gte=1, lte=1000))] = 100,
    after: Annotated[str | None, Parameter(help="Go on behind this one: the `next` of the page before.")] = None,
    options: Reading = _READING,
) -> None:
    """List the callbacks that an agent promised, due or not.

    Whether only he keeps them, and until when, is --callbacks-to of their campaigns.

    Example: `dialler agent callbacks PJSIP/1001`
    """
    async with connected(options) as api:
        page = await api.get("/agents/callbacks", agent=agent, campaign=campaign, limit=limit, after=after)
    _show(page, _OWN_COLUMNS, f"agent {agent} has promised no callback that is pending", options)
    for warning in [] if options.json else sorted({item["warning"] for item in page["items"]} - {None}):
        note(warning)


def _show(page: dict[str, Any], columns: Mapping[str, str], empty: str, options: Reading) -> None:
    if options.json:
        print_json(page)
        return
    items = [{**item, "callback_local": _wall(item["callback_local"])} for item in page["items"]]
    print_table(items, columns, empty=empty, spare=_SPARE)
    if page["next"] is not None:
        note(f"there are more: --after {page['next']}")


@app.command(name="set")
async def set_(
    lead_id: int,
    at: str,
    /,
    *,
    agent: Annotated[
        str | None, Parameter(help="Who promised it, as `dialler agent list` names him; see --callbacks-to.")
    ] = None,
    expires_at: Annotated[str | None, Parameter(help="An ordinary lead again from then on; else a day later.")] = None,
    options: Writing = _WRITING,
) -> None:
    """Promise a call, at a time on the lead's own clock.

    A time outside the lead's calling window is moved to the next opening.

    Example: `dialler callback set 17 2026-06-03T10:00 --agent ann`
    """
    async with connected(options) as api:
        body = {"at": at, "agent": agent, "expires_at": expires_at}
        done = await api.put(f"/leads/{lead_id}/callback", body)
    if options.json:
        print_json(done)
        return
    print_line(
        f"lead {lead_id} is called at {moment(done['callback_at'])}, {_wall(done['callback_local'])} on its clock"
    )
    if done["moved"]:
        note("moved to the next opening of its calling window")
    if done["warning"] is not None:
        note(done["warning"])


@app.command
async def cancel(lead_id: int, /, *, options: Writing = _WRITING) -> None:
    """Take a promise back: the lead is an ordinary one again.

    Example: `dialler callback cancel 17`
    """
    async with connected(options) as api:
        lead = await api.delete(f"/leads/{lead_id}/callback")
    print_done(lead, options.json, f"lead {lead_id} has no callback any more: {lead['state']}")


def _wall(local: str) -> str:
    """Return a local moment as its clock shows it."""
    return f"{datetime.fromisoformat(local):%a %Y-%m-%d %H:%M}"
