"""dialler list ..."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import connected, segment
from dialler.cli.options import Reading, Writing
from dialler.cli.printing import print_fields, print_json, print_line, print_table
from dialler.errors import UsageError

app = App(name="list", help="Lists of leads, and their weights.")

_READING, _WRITING = Reading(), Writing()
_COLUMNS = {
    "campaign": "campaign",
    "name": "list",
    "weight": "weight",
    "to_dial": "to dial",
    "order": "order",
    "list_id": "id",
}

Weight = Annotated[int | None, Parameter(help="Its share of the campaign's calls, 1 to 10000.")]
ToDial = Annotated[bool | None, Parameter(negative="--no-to-dial", help="Whether its leads are dialled.")]
Order = Annotated[Literal["oldest", "newest"] | None, Parameter(help="Which lead goes first, of equal priority.")]
Redial = Annotated[
    str | None,
    Parameter(help='Redial rules by outcome: a JSON or TOML file, or JSON: {"BUSY": {"rests": ["10m"]}}.'),
]


@app.command
async def create(
    campaign: str,
    name: str,
    /,
    *,
    weight: Weight = None,
    to_dial: ToDial = None,
    order: Order = None,
    redial: Redial = None,
    options: Writing = _WRITING,
) -> None:
    """Create a list in a campaign.

    Example: `dialler list create spring hospitals --weight 70`
    """
    body = {"name": name, **_body(weight, to_dial, order, redial)}
    async with connected(options) as api:
        made = await api.post(f"/campaigns/{segment(campaign)}/lists", body)
    _print_one(made, options.json, f"list {made['name']} of {made['campaign']} is created, weight {made['weight']}")


@app.command(name="set")
async def set_(
    campaign: str,
    name: str,
    /,
    *,
    weight: Weight = None,
    to_dial: ToDial = None,
    order: Order = None,
    redial: Redial = None,
    rename: Annotated[str | None, Parameter(help="Its new name.")] = None,
    options: Writing = _WRITING,
) -> None:
    """Change a list; what is not named stays. A running engine follows at once.

    Example: `dialler list set spring hospitals --weight 30 --no-to-dial`
    """
    body = _body(weight, to_dial, order, redial) | ({"name": rename} if rename is not None else {})
    if not body:
        raise UsageError("nothing to set: name an option, see `dialler list set --help`")
    async with connected(options) as api:
        changed = await api.patch(_path(campaign, name), body)
    _print_one(changed, options.json, f"list {changed['name']} of {changed['campaign']} is changed")


@app.command(name="list")
async def list_(campaign: str | None = None, /, *, options: Reading = _READING) -> None:
    """List the lists of a campaign, or of all.

    Example: `dialler list list spring`
    """
    async with connected(options) as api:
        page = await api.get("/lists", campaign=campaign)
    if options.json:
        print_json(page)
    else:
        print_table(page["items"], _COLUMNS, empty="no lists yet: `dialler list create CAMPAIGN NAME`")


@app.command
async def show(campaign: str, name: str, /, *, options: Reading = _READING) -> None:
    """Show a list with its redial rules.

    Example: `dialler list show spring hospitals`
    """
    async with connected(options) as api:
        found = await api.get(_path(campaign, name))
    _print_one(found, options.json)


@app.command
async def delete(campaign: str, name: str, /, *, options: Writing = _WRITING) -> None:
    """Delete a list and its leads; sessions stay. It must not be to dial.

    Example: `dialler list delete spring hospitals`
    """
    async with connected(options) as api:
        answer = await api.delete(_path(campaign, name))
    _print_one(answer, options.json, f"list {name} of {campaign} is deleted")


def _path(campaign: str, name: str) -> str:
    return f"/campaigns/{segment(campaign)}/lists/{segment(name)}"


def _print_one(document: Mapping[str, Any], as_json: bool, said: str = "") -> None:
    if as_json:
        print_json(document)
    elif said:
        print_line(said)
    else:
        print_fields(document)


def _body(weight: int | None, to_dial: bool | None, order: str | None, redial: str | None) -> dict[str, object]:
    body = {"weight": weight, "to_dial": to_dial, "order": order, "redial": _redial(redial)}
    return {key: value for key, value in body.items() if value is not None}


def _redial(said: str | None) -> object:
    """Return redial rules from JSON, or from a file of JSON or TOML."""
    if said is None:
        return None
    try:
        if said.lstrip().startswith("{"):
            return json.loads(said)
        text = Path(said).read_text("utf-8")
        if said.endswith(".toml"):
            import tomllib

            return tomllib.loads(text)
        return json.loads(text)
    except (ValueError, OSError) as error:
        raise UsageError(f"--redial {said}: expected rules by outcome as JSON or in a file: {error}") from error
