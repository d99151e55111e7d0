"""dialler agent ..."""

from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import App, Parameter

from dialler.cli.connection import connected
from dialler.cli.options import Reading, Writing
from dialler.cli.printing import print_done, print_json, print_line, print_table

app = App(name="agent", help="Agents: who is there, and their log in, out, pause and ready.")

_READING, _WRITING = Reading(), Writing()
_COLUMNS = {
    "agent": "agent",
    "state": "state",
    "since": "since",
    "pause_reason": "paused for",
    "queues_said": "queues",
    "call.campaign": "call of",
    "call.session_id": "session",
}
_SPARE = ("call.session_id", "since", "queues_said")

Queues = Annotated[tuple[str, ...], Parameter(name="--queue", help="A queue of the exchange; may be given again.")]
Reason = Annotated[str, Parameter(help="Why he is paused, such as lunch.")]


@app.command(name="list")
async def list_(*, options: Reading = _READING) -> None:
    """List agents: what they do, since when, in which queues, and whose call they have, await or write up.

    Example: `dialler agent list`
    """
    async with connected(options) as api:
        page = await api.get("/agents")
    if options.json:
        print_json(page)
    else:
        print_table(list(map(_row, page["items"])), _COLUMNS, empty=page["note"] or "no agents", spare=_SPARE)
        if page["items"] and page["note"]:
            print_line(f"\n{page['note']}")


@app.command
async def login(
    agent: str,
    /,
    *,
    queues: Queues,
    name: Annotated[str, Parameter(help="What people call him.")] = "",
    penalty: Annotated[int, Parameter(help="Members with a higher one are rung when no other is free.")] = 0,
    paused: Annotated[bool, Parameter(help="He takes no calls yet.")] = False,
    reason: Reason = "",
    options: Writing = _WRITING,
) -> None:
    """Put an agent, a telephone such as PJSIP/1001, into queues: into all of them or none.

    Example: `dialler agent login PJSIP/1001 --queue sales --name Ann`
    """
    body = {
        "agent": agent, "queues": list(queues), "name": name, "penalty": penalty, "paused": paused, "reason": reason
    }  # fmt: skip
    async with connected(options) as api:
        done = await api.post("/agents/login", body)
    said = [f"{agent} is in {', '.join([*done['added'], *done['already']])} now"]
    if done["already"]:
        said.append(f"; was in {', '.join(done['already'])} already")
    print_done(done, options.json, "".join(said))


@app.command
async def logout(agent: str, /, *, queues: Queues = (), options: Writing = _WRITING) -> None:
    """Take an agent out of queues, out of all where none is named. A call that he has goes on.

    Example: `dialler agent logout PJSIP/1001`
    """
    async with connected(options) as api:
        done = await api.post("/agents/logout", {"agent": agent, "queues": list(queues)})
    print_done(done, options.json, f"{agent} has left {', '.join(done['left'])}")


@app.command
async def pause(agent: str, /, *, reason: Reason = "", options: Writing = _WRITING) -> None:
    """Give an agent no more calls, until he is ready. One who talks goes on talking.

    Example: `dialler agent pause PJSIP/1001 --reason lunch`
    """
    async with connected(options) as api:
        done = await api.post("/agents/pause", {"agent": agent, "reason": reason})
    print_done(done, options.json, f"{agent} is paused" + (f": {reason}" if reason else ""))


@app.command
async def ready(agent: str, /, *, options: Writing = _WRITING) -> None:
    """End an agent's pause, or the work after his talk; its wrap code may still be given.

    Example: `dialler agent ready PJSIP/1001`
    """
    async with connected(options) as api:
        done = await api.post("/agents/ready", {"agent": agent})
    print_done(done, options.json, f"{agent} is ready")


def _row(agent: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**agent, "queues_said": ", ".join(dict.fromkeys(each["queue"] for each in agent["queues"]))}
