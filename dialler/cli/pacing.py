"""dialler campaign explain-pacing."""

from collections.abc import Mapping
from typing import Any, Final

from dialler.cli.connection import connected, segment
from dialler.cli.options import Reading
from dialler.cli.printing import calls_said, moment, plain_moments, print_json, print_line, print_table

_READING = Reading()
_BUDGET: Final = {
    "period": "period",
    "answered": "answered",
    "abandoned": "abandoned",
    "allowed": "allowed",
    "credit": "in hand",
    "limit": "limit",
}
_SHARES: Final = ("risk_next", "risk_max", "answer_rate")
"""Figures that are shares, and read better in percent."""


async def explain_pacing(campaign: str, /, *, options: Reading = _READING) -> None:
    """Say why pacing launches as many calls as it does: the last decision, and what it looked at.

    Example: `dialler campaign explain-pacing spring`
    """
    async with connected(options) as api:
        document = await api.get(f"/campaigns/{segment(campaign)}/pacing")
    if options.json:
        print_json(document)
        return
    settings = " ".join(f"{key}={value:g}" for key, value in document["settings"].items())
    print_line(f"{document['campaign']}: {document['strategy']}{' ' + settings if settings else ''}")
    if document["note"]:
        print_line(document["note"])
    if document["reason"] is not None:
        print_line(f"{moment(document['decided_at'])}: {calls_said(document['calls'])} to launch")
        print_line(f"  {document['reason']}")
    elif not document["note"]:
        print_line("no decision yet")
    for limit in document["limits"]:
        if limit != f"pacing: {document['reason']}":
            print_line(f"  limit: {plain_moments(limit)}")
    for title, counts in (("agents", document["agents"]), ("calls", document["calls_by_state"])):
        if counts:
            print_line(f"{title}: " + ", ".join(f"{n} {state}" for state, n in counts.items()))
    if document["figures"]:
        print_line("figures: " + ", ".join(f"{key} {_figure(key, n)}" for key, n in document["figures"].items()))
    if document["budget"]:
        print_line()
        print_table([_row(each) for each in document["budget"]], _BUDGET, empty="")


def _figure(key: str, value: float) -> str:
    return f"{value:.2%}" if key in _SHARES else f"{value:.4g}"


def _row(period: Mapping[str, Any]) -> Mapping[str, Any]:
    counts = {key: round(period[key], 1) for key in ("answered", "abandoned", "allowed", "credit")}
    return {**period, **counts, "limit": f"{period['limit']:.2%}"}
