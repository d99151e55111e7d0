"""What engines share, examined on real servers."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dialler.app.doctor import examine
from dialler.clock import SystemClock
from dialler.doctor.finding import Finding, Verdict
from dialler.doctor.sharing import SharingFacts, sharing
from dialler.settings import RedisSettings
from dialler.stores.redis.limits import Sharing
from telephony.port import Trunk
from tests.support.installations import ASTERISK, SIMULATED, Installation, only
from tests.support.redis_servers import KINDS, RedisServer, redis_server
from tests.support.sharing import Sharer

CARRIER = Trunk(name="carrier", server="main", calls_per_second=5.0, channels=20)
FACTS = SharingFacts(product="Redis", version="7.0.15", engines={}, trunks={})
SETTINGS = RedisSettings(url="redis://h", engine="ann")


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with redis_server(request.param) as running:
        yield running


@pytest.fixture
async def bob(server: RedisServer) -> AsyncIterator[Sharer]:
    """Another engine, with other caps."""
    trunk = replace(CARRIER, channels=10)
    made = Sharer(server.url, "bob", trunk, Sharing(engine="", engines_max=3), clock=SystemClock())
    await made.limits.run_once()
    yield made
    await made.line.aclose()


async def look(installation: Installation) -> dict[str, list[Finding]]:
    report = await examine(installation.settings, [installation.units])
    found: dict[str, list[Finding]] = {}
    for each in report.findings:
        if each.check.startswith("redis"):
            found.setdefault(each.check, []).append(each)
    return found


def test_an_engine_that_shares_nothing_needs_no_redis(installation: Installation) -> None:
    assert "its trunks for itself" in only(installation.examine(), "redis.reach", Verdict.SKIP).found


async def test_a_good_server_is_good(installation: Installation, server: RedisServer) -> None:
    installation.set(f'{SIMULATED}[redis]\nurl = "{server.url}"\nengine = "ann"\n')
    found = await look(installation)
    assert {check: [each.verdict for each in each_found] for check, each_found in found.items()} == {
        "redis.reach": [Verdict.OK],
        "redis.clock": [Verdict.OK],
        "redis.engines": [Verdict.OK],
    }
    assert found["redis.reach"][0].found.startswith(("Redis 7.", "Valkey 9."))
    assert found["redis.engines"][0].found == "engines there: none yet; this one is ann, at most 2"


async def test_engines_that_disagree_are_told_of(installation: Installation, server: RedisServer, bob: Sharer) -> None:
    asterisk = ASTERISK.format(port=1, secret="x", queue="q", carrier="c")
    installation.set(f'{asterisk}[redis]\nurl = "{server.url}"\nengine = "ann"\n')
    found = [each.found for each in (await look(installation))["redis.engines"]]
    assert found == [
        "engines_max is 2 here and 3 for bob",
        "trunk carrier: 5 calls a second and 20 channels here, 5 and 10 for bob",
    ]


async def test_a_server_that_is_away_fails_without_showing_the_password(
    installation: Installation, tmp_path: Path
) -> None:
    installation.set(f'{SIMULATED}[redis]\nurl = "unix://me:hush@{tmp_path}/none"\n')
    [finding] = (await look(installation))["redis.reach"]
    assert finding.verdict is Verdict.FAIL and "redis-cli" in finding.advice
    assert "hush" not in finding.found + finding.advice


@pytest.mark.parametrize(
    ("facts", "check", "word"),
    [
        (replace(FACTS, version="6.2.1"), "redis.reach", "6.2.1"),
        (replace(FACTS, may_evict=True), "redis.reach", "throws keys away"),
        (replace(FACTS, ahead_s=-30.0), "redis.clock", "30 s behind"),
        (
            replace(FACTS, engines={"bob": {"silent_s": 60.0, "engines_max": 2}}),
            "redis.engines",
            "bob has said nothing",
        ),
    ],
)
def test_what_should_be_mended_is_a_warning(facts: SharingFacts, check: str, word: str) -> None:
    [finding] = [each for each in sharing(SETTINGS, facts, []) if each.verdict is Verdict.WARN]
    assert finding.check == check and word in finding.found


def test_one_engine_too_many_is_a_failure() -> None:
    there = {name: {"silent_s": 0.5, "engines_max": 2} for name in ("bob", "cay")}
    [finding] = [each for each in sharing(SETTINGS, replace(FACTS, engines=there), []) if each.verdict is Verdict.FAIL]
    assert "bob, cay share the trunks already" in finding.found
