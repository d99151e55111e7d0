"""dialler filter ... and dialler columns ..., and the options by which other commands use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from dialler.cli.connection import Connection, connected, segment
from dialler.cli.options import Given, Reading, Writing
from dialler.cli.printing import print_done, print_json, print_line, print_table

app = App(name="filter", help="Filters: what they may name, and those that you saved.")
columns_app = App(name="columns", help="Columns: which ones you see in a view, and in which order.")

_READING, _WRITING = Reading(), Writing()

Noun = Literal["leads", "sessions"]
View = Literal["campaign-leads", "list-leads", "sessions", "successes"]

FilterText = Annotated[
    str | None,
    Parameter(help='Such as: last_contacted >= 2026-11-01 and not completed and data.merchant = "Acme".'),
]
ColumnsOption = Annotated[
    str | None,
    Parameter(name="--columns", help="Columns in order, by commas; else those you chose for the view."),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Filters:
    """Of commands that take a filter."""

    saved: Annotated[str | None, Parameter(help="A filter that you saved, by its name.")] = None
    zone: Annotated[str | None, Parameter(help="Zone of days in the filter; else that of --campaign, else UTC.")] = None

    def params(self, text: str | None) -> Mapping[str, Any]:
        """Return what the API is told; nothing where no filter was given."""
        given = {"filter": text, "saved": self.saved, "zone": self.zone}
        return {key: value for key, value in given.items() if value is not None}


async def columns_of(
    api: Connection, view: str | None, said: str | None, *, is_asked: bool = True
) -> Sequence[str] | None:
    """Return the columns to show: those said, else the user's own, else the view's where `is_asked`; None: the
    command's own."""
    if said is not None:
        return [column.strip() for column in said.split(",") if column.strip()]
    if view is None:
        return None
    answer = await api.get(f"/me/columns/{view}")
    return answer["columns"] if is_asked or not answer["is_default"] else None


def headed(columns: Sequence[str], headings: Mapping[str, str]) -> dict[str, str]:
    """Return columns with their headings."""
    return {
        column: headings.get(column, column.removeprefix("data.").removesuffix("_at").replace("_", " "))
        for column in columns
    }


@app.command
async def save(name: str, text: str, /, *, of: Noun = "leads", options: Writing = _WRITING) -> None:
    """Save a filter under a name of yours.

    Example: `dialler filter save gold 'list = gold and not completed'`
    """
    async with connected(options) as api:
        saved = await api.put(f"/filters/{of}/{segment(name)}", {"filter": text})
    print_done(saved, options.json, f"filter {saved['name']} on {saved['noun']} is saved")


@app.command(name="list")
async def list_(*, of: Given[Noun] = None, options: Reading = _READING) -> None:
    """List the filters that you saved.

    Example: `dialler filter list`
    """
    async with connected(options) as api:
        page = await api.get("/filters", noun=of)
    if options.json:
        print_json(page)
        return
    headings = {"noun": "of", "name": "name", "filter": "filter", "saved_at": "saved"}
    print_table(page["items"], headings, empty="no filter is saved yet", spare=("saved_at",))


@app.command
async def delete(name: str, /, *, of: Noun = "leads", options: Writing = _WRITING) -> None:
    """Forget a filter that you saved.

    Example: `dialler filter delete gold`
    """
    async with connected(options) as api:
        answer = await api.delete(f"/filters/{of}/{segment(name)}")
    print_done(answer, options.json, f"filter {name} on {of} is deleted")


@app.command
def fields(of: Noun = "leads", /, *, options: Reading = _READING) -> None:
    """List the fields that a filter may name, and how each may be compared.

    Example: `dialler filter fields sessions`
    """
    from dialler.domain.filter_fields import LEAD_FIELDS, SESSION_FIELDS
    from dialler.domain.filter_text import comparisons

    known = LEAD_FIELDS if of == "leads" else SESSION_FIELDS
    items = [
        {"field": name, "kind": field.kind.value, "compare": comparisons(field), "values": list(field.choices)}
        for name, field in known.fields.items()
    ]
    data = known.find("data.NAME")
    assert data is not None
    items.append({"field": "data.NAME", "kind": data[1].kind.value, "compare": comparisons(data[1]), "values": []})
    if options.json:
        print_json({"items": items})
    else:
        print_table(items, {"field": "field", "kind": "is a", "compare": "compare", "values": "values"}, empty="")


@columns_app.command(name="show")
async def show_columns(view: View, /, *, options: Reading = _READING) -> None:
    """Show the columns that you see in a view, and those there are.

    Example: `dialler columns show sessions`
    """
    async with connected(options) as api:
        answer = await api.get(f"/me/columns/{view}")
    _tell(answer, options)


@columns_app.command(name="set")
async def set_columns(view: View, column: str, /, *more: str, options: Writing = _WRITING) -> None:
    """Choose the columns of a view, in their order.

    Example: `dialler columns set list-leads lead_id name last_outcome data.merchant`
    """
    async with connected(options) as api:
        answer = await api.put(f"/me/columns/{view}", {"columns": [column, *more]})
    _tell(answer, options)


@columns_app.command(name="reset")
async def reset_columns(view: View, /, *, options: Writing = _WRITING) -> None:
    """Go back to a view's own columns.

    Example: `dialler columns reset list-leads`
    """
    async with connected(options) as api:
        answer = await api.delete(f"/me/columns/{view}")
    _tell(answer, options)


def _tell(answer: Mapping[str, Any], options: Reading | Writing) -> None:
    if options.json:
        print_json(answer)
        return
    print_line(f"{answer['view']}: {', '.join(answer['columns'])}{' (the default)' if answer['is_default'] else ''}")
    print_line(f"there are: {', '.join(answer['known'])}")
