"""dialler list apply and undo."""

import json
import sys
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from dialler.cli.connection import connected, segment
from dialler.cli.options import Writing
from dialler.cli.printing import print_json, print_line, print_table, shown
from dialler.cli.replan_preview import print_replan
from dialler.errors import UsageError

_WRITING = Writing()
_COLUMNS = {
    "name": "list",
    "changes": "changes",
    "dialable": "dialable",
    "percentage": "%",
    "runway_h": "runway h",
}
_KEYS = ("campaign", "weighting", "lists")


async def apply(
    file: Annotated[str, Parameter(help='TOML or JSON; "-" for standard input.')],
    /,
    *,
    campaign: Annotated[str | None, Parameter(help="Whose lists, where the file does not say.")] = None,
    preview: Annotated[bool, Parameter(help="Only show what it would do.")] = False,
    yes: Annotated[bool, Parameter(help="Do it without asking.")] = False,
    fingerprint: Annotated[
        str | None, Parameter(help="Of an earlier preview: refused if the lists have changed since.")
    ] = None,
    options: Writing = _WRITING,
) -> int:
    """Change several lists of a campaign together: shows what it would do, asks, then does all or nothing.

    The file has a table for each list, by its present name: `[lists.gold]` with weight, to_dial, strategy, start, end,
    lead_days, name; and, beside them, campaign and weighting. Without a terminal it takes --yes to do it.

    Example: `dialler list apply monday.toml`
    """
    body = _read(file)
    owner = campaign or body.pop("campaign", None)
    body.pop("campaign", None)
    if not isinstance(owner, str):
        raise UsageError(f'{file}: whose lists? Say campaign = "NAME" in the file, or --campaign')
    path = f"/campaigns/{segment(owner)}/lists/apply"
    async with connected(options) as api:
        plan = await api.post(path, body | {"fingerprint": fingerprint}, preview="true")
        if not options.json:
            _print_plan(plan)
        is_sure = yes or (not preview and not options.json and file != "-" and _asked())
        done = None
        if not preview and is_sure:
            # What was shown is what is done: by its fingerprint.
            done = await api.post(path, body | {"fingerprint": plan["fingerprint"]})
    if options.json:
        print_json(done or plan)
    elif done is not None:
        print_line(f"done; one step back: dialler list undo {owner}")
    else:
        print_line("nothing is changed" + ("" if preview else ": --yes does it"))
    return 0 if preview or done is not None else 1


async def undo(campaign: str, /, *, options: Writing = _WRITING) -> None:
    """Put the lists of a campaign back to what they were before the last change-set.

    Example: `dialler list undo spring`
    """
    async with connected(options) as api:
        answer = await api.post(f"/campaigns/{segment(campaign)}/lists/undo")
    if options.json:
        print_json(answer)
        return
    names = ", ".join(each["name"] for each in answer["lists"]) or "weighting"
    print_line(f"the change-set of {shown(answer['at'])} by {answer['who']} is undone: {names}")


def _asked() -> bool:
    """Ask whether to do it; without a terminal there is nobody to say yes."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return input("do it? [y/N] ").strip().lower() in ("y", "yes")


def _print_plan(plan: Mapping[str, Any]) -> None:
    was, will = plan["weighting"]
    weighting = f"; weighting {_on(was)} -> {_on(will)}" if was != will else ""
    print_line(
        f"campaign {plan['campaign']}: {plan['become_dialable']} leads become dialable, {plan['blocked']} blocked;"
        f" {plan['attempts_last_hour']} attempts in the last hour{weighting}"
    )
    rows = [
        {
            **each,
            "changes": ", ".join(f"{key} {_step(pair)}" for key, pair in each["changes"].items()) or "-",
            **{key: _step(each[key]) for key in ("dialable", "percentage", "runway_h")},
        }
        for each in plan["lists"]
    ]
    rows.append(
        {"name": "(all)", "changes": "-", "dialable": _step(plan["dialable"]), "runway_h": _step(plan["runway_h"])}
    )
    print_table(rows, _COLUMNS, empty="no lists")
    print_replan(plan["replan"])
    print_line(f"fingerprint: {plan['fingerprint']}")


def _step(pair: list[Any]) -> str:
    before, after = pair
    return shown(before) if before == after else f"{shown(before)} -> {shown(after)}"


def _on(value: bool) -> str:
    return "on" if value else "off"


def _read(file: str) -> dict[str, Any]:
    """Return the change-set in a file."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        if text.lstrip().startswith("{"):
            document = json.loads(text)
        else:
            import tomllib

            document = tomllib.loads(text)
    except (ValueError, OSError) as error:
        raise UsageError(f"{file}: expected a change-set as TOML or JSON: {error}") from error
    if unknown := document.keys() - set(_KEYS):
        raise UsageError(f"{file}: unknown {', '.join(sorted(unknown))}; expected {', '.join(_KEYS)}")
    plain = _plain(document)
    assert isinstance(plain, dict)
    return plain


def _plain(value: object) -> object:
    """Return what JSON knows: TOML's dates as text, and "none", where TOML has no null, as null."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, date | datetime):
        return value.isoformat()
    return None if value == "none" else value
