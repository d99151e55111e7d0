"""dialler audit ..."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from dialler.cli.connection import connected
from dialler.cli.exports import FormatOption, write_out
from dialler.cli.options import Given, Paging, Reading
from dialler.cli.printing import print_json, print_table, shown
from dialler.cli.sessions import tell_next

app = App(name="audit", help="The audit: who changed what, when, and what it was before and after.")

_READING, _PAGING = Reading(), Paging()
_COLUMNS = {"at": "at", "who": "who", "what": "what", "about": "about", "change": "change", "audit_id": "entry"}
_SPARE = ("audit_id", "about")
_CHANGE_CHARS: Final = 160
"""Of a change, in a table; --json has all of it."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Which:
    """Which entries."""

    what: Annotated[str | None, Parameter(help='How its name begins: "lead." for all changes of leads.')] = None
    who: Annotated[str | None, Parameter(help="Who did it: a user, or a token's name.")] = None
    lead: Annotated[Given[int], Parameter(help="Of one lead.")] = None
    since: Annotated[str | None, Parameter(name="--from", help="From this date or moment on.")] = None
    until: Annotated[str | None, Parameter(name="--to", help="Up to this date, or moment.")] = None
    zone: Annotated[str | None, Parameter(help="Zone of dates, and of moments without an offset; else UTC.")] = None

    def params(self) -> Mapping[str, Any]:
        """Return what the API is told."""
        return {
            "what": self.what,
            "who": self.who,
            "lead": self.lead,
            "from": self.since,
            "to": self.until,
            "zone": self.zone,
        }


_WHICH = Which()


@app.default
async def audit(*, which: Which = _WHICH, paging: Paging = _PAGING, options: Reading = _READING) -> None:
    """List who changed what, newest first.

    Example: `dialler audit --lead 17`, `dialler audit --what list. --from 2026-11-01`
    """
    async with connected(options) as api:
        page = await api.pages("/audit", limit=0 if paging.all else paging.limit, after=paging.after, **which.params())
    if options.json:
        print_json(page)
        return
    items = [{**entry, "about": _about(entry), "change": _change(entry)} for entry in page["items"]]
    print_table(items, _COLUMNS, empty="no such entries", spare=_SPARE)
    tell_next(page["next"])


@app.command
async def export(
    *,
    which: Which = _WHICH,
    form: FormatOption = "csv",
    after: Annotated[int, Parameter(help="Go on behind this entry: the last one that is there already.")] = 0,
    options: Reading = _READING,
) -> None:
    """Write entries out, oldest first; can be interrupted, and goes on with --after.

    Example: `dialler audit export --from 2026-11-01 --format jsonl > audit.jsonl`
    """
    await write_out("/audit/export", which.params(), form, after, options)


def _about(entry: Mapping[str, Any]) -> str:
    """Return what it was done to, as far as the entry says."""
    said = {"lead": entry["lead_id"], **entry["details"]}
    return ", ".join(f"{key} {shown(value)}" for key, value in said.items() if isinstance(value, str | int) and value)


def _change(entry: Mapping[str, Any]) -> str:
    text = "; ".join(_changes(entry["before"], entry["after"]))
    return text if len(text) <= _CHANGE_CHARS else f"{text[:_CHANGE_CHARS]}..."


def _changes(before: Any, after: Any) -> Iterator[str]:
    """Yield what changed, a text for each key."""
    if not isinstance(before or {}, Mapping) or not isinstance(after or {}, Mapping):
        yield f"{shown(before)} -> {shown(after)}"
        return
    old, new = before or {}, after or {}
    for key in {**old, **new}:
        if before is None or after is None:
            if (value := {**old, **new}[key]) not in (None, "", [], {}):
                yield f"{key} {shown(value)}"
        elif old.get(key) != new.get(key):
            yield f"{key} {shown(old.get(key))} -> {shown(new.get(key))}"
