"""dialler status."""

from collections.abc import Iterator, Mapping
from typing import Any

from dialler.cli.campaigns import state_of
from dialler.cli.connection import connected
from dialler.cli.options import Reading
from dialler.cli.printing import (
    calls_said,
    lasting,
    moment,
    plain_moments,
    print_json,
    print_line,
    print_table,
    runway_words,
)

_READING = Reading()
_LISTS = {
    "name": "list",
    "weight": "weight",
    "percentage": "share %",
    "actual_percentage": "so far %",
    "runway_s": "lasts",
    "sessions": "sessions",
    "leads": "leads",
    "dialable_now": "dialable",
    "waiting_for_window": "shut",
    "next_open": "opens next",
    "resting": "resting",
    "next_due": "rested next",
    "in_call": "in call",
    "completed": "done",
}
_SPARE = ("next_due", "next_open", "weight", "sessions", "in_call")
_MINUTE_S = 60
_TRUNKS = {
    "name": "trunk",
    "server": "server",
    "up": "up",
    "channels_said": "channels used",
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
        print_line()
        print_table([_trunk_row(each) for each in document["trunks"]], _TRUNKS, empty="")
    if document.get("agents"):
        print_line("\nagents: " + ", ".join(f"{count} {state}" for state, count in document["agents"].items()))
    for campaign in document["campaigns"]:
        for line in _lines(campaign):
            print_line(line)
        print_table([_list_row(each) for each in campaign["lists"]], _LISTS, empty="  no lists", spare=_SPARE)
    if not document["campaigns"]:
        print_line("no campaigns yet: `dialler campaign create NAME`")


def _lines(campaign: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"campaign {campaign['name']}: {state_of(campaign)}"
    for limit in campaign["limits"]:
        yield f"  why not more: {plain_moments(limit)}"
    lasts = {each["name"]: each.get("runway_s") for each in campaign["lists"]}
    for name in campaign.get("runs_dry", ()):
        yield f"  runs dry: list {name} {runway_words(lasts[name])} at the present pace"
    if (lasts_s := campaign.get("runway_s")) is not None:
        yield f"  leads that may be called now last {lasting(lasts_s)} at the present pace"
    if campaign["next_at"]:
        yield f"  next lead due or window opening: {moment(campaign['next_at'])}"
    if said := _callbacks_said(campaign.get("callbacks", {})):
        yield f"  callbacks: {said}"
    if campaign["actual"] is not None:
        calls = campaign["calls"]
        yield f"  calls: {calls['unanswered']} ringing, {calls['waiting']} waiting, {calls['talking']} talking"
        if campaign["queue"] is not None:
            yield f"  agents: {_agents_said(campaign['agents'])}"
        hopper = ", ".join(f"{name} {level}" for name, level in campaign["hopper"].items())
        yield f"  hopper: {hopper or 'empty'}"
    pacing = campaign["pacing"]
    if pacing["reason"]:
        decided = f", decided {moment(pacing['decided_at'])}" if pacing.get("decided_at") else ""
        yield f"  pacing {pacing['strategy']}{decided}: {calls_said(pacing['calls'])}: {pacing['reason']}"
    sessions = campaign["sessions"]
    outcomes = ", ".join(f"{name} {count}" for name, count in sessions["by_outcome"].items())
    yield f"  sessions: {sessions['opened']}, open {sessions['open']}" + (f"; {outcomes}" if outcomes else "")
    yield ""


def _callbacks_said(callbacks: Mapping[str, Any]) -> str:
    """Return what is to be said of promised calls; nothing where nobody was promised one."""
    due, waiting, next_at = (callbacks.get(key) for key in ("due", "waiting_for_agent", "next_at"))
    said = (
        [f"{due} due" + (f", {waiting} of them waiting for the agent who promised" if waiting else "")] if due else []
    )
    return "; ".join([*said, *([f"the next at {moment(next_at)}"] if next_at else [])])


def _agents_said(agents: Mapping[str, Any]) -> str:
    leaving = f", {agents['leaving']} about to go to another campaign" if agents.get("leaving") else ""
    shared = ", ".join(agents.get("shared_with", ()))
    return f"{agents['ready']} ready, {agents['busy']} busy{leaving}" + (f"; shared with {shared}" if shared else "")


def _trunk_row(trunk: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**trunk, "channels_said": f"{trunk['channels_used']} of {trunk['channels']}"}


def _list_row(lead_list: Mapping[str, Any]) -> Mapping[str, Any]:
    lasts_s = lead_list.get("runway_s")
    return {
        **lead_list,
        "name": lead_list["name"] + ("" if lead_list["to_dial"] else " (not to dial)"),
        "runway_s": None if lasts_s is None else "< 1 min" if lasts_s < _MINUTE_S else lasting(lasts_s),
    }
