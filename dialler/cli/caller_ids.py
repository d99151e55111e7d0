"""dialler callerid ..."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import connected, segment
from dialler.cli.dnc import Region
from dialler.cli.options import Given, Reading, Writing
from dialler.cli.printing import print_done, print_fields, print_json, print_line, print_table
from dialler.cli.uploading import chunks_of, source_of
from dialler.errors import UsageError

app = App(name="callerid", help="Pools of caller ids: the numbers that campaigns show to those called.")

_READING, _WRITING = Reading(), Writing()
_SPANS = {
    "today.calls": "today",
    "today.answer_rate": "answered",
    "days_7.calls": "7 days",
    "days_7.answer_rate": "answered in 7",
    "days_30.calls": "30 days",
    "days_30.answer_rate": "answered in 30",
}
_POOLS = {"name": "pool", "numbers": "numbers", "states.free": "free", "states.off": "off", **_SPANS}
_NUMBERS = {"number": "number", "state": "state", "areas": "areas", "trunks": "trunks", **_SPANS, "is_low": "low"}
_OFF = {"off_until": "off until", "off_reason": "because"}
_SPARE = ("days_30.calls", "days_30.answer_rate", "trunks", "today.answer_rate")

Count = Annotated[Given[int | Literal["none"]], Parameter(help='Calls of a number a day at most; "none" for no own.')]
Rest = Annotated[
    Given[timedelta | Literal["none"]],
    Parameter(help='The least time between the beginnings of two calls of a number, such as 90s; "none" for no own.'),
]
Areas = Annotated[
    tuple[str, ...], Parameter(name="--area", help='Where it is local, such as +1312 or US-IL; "none" for nowhere.')
]
Trunks = Annotated[
    tuple[str, ...], Parameter(name="--trunk", help='A trunk it may be shown on; "none" for all of them.')
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PoolOptions:
    """Settings of a pool; None for what is not given."""

    timezone: Annotated[str | None, Parameter(help="Whose local days the calls a day are counted by.")] = None
    when_none: Annotated[
        Given[Literal["wait", "any"]],
        Parameter(help="Where no number is left for a call: it waits, or takes any other that is free."),
    ] = None
    per_day: Count = None
    rest: Rest = None
    rest_low: Annotated[
        Given[timedelta | Literal["none"]],
        Parameter(help="How long a number is off by itself that is answered less than the others, such as 3d."),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class NumberOptions:
    """What a number may be used for; nothing for what is not given."""

    area: Areas = ()
    trunk: Trunks = ()
    per_day: Count = None
    rest: Rest = None


_POOL, _NUMBER = PoolOptions(), NumberOptions()


@app.command
async def create(pool: str, /, *, given: PoolOptions = _POOL, options: Writing = _WRITING) -> None:
    """Create a pool, without numbers.

    Example: `dialler callerid create us --timezone America/Chicago --per-day 100 --rest 60s`
    """
    async with connected(options) as api:
        made = await api.post("/caller-id-pools", {"name": pool, **_pool_body(given)})
    print_done(made, options.json, f"caller-id pool {made['name']} is created; dialler callerid add {made['name']} ...")


@app.command(name="list")
async def list_(*, options: Reading = _READING) -> None:
    """List the pools, and how their calls are answered.

    Example: `dialler callerid list --json`
    """
    async with connected(options) as api:
        page = await api.get("/caller-id-pools")
    if options.json:
        print_json(page)
    else:
        print_table(page["items"], _POOLS, empty="no caller-id pools", spare=_SPARE)


@app.command
async def show(pool: str, number: str | None = None, /, *, options: Reading = _READING) -> None:
    """Show a pool with its numbers, or one of them day by day.

    Example: `dialler callerid show us`
    """
    path = f"/caller-id-pools/{segment(pool)}" + ("" if number is None else f"/numbers/{segment(number)}")
    async with connected(options) as api:
        found = await api.get(path)
    if options.json:
        print_json(found)
        return
    print_fields(found, leave_out=["items", "days"])
    if number is None:
        print_line()
        columns = _NUMBERS | (_OFF if any(each["state"] == "off" for each in found["items"]) else {})
        # One that was off and is on again keeps why that was, which nobody asks for here.
        rows = [each if each["state"] == "off" else each | dict.fromkeys(_OFF) for each in found["items"]]
        print_table(rows, columns, empty="no numbers", spare=_SPARE)


@app.command
async def add(
    pool: str,
    /,
    *numbers: str,
    file: Annotated[
        str | None, Parameter(help='A delimited text file with a column `number`; "-" is standard input.')
    ] = None,
    given: NumberOptions = _NUMBER,
    region: Region = None,
    update: Annotated[bool, Parameter(help="Numbers that are there already get what is given.")] = False,
    options: Writing = _WRITING,
) -> None:
    """Add numbers to a pool, or those of a file: all, or none.

    Example: `dialler callerid add us +13125550101 +13125550102 --area +1312 --area US-IL`
    """
    if bool(numbers) == (file is not None):
        raise UsageError("expected numbers, or --file with them")
    path, params = f"/caller-id-pools/{segment(pool)}/numbers", {"region": region, "update": "true" if update else None}
    fields = _number_body(given)
    if file is not None and fields:
        raise UsageError("--file: its columns say what numbers may be used for")
    answer: dict[str, Any] = {}
    async with connected(options) as api:
        if file is None:
            answer = await api.post(path, {"numbers": [{"number": each, **fields} for each in numbers]}, **params)
        else:
            with source_of(file) as source:
                await api.upload(f"{path}/import", params, chunks_of(source, file), answer.update)
    print_done(answer, options.json, f"{answer['added']} added, {answer['updated']} updated")


@app.command(name="set")
async def set_(
    pool: str,
    number: str | None = None,
    /,
    *,
    given: PoolOptions = _POOL,
    area: Areas = (),
    trunk: Trunks = (),
    off: Annotated[str | None, Parameter(help="Switch the number off, and why.")] = None,
    until: Annotated[Given[datetime], Parameter(help="Until when it is off, with offset.")] = None,
    on: Annotated[bool, Parameter(help="Switch it on again.")] = False,
    options: Writing = _WRITING,
) -> None:
    """Change a pool, or one of its numbers; a running engine follows at once.

    Example: `dialler callerid set us +13125550101 --off "marked as spam"`
    """
    path = f"/caller-id-pools/{segment(pool)}"
    if number is None:
        if area or trunk or off is not None or until is not None or on:
            raise UsageError("--area, --trunk, --off, --until and --on are of a number: name it behind the pool")
        body = _pool_body(given)
    else:
        if given.timezone is not None or given.when_none is not None or given.rest_low is not None:
            raise UsageError("--timezone, --when-none and --rest-low are of the whole pool: name no number")
        if on and off is not None:
            raise UsageError("expected --on or --off, not both")
        path += f"/numbers/{segment(number)}"
        body = _number_body(NumberOptions(area=area, trunk=trunk, per_day=given.per_day, rest=given.rest))
        if on or off is not None:
            body["off_reason"] = off
        if until is not None:
            body["off_until"] = until.isoformat()
    if not body:
        raise UsageError("nothing to set: name an option, see `dialler callerid set --help`")
    async with connected(options) as api:
        answer = await api.patch(path, body)
    print_done(answer, options.json, f"{number or f'caller-id pool {pool}'} is changed")


@app.command
async def remove(pool: str, number: str, /, *, options: Writing = _WRITING) -> None:
    """Take a number out of a pool; what its calls did stays.

    Example: `dialler callerid remove us +13125550101`
    """
    async with connected(options) as api:
        answer = await api.delete(f"/caller-id-pools/{segment(pool)}/numbers/{segment(number)}")
    print_done(answer, options.json, f"{answer['removed']['number']} is removed")


@app.command
async def delete(pool: str, /, *, options: Writing = _WRITING) -> None:
    """Delete a pool. No campaign may name it.

    Example: `dialler callerid delete us`
    """
    async with connected(options) as api:
        answer = await api.delete(f"/caller-id-pools/{segment(pool)}")
    print_done(answer, options.json, f"caller-id pool {pool} is deleted")


def _pool_body(given: PoolOptions) -> dict[str, object]:
    body = {key: value for key, value in asdict(given).items() if key in ("timezone", "when_none") and value}
    body |= _limits(given.per_day, given.rest)
    if body.get("rest_s", 0) is None:
        body["rest_s"] = 0
    if given.rest_low is not None:
        body["rest_low_s"] = int(given.rest_low.total_seconds()) if isinstance(given.rest_low, timedelta) else None
    return body


def _number_body(given: NumberOptions) -> dict[str, object]:
    body = _limits(given.per_day, given.rest)
    for key, values in (("areas", given.area), ("trunks", given.trunk)):
        if values:
            body[key] = [] if values == ("none",) else list(values)
    return body


def _limits(per_day: int | str | None, rest: timedelta | str | None) -> dict[str, object]:
    body: dict[str, object] = {}
    if per_day is not None:
        body["calls_per_day_max"] = None if per_day == "none" else per_day
    if isinstance(rest, timedelta):
        body["rest_s"] = int(rest.total_seconds())
    elif rest is not None:
        body["rest_s"] = None
    return body
