"""docs/metrics.md has every metric, in the code's words, and no other."""

import re
from pathlib import Path

from dialler.metrics import METRICS

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(dialler_\w+)` \| (\w+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def test_the_table_is_that_of_the_code_in_both_directions() -> None:
    told = [
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)), text)
        for name, kind, labels, text, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))
    ]
    assert told == [tuple(row) for row in METRICS]


def test_each_metric_has_the_unit_that_its_name_says() -> None:
    units = {name: unit for name, _, _, _, unit in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    assert {name for name, unit in units.items() if unit == "seconds"} == {
        name for name in units if name.endswith("_seconds")
    }
    assert all(unit == "0 or 1" for name, unit in units.items() if name.endswith("_up"))


def test_every_metric_that_the_page_speaks_of_is_in_its_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    spoken = set(re.findall(r"dialler_[a-z_]*[a-z]", page))
    assert spoken == {row.name for row in METRICS}
