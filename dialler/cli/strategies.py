"""dialler strategy ..."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import connected, segment
from dialler.cli.options import Given, Reading, Rename, Writing, changes
from dialler.cli.printing import print_done, print_fields, print_json, print_line, print_table
from dialler.cli.replan_preview import DryRun, print_preview
from dialler.errors import UsageError

app = App(name="strategy", help="Dialler strategies: which lead of a list goes first, by which number, and when again.")

_READING, _WRITING = Reading(), Writing()
_COLUMNS = {
    "name": "strategy",
    "version": "version",
    "order": "order",
    "numbers": "numbers",
    "attempts_max": "attempts",
    "attempts_per_day_max": "a day",
    "rest_min_s": "least rest s",
    "lists": "lists",
    "strategy_id": "id",
}
_SPARE = ("strategy_id", "rest_min_s")

Order = Annotated[
    Given[Literal["oldest", "newest", "random", "fewest_attempts", "field"]],
    Parameter(help="Which lead goes first, of equal priority."),
]
Seed = Annotated[Given[int], Parameter(help="Of the order random: the same seed gives the same order.")]
ByField = Annotated[str | None, Parameter(help="The data field of the order field.")]
Descending = Annotated[
    bool | None, Parameter(negative="--ascending", help="Of the order field: the largest first, or the smallest.")
]
Numbers = Annotated[
    Given[Literal["first", "rotate", "best"]],
    Parameter(help="Which of a lead's numbers goes first: the first, each in turn, or the one most often reached."),
]
Redial = Annotated[
    str | None,
    Parameter(help='Redial rules by outcome: a JSON or TOML file, or JSON: {"BUSY": {"rests": ["10m"]}}.'),
]
RedialByWrap = Annotated[
    str | None, Parameter(help='Redial rules by wrap code, in the same form: {"SILENT": {"rests": ["1d"]}}.')
]
AttemptsMax = Annotated[
    Given[int | Literal["campaign"]], Parameter(help='Counted attempts in all; "campaign" for the campaign\'s.')
]
AttemptsPerDay = Annotated[
    Given[int | Literal["campaign"]], Parameter(help='Counted attempts on a local day; "campaign" for the campaign\'s.')
]
RestMin = Annotated[
    Given[timedelta | Literal["campaign"]],
    Parameter(help='The least time between two attempts, such as 30m; "campaign" for the campaign\'s.'),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StrategyOptions:
    """What a strategy is made of; None for what is not given."""

    order: Order = None
    seed: Seed = None
    field: ByField = None
    descending: Descending = None
    numbers: Numbers = None
    redial: Redial = None
    redial_by_wrap: RedialByWrap = None
    attempts_max: AttemptsMax = None
    attempts_per_day: AttemptsPerDay = None
    rest_min: RestMin = None


_NOTHING = StrategyOptions()


@app.command
async def create(name: str, /, *, given: StrategyOptions = _NOTHING, options: Writing = _WRITING) -> None:
    """Create a strategy.

    Example: `dialler strategy create gentle --order fewest_attempts --attempts-per-day 1`
    """
    async with connected(options) as api:
        made = await api.post("/strategies", {"name": name, **_body(given)})
    print_done(
        made,
        options.json,
        f"strategy {made['name']} is created; give it to a list: dialler list set CAMPAIGN LIST"
        f" --strategy {made['name']}",
    )


@app.command(name="set")
async def set_(
    name: str,
    /,
    *,
    given: StrategyOptions = _NOTHING,
    rename: Rename = None,
    dry_run: DryRun = False,
    options: Writing = _WRITING,
) -> None:
    """Change a strategy: a new version. What is not named stays; a running engine follows at once.

    Leads that rest or are exhausted are planned anew by other redial rules or limits.

    Example: `dialler strategy set gentle --attempts-max 4 --dry-run`
    """
    body = changes(_body(given), rename, noun="strategy")
    if dry_run:
        async with connected(Reading(config=options.config, json=options.json)) as api:
            preview = await api.patch(f"/strategies/{segment(name)}", body, dry_run=True)
        print_preview(preview, as_json=options.json, nothing="the campaign's")
        return
    async with connected(options) as api:
        changed = await api.patch(f"/strategies/{segment(name)}", body)
    print_done(changed, options.json, f"strategy {changed['name']} is changed: version {changed['version']}")


@app.command(name="list")
async def list_(*, options: Reading = _READING) -> None:
    """List the strategies; a dash among the attempts stands for the campaign's.

    Example: `dialler strategy list`
    """
    async with connected(options) as api:
        page = await api.get("/strategies")
    if options.json:
        print_json(page)
    else:
        print_table(page["items"], _COLUMNS, empty="no strategies", spare=_SPARE)


@app.command
async def show(
    name: str,
    /,
    *,
    versions: Annotated[bool, Parameter(help="Also what it was, the newest version first.")] = False,
    options: Reading = _READING,
) -> None:
    """Show a strategy.

    Example: `dialler strategy show standard`
    """
    async with connected(options) as api:
        found = await api.get(f"/strategies/{segment(name)}")
        if versions:
            found["versions"] = (await api.get(f"/strategies/{segment(name)}/versions"))["items"]
    if options.json:
        print_json(found)
        return
    print_fields(found, leave_out=["versions"])
    for each in found.get("versions", []):
        print_line()
        print_fields(each)


@app.command
async def delete(name: str, /, *, options: Writing = _WRITING) -> None:
    """Delete a strategy. No list may refer to it.

    Example: `dialler strategy delete gentle`
    """
    async with connected(options) as api:
        answer = await api.delete(f"/strategies/{segment(name)}")
    print_done(answer, options.json, f"strategy {name} is deleted")


def _body(given: StrategyOptions) -> dict[str, object]:
    body = {key: value for key, value in asdict(given).items() if value is not None}
    for key, name in (("attempts_per_day", "attempts_per_day_max"), ("rest_min", "rest_min_s")):
        if key in body:
            body[name] = body.pop(key)
    for key in ("redial", "redial_by_wrap"):
        if key in body:
            body[key] = _rules(key, body[key])
    if isinstance(rest := body.get("rest_min_s"), timedelta):
        if rest != timedelta(seconds=int(rest.total_seconds())):
            raise UsageError(f"--rest-min: expected whole seconds, got {rest.total_seconds()}s")
        body["rest_min_s"] = int(rest.total_seconds())
    return {key: None if value == "campaign" else value for key, value in body.items()}


def _rules(key: str, said: str) -> object:
    """Return redial rules from JSON, or from a file of JSON or TOML."""
    try:
        if said.lstrip().startswith("{"):
            return json.loads(said)
        text = Path(said).read_text("utf-8")
        if said.endswith(".toml"):
            import tomllib

            return tomllib.loads(text)
        return json.loads(text)
    except (ValueError, OSError) as error:
        option = f"--{key.replace('_', '-')}"
        raise UsageError(f"{option} {said}: expected rules as JSON or in a file of JSON or TOML: {error}") from error
