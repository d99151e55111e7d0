"""dialler agent ...: calls of one certain agent, beside the list of them."""

from typing import Annotated

from cyclopts import Parameter

from dialler.cli.connection import connected
from dialler.cli.options import Writing
from dialler.cli.printing import print_done

_WRITING = Writing()


async def dial(
    agent: str,
    /,
    *,
    lead: Annotated[int | None, Parameter(help="Call this lead.")] = None,
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
