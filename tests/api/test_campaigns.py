"""Campaigns and lists over the API."""

import httpx

from dialler.stores.memory import MemoryStore
from tests.support.desks import FakeEngine

SPRING = {
    "name": "spring",
    "timezone": "us/eastern",
    "hours": "mon-fri 09:00-20:00",
    "pacing": "agentless",
    "message": "acme/news",
}


async def test_a_created_campaign_is_stopped_and_reads_back_as_it_was_said(api: httpx.AsyncClient) -> None:
    made = await api.post("/campaigns", json={**SPRING, "holidays": "US-TX", "weight": 200})
    assert made.status_code == 201
    shown = (await api.get("/campaigns/spring")).json()
    assert shown == made.json()
    assert shown["desired"] == "stopped"
    assert shown["timezone"] == "America/New_York"
    assert (shown["hours"], shown["holidays"], shown["holiday_hours"]) == ("mon-fri 09:00-20:00", "US-TX", "none")
    assert shown["weight"] == 200
    assert shown["created_at"] == "2026-06-03T15:30:00+00:00"
    assert (await api.get("/campaigns")).json() == {"items": [shown], "next": None}


async def test_without_a_word_on_pacing_a_campaign_takes_agents_only_if_it_has_a_queue(api: httpx.AsyncClient) -> None:
    alone = await api.post("/campaigns", json={"name": "message"})
    served = await api.post("/campaigns", json={"name": "sales", "queue": "sales"})
    said = await api.post("/campaigns", json={"name": "later", "pacing": "ratio"})
    assert [each.json()["pacing"] for each in (alone, served, said)] == ["agentless", "progressive", "ratio"]


async def test_a_change_leaves_alone_what_it_does_not_name(api: httpx.AsyncClient) -> None:
    before = (await api.post("/campaigns", json={**SPRING, "holidays": "US", "queue": "sales"})).json()
    after = (await api.patch("/campaigns/spring", json={"hours": "sat 10:00-14:00", "queue": None})).json()
    assert after == {**before, "hours": "sat 10:00-14:00", "queue": None, "version": 2}


async def test_another_pacing_does_not_take_the_settings_of_the_one_before(
    engine_api: httpx.AsyncClient,
) -> None:
    ratio = {**SPRING, "queue": "sales", "pacing": "ratio", "pacing_settings": {"ratio": 2}}
    await engine_api.post("/campaigns", json=ratio)
    await engine_api.post("/campaigns/spring/start")
    for pacing in ("predictive", "progressive", "preview"):
        changed = await engine_api.patch("/campaigns/spring", json={"pacing": pacing})
        assert (changed.status_code, changed.json()["pacing_settings"]) == (200, {}), changed.text
    back = {"pacing": "ratio", "pacing_settings": {"ratio": 3}}
    assert (await engine_api.patch("/campaigns/spring", json=back)).json()["pacing_settings"] == {"ratio": 3}
    same = (await engine_api.patch("/campaigns/spring", json={"pacing": "ratio"})).json()
    assert same["pacing_settings"] == {"ratio": 3}
    first = (await engine_api.get("/audit", params={"what": "campaign.set"})).json()["items"][-1]
    assert first["before"] == {"pacing": "ratio", "pacing_settings": {"ratio": 2}}
    assert first["after"] == {"pacing": "predictive", "pacing_settings": {}}


async def test_what_can_not_be_is_told_by_its_key_and_changes_nothing(api: httpx.AsyncClient) -> None:
    before = (await api.post("/campaigns", json=SPRING)).json()
    for key, value, said in [
        ("timezone", "America/Gotham", "America/Gotham"),
        ("hours", "mon-fri 9-20", "hours"),
        ("holidays", "XX", "holidays"),
        ("pacing", "magic", "magic"),
        ("pacing_settings", {"calls": 2}, "calls"),
        ("weight", 0, "weight"),
        ("queue", "two words", "two words"),
        ("attempts_max", 0, "attempts_max"),
        ("wrap_up_s", -1, "wrap_up_s must be 0 to 3600, got -1"),
        ("preview_s", 4, "preview_s must be 5 to 3600, got 4"),
        ("wrap_up_s", 3601, "wrap_up_s must be 0 to 3600, got 3601"),
        ("patience_s", 0, "patience_s must be 0.1 to 60, got 0.0"),
        ("patience_s", 61, "patience_s must be 0.1 to 60, got 61.0"),
        ("patience_from", "now", "patience_from"),
        ("harbour", "", "harbour must be the name of a sound"),
        ("attempts_max", 10**16, "attempts_max must be 1 to 1000000, got 10000000000000000"),
        ("attempts_per_day_max", 10**16, "attempts_per_day_max must be 1 to 1000000"),
        ("abandon_sample_min", 10**20, "abandon_sample_min must be 1 to 1000000"),
        ("wrap_deadline_s", 604_801, "wrap_deadline_s must be 1 to 604800, got 604801"),
        ("rest_min_s", 10**16, "rest_min_s must be 0 to 316224000"),
        ("agents_priority", -1001, "agents_priority must be -1000 to 1000"),
        ("abandoned_rest_s", -1, "abandoned_rest_s must be 0 to 316224000, got -1"),
        ("amd", "maybe", "amd"),
        ("amd_unsure", "agents", "amd_unsure"),
        ("machine_sound", "a b", "machine_sound must be the name of a sound"),
        ("machine_sound", "", "machine_sound must be the name of a sound"),
        ("message", "", "message must be the name of a sound"),
        ("message_keys", {"1": "sing"}, "message_keys"),
        ("message_keys", {"12": "replay"}, "message_keys must be of the keys 0 to 9, * and #, got '12'"),
        ("message_keys", {"9": "replay"}, "key '9' is the one to opt out"),
        ("optout_key", "", "optout_key must be one of the keys 0 to 9, * and #"),
        ("optout_key", "10", "optout_key must be one of the keys 0 to 9, * and #"),
        ("optout_scope", "none", "optout_scope must be campaign, merchant or all, got 'none'"),
        ("optout_scope", "world", "optout_scope"),
        ("harbour", "../../etc/passwd", "harbour must be the name of a sound"),
        ("machine_sound", "dlr/beep&dlr/..", "machine_sound must be the name of a sound"),
        ("harbour", "a,b", "harbour must be the name of a sound"),
        ("abandon_limit", 0, "abandon_limit"),
        ("abandon_limit", 3, "abandon_limit"),
        ("abandon_periods", ["week"], "abandon_periods"),
        ("abandon_sample_min", 0, "abandon_sample_min"),
        ("abandon_over", "pray", "abandon_over"),
        ("amd_false_positives", 2, "amd_false_positives"),
        ("no_such_key", 1, "no_such_key"),
    ]:
        answer = await api.patch("/campaigns/spring", json={key: value})
        assert (answer.status_code, answer.json()["kind"]) == (422, "usage"), key
        assert said in answer.json()["error"]
    assert (await api.get("/campaigns/spring")).json() == before


async def test_a_campaign_is_found_by_id_too_and_a_missing_one_is_told_with_those_there_are(
    api: httpx.AsyncClient,
) -> None:
    await api.post("/campaigns", json=SPRING)
    assert (await api.get("/campaigns/1")).json()["name"] == "spring"
    missing = await api.get("/campaigns/autumn")
    assert missing.status_code == 404
    assert missing.json()["kind"] == "not_found"
    assert "'autumn'; there is spring" in missing.json()["error"]


async def test_a_taken_name_is_a_conflict(api: httpx.AsyncClient) -> None:
    await api.post("/campaigns", json=SPRING)
    again = await api.post("/campaigns", json=SPRING)
    assert (again.status_code, again.json()["kind"]) == (409, "conflict")


async def test_start_is_written_with_who_wanted_it_and_the_engine_has_followed_before_the_answer(
    engine_api: httpx.AsyncClient, engine: FakeEngine, store: MemoryStore
) -> None:
    await engine_api.post("/campaigns", json=SPRING)
    answer = await engine_api.post("/campaigns/spring/start", headers={"x-dialler-who": "ann"})
    assert answer.status_code == 200
    assert (answer.json()["desired"], answer.json()["actual"]) == ("running", "running")
    assert engine.followed[-1] == {"spring": "running"}
    stopped = (await engine_api.post("/campaigns/spring/stop")).json()
    assert (stopped["desired"], stopped["actual"]) == ("stopped", "stopped")
    audit = store._desk.link.rows("SELECT who, what FROM audit ORDER BY 1, 2")
    assert ("socket:ann", "campaign.start") in [tuple(row) for row in audit]


async def test_without_an_engine_a_start_is_written_down_for_the_next_one(api: httpx.AsyncClient) -> None:
    await api.post("/campaigns", json=SPRING)
    answer = (await api.post("/campaigns/spring/start")).json()
    assert (answer["desired"], answer["actual"]) == ("running", None)
    assert "dialler run" in answer["limits"][0]


async def test_a_campaign_that_could_not_place_a_call_does_not_start(engine_api: httpx.AsyncClient) -> None:
    await engine_api.post("/campaigns", json={**SPRING, "pacing": "progressive"})
    no_queue = await engine_api.post("/campaigns/spring/start")
    assert no_queue.status_code == 409
    assert "queue" in no_queue.json()["error"]
    await engine_api.patch("/campaigns/spring", json={"queue": "sales", "trunks": ["trunk-z"]})
    no_trunk = await engine_api.post("/campaigns/spring/start")
    assert no_trunk.status_code == 409
    assert "'trunk-z'" in no_trunk.json()["error"]
    assert "trunk-a" in no_trunk.json()["error"]
    assert (await engine_api.get("/campaigns/spring")).json()["desired"] == "stopped"
    await engine_api.patch("/campaigns/spring", json={"trunks": ["trunk-a"]})
    assert (await engine_api.post("/campaigns/spring/start")).status_code == 200


async def test_a_campaign_that_would_let_people_hear_silence_does_not_start(engine_api: httpx.AsyncClient) -> None:
    await engine_api.post("/campaigns", json={**SPRING, "message": None})
    silent = await engine_api.post("/campaigns/spring/start")
    assert (silent.status_code, silent.json()["kind"]) == (409, "conflict")
    assert "pacing agentless plays a message to those who answer, and the campaign has none" in silent.json()["error"]
    keys = {"message": "acme/news", "message_keys": {"1": "queue"}}
    assert (await engine_api.patch("/campaigns/spring", json=keys)).json()["message_keys"] == {"1": "queue"}
    no_queue = await engine_api.post("/campaigns/spring/start")
    assert "key 1 of its message leads to an agent, and the campaign has no queue" in no_queue.json()["error"]
    await engine_api.patch("/campaigns/spring", json={"queue": "sales"})
    assert (await engine_api.post("/campaigns/spring/start")).status_code == 200


async def test_a_running_campaign_can_not_be_set_to_what_could_not_run(engine_api: httpx.AsyncClient) -> None:
    await engine_api.post("/campaigns", json=SPRING)
    await engine_api.post("/campaigns/spring/start")
    assert (await engine_api.patch("/campaigns/spring", json={"pacing": "progressive"})).status_code == 409
    assert (await engine_api.get("/campaigns/spring")).json()["pacing"] == "agentless"


async def test_an_unknown_command_is_wrong_usage(api: httpx.AsyncClient) -> None:
    await api.post("/campaigns", json=SPRING)
    assert (await api.post("/campaigns/spring/explode")).status_code == 422


async def test_a_list_is_created_changed_renamed_and_deleted(engine_api: httpx.AsyncClient, engine: FakeEngine) -> None:
    await engine_api.post("/campaigns", json=SPRING)
    redial = {"BUSY": {"rests": ["5m", "1h"], "in_a_row_max": 2}}
    await engine_api.post("/strategies", json={"name": "busy", "redial": redial})
    await engine_api.post("/strategies", json={"name": "newest first", "order": "newest"})
    made = await engine_api.post("/campaigns/spring/lists", json={"name": "east", "weight": 70, "strategy": "busy"})
    assert made.status_code == 201
    shown = (await engine_api.get("/campaigns/spring/lists/east")).json()
    assert shown == made.json()
    assert (shown["weight"], shown["to_dial"], shown["order"], shown["campaign"]) == (70, True, "oldest", "spring")
    assert shown["redial"]["BUSY"]["rests"] == ["5m", "1h"]
    refused = await engine_api.delete("/campaigns/spring/lists/east")
    assert (refused.status_code, refused.json()["kind"]) == (409, "conflict")
    follows = len(engine.followed)
    changed = await engine_api.patch(
        "/campaigns/spring/lists/east",
        json={"name": "far east", "weight": 30, "to_dial": False, "strategy": "newest first"},
    )
    assert len(engine.followed) == follows + 1
    assert changed.json() == {
        **shown,
        "name": "far east",
        "weight": 30,
        "percentage": None,
        "to_dial": False,
        "strategy": "newest first",
        "order": "newest",
        "redial": {},
        "replanning": {"replanned": 0, "leads": 0},
    }
    assert [item["name"] for item in (await engine_api.get("/lists?campaign=spring")).json()["items"]] == ["far east"]
    assert (await engine_api.delete("/campaigns/spring/lists/far%20east")).status_code == 200
    assert (await engine_api.get("/lists")).json()["items"] == []


async def test_wrong_lists_are_told_by_their_key(api: httpx.AsyncClient) -> None:
    await api.post("/campaigns", json=SPRING)
    for body, said in [
        ({"name": "a", "weight": 10_001}, "weight"),
        ({"name": "a/b"}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a", "strategy": "best"}, "strategy: there is no dialler strategy 'best'; there is standard"),
        ({"name": "a", "strategy": None}, "to_dial"),
        ({"name": "a", "start": "soon"}, "start"),
        ({"name": "a", "start": "2026-07-02", "end": "2026-07-01"}, "end must be later"),
        ({"name": "a", "lead_days": 0}, "lead_days"),
    ]:
        answer = await api.post("/campaigns/spring/lists", json=body)
        assert (answer.status_code, answer.json()["kind"]) == (422, "usage")
        assert said in answer.json()["error"]
    assert (await api.get("/lists")).json()["items"] == []
