"""dialler agent ...: calls of one certain agent, beside the list of them."""

from typing import Annotated

from cyclopts import Parameter

from dialler.cli.connection import connected
from dialler.cli.options import Given, Reading, Writing
from dialler.cli.printing import moment, print_done

_READING = Reading()
_WRITING = Writing()


async def dial(
    agent: str,
    /,
    *,
    lead: Annotated[Given[int], Parameter(help="Call this lead.")] = None,
    campaign: Annotated[str | None, Parameter(help="Call a number in this campaign.")] = None,
    number: Annotated[str | None, Parameter(help="E.164; with --region also as it is written there.")] = None,
    list_name: Annotated[
        str | None, Parameter(name="--list", help="The list for a number that is no lead yet; else one called manual.")
    ] = None,
    region: Annotated[str | None, Parameter(help="Country of the number, such as US.")] = None,
    name: Annotated[str, Parameter(help="Who has the number, if it is no lead yet.")] = "",
    options: Writing = _WRITING,
) -> None:
    """Call a lead, or a number, for an agent: whoever answers is joined to him, and to nobody else.

    AGENT is his interface at the exchange, as `dialler agent list` shows it. The same gates hold as for any call; a
    refusal says which one is shut. A paused campaign, and a list that is off, do not stop a call by hand.

    Example: `dialler agent dial PJSIP/1001 --lead 17`
    """
    body = {
        "agent": agent,
        "lead_id": lead,
        "campaign": campaign,
        "number": number,
        "list": list_name,
        "region": region,
        "name": name,
    }
    async with connected(options) as api:
        session = await api.post("/agents/dial", {key: value for key, value in body.items() if value not in (None, "")})
    print_done(session, options.json, f"{session['number']} is called for {agent}: session {session['session_id']}")


async def offer(agent: str, /, *, options: Reading = _READING) -> None:
    """Show the lead that an agent is offered in preview dialling; nothing is dialled yet.

    Example: `dialler agent offer PJSIP/1001`
    """
    async with connected(options) as api:
        found = await api.get("/agents/offer", agent=agent)
    last = ", ".join(f"{moment(each['at'])} {each['outcome']}" for each in found["last_sessions"]) or "none"
    fields = ", ".join(f"{key} {value}" for key, value in found["details"].items()) or "none"
    person = f"{found['name']} {found['number']}".strip()
    lead = f"lead {found['lead_id']}: {person}, until {moment(found['until'])}"
    print_done(found, options.json, f"{lead}\nfields: {fields}\nlast calls: {last}")


async def accept(agent: str, /, *, options: Writing = _WRITING) -> None:
    """Call the lead that an agent is offered; whoever answers is joined to him, and to nobody else.

    Example: `dialler agent accept PJSIP/1001`
    """
    async with connected(options) as api:
        session = await api.post("/agents/accept", {"agent": agent})
    print_done(session, options.json, f"{session['number']} is called for {agent}: session {session['session_id']}")


async def skip(
    agent: str, /, *, reason: Annotated[str, Parameter(help="Why, for the session.")], options: Writing = _WRITING
) -> None:
    """Close an agent's offer without a call; it is no attempt, and the lead rests for a while.

    Example: `dialler agent skip PJSIP/1001 --reason "called yesterday"`
    """
    async with connected(options) as api:
        session = await api.post("/agents/skip", {"agent": agent, "reason": reason})
    print_done(session, options.json, f"lead {session['lead_id']} is not called: session {session['session_id']}")
