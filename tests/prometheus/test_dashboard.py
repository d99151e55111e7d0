"""The dashboard: what Grafana needs of it, and what the people who look at it need."""

from pathlib import Path

import pytest

from tests.support.prometheus import Panel, dashboard, filled_in, panels, promtool

PANELS = panels()


def test_it_can_be_imported_anywhere() -> None:
    document = dashboard()
    assert (document["title"], document["uid"]) == ("Dialler", "dialler")
    assert "id" not in document, "an id belongs to one Grafana"
    variables = {variable["name"]: variable for variable in document["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    for name in ("instance", "campaign"):
        assert variables[name]["includeAll"] and variables[name]["allValue"] == ".*", name
    used = [panel.whole["datasource"] for panel in PANELS]
    used += [each["datasource"] for each in [variables["instance"], variables["campaign"]]]
    used += [each["datasource"] for each in document["annotations"]["list"]]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in used)


def test_its_rows_follow_the_day_from_the_floor_to_the_engine() -> None:
    assert list(dict.fromkeys(panel.row for panel in PANELS)) == [
        "Floor",
        "Leads and shares",
        "Outcomes and abandoned calls",
        "Trunks and exchange",
        "Engine health",
    ]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_every_panel_says_what_it_shows_and_in_which_unit(panel: Panel) -> None:
    assert panel.title and panel.unit
    assert len(panel.description) > 20 and panel.description.endswith(".")
    assert panel.queries
    assert all(target["legendFormat"] for target in panel.whole["targets"])


def test_titles_and_ids_are_there_once() -> None:
    assert len({panel.title for panel in PANELS}) == len(PANELS)
    ids = [each["id"] for each in dashboard()["panels"]]
    assert len(set(ids)) == len(ids)


def test_no_panel_lies_over_another_or_beside_the_screen() -> None:
    taken: set[tuple[int, int]] = set()
    for each in dashboard()["panels"]:
        place = each["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, each["title"]
        assert place["x"] + place["w"] <= 24, each["title"]
        taken |= cells


def test_promtool_accepts_every_query(tmp_path: Path) -> None:
    lines = ["groups:", "  - name: panels", "    rules:"]
    queries = [query for panel in PANELS for query in panel.queries]
    for place, query in enumerate(queries):
        shown = filled_in(query, rate_interval="1m", shown="3h")
        lines += [f"      - record: panel:query:number{place}", "        expr: |", f"          {shown}"]
    (tmp_path / "panels.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = promtool("check", "rules", tmp_path / "panels.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(queries)} rules found" in done.stdout
