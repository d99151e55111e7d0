"""docs/doctor.md tells of every check, in the code's words."""

import re
from pathlib import Path

import pytest

from dialler.doctor.catalogue import CHECKS
from dialler.doctor.finding import Finding, Verdict

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"


def test_the_page_has_each_check_with_its_meaning_and_what_to_do() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(name, meaning) for name, meaning, _ in rows] == list(CHECKS.items())
    assert all(len(advice) > 10 for _, _, advice in rows)


def test_a_finding_names_a_check_and_what_to_do() -> None:
    with pytest.raises(ValueError, match="not in the catalogue"):
        Finding(check="moon", verdict=Verdict.OK, found="full")
    with pytest.raises(ValueError, match="what to do"):
        Finding(check="python", verdict=Verdict.WARN, found="old")
    with pytest.raises(ValueError, match="what was found"):
        Finding(check="python", verdict=Verdict.OK, found="")
