"""Commands of `dialler lead` that change leads."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import Parameter

from dialler.cli.connection import Connection, connected
from dialler.cli.options import Given, Writing
from dialler.cli.printing import moment, note, print_done, shown
from dialler.errors import UsageError

_WRITING = Writing()

Campaign = Annotated[str, Parameter(name="--campaign", help="The campaign.")]
ListName = Annotated[str, Parameter(name="--list", help="Its list.")]
Yes = Annotated[bool, Parameter(name="--yes", negative="", help="Do it without being asked.")]

_FIELDS = (
    "name",
    "number",
    "region",
    "timezone",
    "state",
    "postcode",
    "customer_key",
    "external_lead_id",
    "priority",
    "urgent",
    "expires_at",
    "expected",
)
"""What `lead set` takes, beside data.FIELD."""


async def add(
    *,
    campaign: Campaign,
    list_name: ListName,
    number: Annotated[tuple[str, ...], Parameter(help="A phone number; may be repeated.")],
    region: Annotated[str | None, Parameter(help="Country of numbers without country code, such as US.")] = None,
    name: Annotated[str, Parameter(help="Of the person or firm.")] = "",
    customer_key: Annotated[
        str, Parameter(help="Its key in your own system; a lead of the list that has it is updated.")
    ] = "",
    external_lead_id: Annotated[str, Parameter(help="Its id at whoever delivered it.")] = "",
    timezone: Annotated[str, Parameter(help="The lead's zone, such as America/Denver.")] = "",
    state: Annotated[str, Parameter(help="The lead's own region, such as TX.")] = "",
    postcode: Annotated[str, Parameter(help="The lead's postcode.")] = "",
    priority: Annotated[Given[int], Parameter(help="Higher goes first.")] = None,
    urgent: Annotated[bool, Parameter(negative="", help="Call it next, before all others of its list.")] = False,
    expires_at: Annotated[str | None, Parameter(help="Do not call it from then on, such as 2026-12-24T18:00.")] = None,
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
        "urgent": urgent,
        "expires_at": expires_at,
        "data": dict(_pair(each, "--data ") for each in data),
    }
    async with connected(options) as api:
        lead = await api.post("/leads", body)
    print_done(lead, options.json, f"lead {lead['lead_id']} is {'updated' if lead['updated'] else 'added'}")


async def set_(lead_id: int, /, *changes: str, options: Writing = _WRITING) -> None:
    """Change a lead: KEY=VALUE, several times; nothing after the = empties a field.

    Keys: name, number (may be repeated, then all are replaced), region (country of numbers that do not say theirs),
    timezone, state (the lead's own region), postcode, customer_key, external_lead_id, priority, urgent, expires_at,
    data.FIELD, expected (the version that was read).

    Example: `dialler lead set 17 number=+12025550123 timezone=America/Denver data.beds=12`
    """
    body = _edit(changes)
    async with connected(options) as api:
        lead = await api.patch(f"/leads/{lead_id}", body)
    print_done(lead, options.json, f"lead {lead_id} is changed: {', '.join(sorted(body))}")


async def reset(lead_id: int, /, *, options: Writing = _WRITING) -> None:
    """Make a completed or resting lead ready again; its history stays, and the limits hold.

    Example: `dialler lead reset 17`
    """
    async with connected(options) as api:
        lead = await api.post(f"/leads/{lead_id}/reset")
    print_done(lead, options.json, f"lead {lead_id} is {lead['state']}")


async def complete(lead_id: int, /, *, options: Writing = _WRITING) -> None:
    """Complete a lead by hand: it is not dialled again.

    Example: `dialler lead complete 17`
    """
    async with connected(options) as api:
        lead = await api.post(f"/leads/{lead_id}/complete")
    print_done(lead, options.json, f"lead {lead_id} is {lead['state']} ({lead['completed_reason']})")


async def duplicate(
    lead_id: int,
    /,
    *,
    campaign: Campaign,
    list_name: ListName,
    customer_key: Annotated[str | None, Parameter(help="Of the copy; else it has none.")] = None,
    options: Writing = _WRITING,
) -> None:
    """Copy a lead into another list, without its history; attempts on its numbers count for both.

    Example: `dialler lead duplicate 17 --campaign spring --list second`
    """
    async with connected(options) as api:
        body = {"campaign": campaign, "list": list_name, "customer_key": customer_key}
        lead = await api.post(f"/leads/{lead_id}/duplicate", body)
    print_done(
        lead, options.json, f"lead {lead['lead_id']} is a copy of {lead_id}, in {lead['campaign']} / {lead['list']}"
    )


async def move(
    *lead_ids: int,
    campaign: Annotated[str, Parameter(help="Their campaign.")],
    to: Annotated[str, Parameter(help="The list they go to.")],
    from_: Annotated[str | None, Parameter(name="--from", help="All leads of this list.")] = None,
    state: Annotated[str | None, Parameter(help="Of that list, only those of this state.")] = None,
    options: Writing = _WRITING,
) -> None:
    """Move leads to another list of their campaign, with history and counters. Those in a call are left.

    Example: `dialler lead move 17 18 --campaign spring --to second`
    """
    body: dict[str, Any] = {"to_campaign": campaign, "to_list": to, **_which(lead_ids, campaign, from_, state)}
    async with connected(options) as api:
        done = await api.post("/leads/move", body)
    print_done(done, options.json, _sentence("moved", done))


async def delete(
    *lead_ids: int,
    campaign: Annotated[str | None, Parameter(help="All leads of this campaign.")] = None,
    list_name: Annotated[str | None, Parameter(name="--list", help="A list of the campaign.")] = None,
    state: Annotated[str | None, Parameter(help="Only those of this state.")] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Only count them.")] = False,
    yes: Yes = False,
    options: Writing = _WRITING,
) -> None:
    """Delete leads; their sessions stay. Those in a call are left.

    Example: `dialler lead delete --campaign spring --list old --state completed --dry-run`
    """
    body = _which(lead_ids, campaign, list_name, state)
    async with connected(options) as api:
        counted = await api.post("/leads/delete", {**body, "dry_run": True})
        if dry_run:
            print_done(counted, options.json, _sentence("would be deleted", counted))
            return
        _confirm(yes, f"delete {_leads(counted['done'])}")
        done = await api.post("/leads/delete", body)
    print_done(done, options.json, _sentence("deleted", done))


async def erase(lead_id: int, /, *, yes: Yes = False, options: Writing = _WRITING) -> None:
    """Forget a person for good: name, numbers, keys, data and notes, in the lead and its sessions.

    Sessions keep times and outcomes; attempt limits and do-not-call go on holding for the numbers.

    Example: `dialler lead erase 17 --yes`
    """
    async with connected(options) as api:
        await api.get(f"/leads/{lead_id}")
        _confirm(yes, f"erase lead {lead_id} for good")
        done = await api.post(f"/leads/{lead_id}/erase", confirm="true")
    print_done(done, options.json, f"lead {lead_id} is erased, and what {done['sessions']} sessions said of the person")


async def wrap(
    lead_id: int,
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
    """Set or edit the wrap code of a lead's last session. A code that is a callback asks for --callback.

    Example: `dialler lead wrap 17 SALE --note "from May on"`
    """
    async with connected(options) as api:
        await wrap_at(api, f"/leads/{lead_id}/wrap", code, note, callback, agent, options)


async def wrap_at(
    api: Connection, path: str, code: str, why: str | None, callback: str | None, agent: str | None, options: Writing
) -> None:
    """Set a wrap code, with a note that says `why`, and say what came of it.

    Raises UsageError for an agent without a callback.
    """
    if agent is not None and callback is None:
        raise UsageError("--agent: whose callback? give --callback as well")
    promised = None if callback is None else {"at": callback, "agent": agent}
    session = await api.post(path, {"code": code.upper(), "note": why, "callback": promised})
    said = f"session {session['session_id']} is wrapped {session['wrap_code']}: {session['status']}"
    if session["callback_at"] is not None:
        said += f"; call back at {moment(session['callback_at'])}"
    print_done(session, options.json, said)
    if session["warning"] is not None and not options.json:
        note(session["warning"])


def _which(lead_ids: tuple[int, ...], campaign: str | None, list_name: str | None, state: str | None) -> dict[str, Any]:
    """Return which leads: their ids, or else those of a campaign, a list and a state. Raises UsageError for both."""
    if lead_ids:
        if list_name is not None or state is not None:
            raise UsageError("give lead ids, or a list and a state: not both")
        return {"lead_ids": list(lead_ids)}
    if list_name is None and state is None and campaign is None:
        raise UsageError("which leads? give their ids, or --campaign with --list or --state")
    return {"campaign": campaign, "list": list_name, "state": state}


def _sentence(what: str, done: Mapping[str, Any]) -> str:
    said = f"{_leads(done['done'])} {what}"
    if done["in_call"]:
        said += f"; {done['in_call']} in a call are left: {shown(done['in_call_ids'])}"
    if done["missing"]:
        said += f"; {done['missing']} are not there: {shown(done['missing_ids'])}"
    return said


def _leads(n: int) -> str:
    return "1 lead" if n == 1 else f"{n} leads"


def _confirm(yes: bool, what: str) -> None:
    """Ask whether to go on. Raises UsageError where nobody can be asked, and where the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"--yes: say so to {what}")
    note(f"{what}? Type yes:")
    if sys.stdin.readline().strip().lower() != "yes":
        raise UsageError("nothing was done")


def _edit(changes: tuple[str, ...]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for said in changes:
        key, value = _pair(said, "")
        if key.startswith("data."):
            body.setdefault("data", {})[key.removeprefix("data.")] = value or None
        elif key == "number":
            body.setdefault("numbers", []).append(value)
        elif key not in _FIELDS:
            raise UsageError(f"{said!r}: no key {key!r}; there are {', '.join(_FIELDS)}, data.FIELD")
        elif key in body:
            raise UsageError(f"{said!r}: {key} is given twice")
        elif key in ("customer_key", "external_lead_id", "expires_at", "region"):
            body[key] = value or None
        else:
            body[key] = value
    if not body:
        raise UsageError(f"nothing to change: give KEY=VALUE; keys are {', '.join(_FIELDS)}, data.FIELD")
    return body


def _pair(said: str, option: str) -> tuple[str, str]:
    key, equals, value = said.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{option}{said!r}: expected KEY=VALUE")
    return key.strip(), value
