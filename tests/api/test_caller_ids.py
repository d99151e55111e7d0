"""Pools of caller ids over the API: their settings, their numbers, and what is refused whole."""

import httpx

from tests.support.desks import FakeEngine

POOL = "/caller-id-pools/us"


async def test_a_pool_and_its_numbers_are_made_changed_and_deleted_and_the_engine_follows(
    engine_api: httpx.AsyncClient, engine: FakeEngine
) -> None:
    made = await engine_api.post("/caller-id-pools", json={"name": "us", "timezone": "US/Central", "rest_s": 30})
    assert made.status_code == 201
    assert (made.json()["timezone"], made.json()["rest_s"], made.json()["numbers"]) == ("America/Chicago", 30, 0)
    wanted = {"numbers": [{"number": "312 555 0101", "areas": ["+1312", "US-IL"]}]}
    added = await engine_api.post(f"{POOL}/numbers", json=wanted, params={"region": "US"})
    assert (added.status_code, added.json()["numbers"]) == (200, ["+13125550101"])
    file = "number;areas;calls_per_day_max\n+13125550102;+1312 +1773;40\n"
    assert (await engine_api.post(f"{POOL}/numbers/import", content=file)).json()["added"] == 1
    shown = (await engine_api.get(POOL)).json()
    assert [(each["number"], each["areas"], each["calls_per_day_max"]) for each in shown["items"]] == [
        ("+13125550101", ["+1312", "US-IL"], None),
        ("+13125550102", ["+1312", "+1773"], 40),
    ]
    off = await engine_api.patch(f"{POOL}/numbers/+13125550102", json={"off_reason": "marked as spam"})
    assert (off.json()["state"], off.json()["free_at"]) == ("off", None)
    assert (await engine_api.get(POOL)).json()["states"] == {"free": 1, "resting": 0, "capped": 0, "off": 1}
    assert (await engine_api.get(f"{POOL}/numbers/+13125550102")).json()["days"] == []
    assert len(engine.followed) == 3
    assert (await engine_api.delete(f"{POOL}/numbers/+13125550102")).status_code == 200
    assert (await engine_api.delete(POOL)).status_code == 200
    assert (await engine_api.get(POOL)).status_code == 404


async def test_of_numbers_with_a_mistake_none_is_added_and_each_mistake_is_named(api: httpx.AsyncClient) -> None:
    await api.post("/caller-id-pools", json={"name": "us"})
    file = "number,areas,rest_s\n+13125550101,+1312,\n12,,\n+13125550103,Chicago,\n+13125550104,,soon\n"
    refused = await api.post(f"{POOL}/numbers/import", content=file)
    assert refused.status_code == 422 and "row 5: rest_s 'soon'" in refused.text
    refused = await api.post(f"{POOL}/numbers/import", content=file.replace("soon", "60"))
    assert refused.status_code == 422
    assert "row 3, number '12'" in refused.text and "row 4, number '+13125550103': area 'Chicago'" in refused.text
    assert (await api.get(POOL)).json()["numbers"] == 0


async def test_a_number_is_of_one_pool_and_a_campaigns_pool_stays(api: httpx.AsyncClient) -> None:
    one = {"numbers": [{"number": "+13125550101"}]}
    for name in ("us", "eu"):
        await api.post("/caller-id-pools", json={"name": name})
    await api.post(f"{POOL}/numbers", json=one)
    for pool in ("us", "eu"):
        again = await api.post(f"/caller-id-pools/{pool}/numbers", json=one)
        assert again.status_code == 409 and "+13125550101 is in" in again.text
    campaign = {"name": "pooled", "pacing": "agentless", "caller_id_pool": "none there"}
    assert (await api.post("/campaigns", json=campaign)).status_code == 404
    assert (await api.post("/campaigns", json=campaign | {"caller_id_pool": "us"})).status_code == 201
    refused = await api.delete(POOL)
    assert refused.status_code == 409 and "'pooled'" in refused.text


async def test_a_number_is_not_switched_off_until_a_moment_that_no_calendar_has(api: httpx.AsyncClient) -> None:
    await api.post("/caller-id-pools", json={"name": "us"})
    await api.post(f"{POOL}/numbers", json={"numbers": [{"number": "+13125550101"}]})
    number = f"{POOL}/numbers/+13125550101"
    for moment, said in (("9999-12-31T23:59:59-14:00", "of the years 1 to 9999"), ("2020-01-01T00:00Z", "to come")):
        refused = await api.patch(number, json={"off_reason": "spam", "off_until": moment})
        assert (refused.status_code, said in refused.text) == (422, True), refused.text
    done = await api.patch(number, json={"off_reason": "spam", "off_until": "2026-12-01T00:00:00-05:00"})
    assert done.json()["off_until"] == "2026-12-01T05:00:00+00:00"
