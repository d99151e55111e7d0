"""What other rules would make of leads, as `strategy set`, `campaign set` and `list apply` print it."""

from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import Parameter

from dialler.cli.printing import print_json, print_line

DryRun = Annotated[
    bool, Parameter(negative="", help="Change nothing; say how many leads would come back, rest longer, be exhausted.")
]
_SAID = {
    "comes_back": "come back",
    "rests_longer": "rest longer",
    "rests_less": "rest less",
    "exhausted": "are exhausted",
}


def print_preview(document: Mapping[str, Any], *, as_json: bool, nothing: str = "none") -> None:
    """Print what a change would do; `nothing` is what a setting without a value means."""
    if as_json:
        print_json(document)
        return
    for key, (was, will) in document["changes"].items():
        old, new = (nothing if value is None else value for value in (was, will))
        print_line(f"{key}: {old} -> {new}")
    if not document["changes"]:
        print_line("nothing would change")
    elif not document["replan"]["lists"]:
        print_line("no lead would have another turn: redial rules and limits of attempts stay, or no list has them")
    print_replan(document["replan"])
    print_line("trial run, nothing is changed")


def print_replan(replan: Mapping[str, Any]) -> None:
    """Print what leads would have another turn; nothing where no list has other rules."""
    if not replan["lists"]:
        return
    told = ", ".join(f"{replan[key]} {said}" for key, said in _SAID.items())
    print_line(f"lists {', '.join(replan['lists'])}: of {replan['looked_at']} leads looked at {told}")
    if replan["is_partial"]:
        print_line(f"there are {replan['leads']} leads; no more were looked at")
    if replan["in_call"]:
        print_line(f"{replan['in_call']} in a call are planned by the new rules when it ends")
