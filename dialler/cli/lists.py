"""dialler list ..."""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from cyclopts import App, Parameter

from dialler.cli import change_sets
from dialler.cli.connection import connected, segment
from dialler.cli.options import Given, Reading, Rename, Writing, changes
from dialler.cli.printing import print_done, print_fields, print_json, print_table

app = App(name="list", help="Lists of leads, and their weights.")
app.command(change_sets.apply)
app.command(change_sets.undo)

_READING, _WRITING = Reading(), Writing()
_COLUMNS = {
    "list_id": "id",
    "campaign": "campaign",
    "name": "list",
    "created_at": "created",
    "leads": "leads",
    "dialable_now": "dialable",
    "to_dial": "to dial",
    "strategy": "strategy",
    "weight": "weight",
    "percentage": "%",
}
_SPARE = ("created_at", "list_id")

Weight = Annotated[Given[int], Parameter(help="Its share of the campaign's calls, 1 to 10000.")]
ToDial = Annotated[bool | None, Parameter(negative="--no-to-dial", help="Whether its leads are dialled.")]
StrategyName = Annotated[str | None, Parameter(help='Its dialler strategy; "none" for a list not to dial.')]
Start = Annotated[
    str | None,
    Parameter(help='From when on it is dialled, in the campaign\'s zone: 2026-12-01, 2026-12-01T09:00, "none".'),
]
End = Annotated[str | None, Parameter(help='Its last day, or the moment of its end; "none".')]
LeadDays = Annotated[
    Given[int | Literal["none"]],
    Parameter(help="Leads added from now on expire after so many days, where they don't say."),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """What a list is made of; None for what is not given."""

    weight: Weight = None
    to_dial: ToDial = None
    strategy: StrategyName = None
    start: Start = None
    end: End = None
    lead_days: LeadDays = None


_NOTHING = ListOptions()


@app.command
async def create(
    campaign: str,
    name: str,
    /,
    *,
    given: ListOptions = _NOTHING,
    options: Writing = _WRITING,
) -> None:
    """Create a list in a campaign. One that is to dial has the standard strategy, where none is named.

    Example: `dialler list create spring hospitals --weight 70`
    """
    body = {"name": name, **_body(given)}
    async with connected(options) as api:
        made = await api.post(f"/campaigns/{segment(campaign)}/lists", body)
    print_done(made, options.json, f"list {made['name']} of {made['campaign']} is created, weight {made['weight']}")


@app.command(name="set")
async def set_(
    campaign: str,
    name: str,
    /,
    *,
    given: ListOptions = _NOTHING,
    rename: Rename = None,
    options: Writing = _WRITING,
) -> None:
    """Change a list; what is not named stays. A running engine follows at once.

    Example: `dialler list set spring hospitals --weight 30 --no-to-dial`
    """
    body = changes(_body(given), rename, noun="list")
    async with connected(options) as api:
        changed = await api.patch(_path(campaign, name), body)
    print_done(changed, options.json, f"list {changed['name']} of {changed['campaign']} is changed")


@app.command(name="list")
async def list_(
    campaign: str | None = None,
    /,
    *,
    name: Annotated[str | None, Parameter(help="Only those with this in their name.")] = None,
    options: Reading = _READING,
) -> None:
    """List the lists of a campaign, or of all. The percentage is of its campaign's calls.

    Example: `dialler list list spring`
    """
    async with connected(options) as api:
        page = await api.get("/lists", campaign=campaign, name=name)
    if options.json:
        print_json(page)
    else:
        empty = "no lists yet: `dialler list create CAMPAIGN NAME`" if name is None else "no list is named like that"
        print_table(page["items"], _COLUMNS, empty=empty, spare=_SPARE)


@app.command
async def show(campaign: str, name: str, /, *, options: Reading = _READING) -> None:
    """Show a list, with its strategy's order and redial rules.

    Example: `dialler list show spring hospitals`
    """
    async with connected(options) as api:
        found = await api.get(_path(campaign, name))
    if options.json:
        print_json(found)
    else:
        print_fields(found)


@app.command
async def delete(campaign: str, name: str, /, *, options: Writing = _WRITING) -> None:
    """Delete a list and its leads; sessions stay. It must not be to dial.

    Example: `dialler list delete spring hospitals`
    """
    async with connected(options) as api:
        answer = await api.delete(_path(campaign, name))
    print_done(answer, options.json, f"list {name} of {campaign} is deleted")


def _path(campaign: str, name: str) -> str:
    return f"/campaigns/{segment(campaign)}/lists/{segment(name)}"


def _body(given: ListOptions) -> dict[str, object]:
    return {key: None if value == "none" else value for key, value in asdict(given).items() if value is not None}
