"""dialler campaign abandons."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from cyclopts import Parameter
from cyclopts.validators import Number

from dialler.cli.connection import connected, segment
from dialler.cli.options import Reading
from dialler.cli.printing import print_json, print_line, print_table

_READING = Reading()
_RATE: Final = {
    "abandoned_said": "abandoned",
    "answered_said": "answered",
    "rate_said": "rate",
}
_PERIODS: Final = {
    "period": "period",
    "begins_at": "since",
    **_RATE,
    "limit_said": "limit",
    "room": "may still be",
    "said": "state",
}
_DAYS: Final = {
    "day": "day",
    **_RATE,
    "counts.passed": "to agents",
    "counts.passed_machine": "machines there",
    "counts.abandoned_short": "hung up first",
    "counts.machine": "AMD machines",
}
_SPARE: Final = ("begins_at",)
_DAYS_SPARE: Final = ("counts.machine", "counts.abandoned_short", "counts.passed_machine")
_STOP: Final = {"stop": "it places no call", "progressive": "it places one call for each free agent at most"}

Days = Annotated[int, Parameter(help="Also by local day, for so many days.", validator=Number(gte=0, lte=400))]


async def abandons(campaign: str, /, *, days: Days = 0, options: Reading = _READING) -> None:
    """Show how many persons who answered got no agent in time, by period, and the limit.

    Example: `dialler campaign abandons spring --days 7`
    """
    async with connected(options) as api:
        document = await api.get(f"/campaigns/{segment(campaign)}/abandons", days=days)
    if options.json:
        print_json(document)
        return
    print_table([_period_row(each) for each in document["periods"]], _PERIODS, empty="", spare=_SPARE)
    if any(each["enforced"] and each["is_over"] for each in document["periods"]):
        print_line(f"\nover the limit: {_STOP[document['over']]} where its pacing connects people to agents")
    elif any(map(_is_small, document["periods"])):
        print_line(
            f"\nover {_percent(document['limit'])} and within: while fewer than {document['sample_min']} answered,"
            " as many may be abandoned as of so many (--abandon-sample)"
        )
    if document["days"]:
        print_line()
        print_table([_row(each) for each in document["days"]], _DAYS, empty="", spare=_DAYS_SPARE)
    print_line(f"\ndays and months are those of {document['timezone']}")


def _is_small(period: Mapping[str, Any]) -> bool:
    """Tell whether a period is within its limit for its small sample alone."""
    return period["enforced"] and not period["is_over"] and (period["rate"] or 0) > period["limit"]


def _period_row(period: Mapping[str, Any]) -> Mapping[str, Any]:
    said = "OVER" if period["is_over"] else "within"
    return {
        **_row(period),
        "limit_said": _percent(period["limit"]) if period["enforced"] else None,
        "room": period["room"] if period["enforced"] else None,
        "said": said if period["enforced"] else "no limit",
    }


def _row(rate: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        **rate,
        "abandoned_said": _number(rate["abandoned"]),
        "answered_said": _number(rate["answered"]),
        "rate_said": _percent(rate["rate"]),
    }


def _number(n: float) -> float:
    return int(n) if n == int(n) else round(n, 1)  # with an estimate it need not be whole


def _percent(rate: float | None) -> str | None:
    return None if rate is None else f"{rate:.2%}"
