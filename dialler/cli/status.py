"""dialler status and agent list."""

from collections.abc import Iterator, Mapping
from typing import Any

from cyclopts import App

from dialler.cli.connection import connected
from dialler.cli.options import Reading
from dialler.cli.printing import moment, print_json, print_line, print_table

agents = App(name="agent", help="Agents, as the engine sees them.")

_READING = Reading()
_LISTS = {
    "name": "list",
    "weight": "weight",
    "to_dial": "to dial",
    "leads": "leads",
    "sessions": "sessions",
    "dialable_now": "dialable now",
    "waiting_for_window": "window shut",
    "next_open": "next opens",
    "resting": "resting",
    "next_due": "next due",
    "in_call": "in call",
    "completed": "completed",
}
_TRUNKS = {
    "name": "trunk",
    "server": "server",
    "up": "up",
    "channels_used": "used",
    "channels": "channels",
    "calls_per_second": "calls/s",
}


async def status(*, options: Reading = _READING) -> None:
    """What is it doing, and why is it not doing more.

    Example: `dialler status`
    """
    async with connected(options) as api:
        document = await api.get("/status")
    if options.json:
        print_json(document)
        return
    engine = document["engine"]
    print_line(
        f"engine {document['version']} runs since {moment(engine['started_at'])}"
        if engine["running"]
        else engine["note"]
    )
    if document["trunks"]:
        print_table(document["trunks"], _TRUNKS, empty="")
    for campaign in document["campaigns"]:
        for line in _lines(campaign):
            print_line(line)
        print_table(campaign["lists"], _LISTS, empty="  no lists")
    if not document["campaigns"]:
        print_line("no campaigns yet: `dialler campaign create NAME`")


@agents.command(name="list")
async def list_(*, options: Reading = _READING) -> None:
    """List agents and what they do.

    Example: `dialler agent list`
    """
    async with connected(options) as api:
        page = await api.get("/agents")
    if options.json:
        print_json(page)
    else:
        print_table(page["items"], {"agent": "agent", "state": "state"}, empty=page["note"] or "no agents")


def _lines(campaign: Mapping[str, Any]) -> Iterator[str]:
    actual, desired = campaign["actual"], campaign["desired"]
    state = f"wanted {desired}" if actual is None else actual if actual == desired else f"{actual}, wanted {desired}"
    yield f"\ncampaign {campaign['name']}: {state}"
    if actual is not None:
        calls, people = campaign["calls"], campaign["agents"]
        yield (
            f"  calls: {calls['unanswered']} ringing, {calls['waiting']} waiting, {calls['talking']} talking;"
            f" agents: {people['ready']} ready, {people['busy']} busy"
        )
        hopper = ", ".join(f"{name} {level}" for name, level in campaign["hopper"].items())
        yield f"  hopper: {hopper or 'empty'}"
    pacing = campaign["pacing"]
    if pacing["reason"]:
        yield f"  pacing {pacing['strategy']}: {pacing['calls']} calls: {pacing['reason']}"
    sessions = campaign["sessions"]
    outcomes = ", ".join(f"{name} {count}" for name, count in sessions["by_outcome"].items())
    yield f"  sessions: {sessions['opened']}, open {sessions['open']}" + (f"; {outcomes}" if outcomes else "")
    for limit in campaign["limits"]:
        yield f"  why not more: {limit}"
    if campaign["next_at"]:
        yield f"  next change by itself: {moment(campaign['next_at'])}"
