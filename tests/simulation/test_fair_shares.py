"""Promise 4 over whole runs: shares are exact at every prefix, whatever happens to the leads."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from dialler.app.figures import prefix_error
from dialler.app.simulate import simulate
from dialler.domain.lead import NewLead, PhoneNumber, WindowKey
from dialler.domain.session import Session
from dialler.events import SessionOpened
from dialler.ports import DncEntry, Records
from telephony.simulated import Fate, Spread
from tests.support.call_centre import AGENTLESS, CHICAGO, QUICK, CallCentre, call_centre, people

WEIGHTS = {"warm": 70, "cold": 30, "fresh": 100}
FAST = replace(QUICK, trunks=(replace(QUICK.trunks[0], calls_per_second=40.0, channels=100),), post_dial_s=Spread(0.3))
TOKYO = WindowKey(("Asia/Tokyo",), country="JP")  # It is midnight there.


def error_of(sessions: Sequence[Session], weights: dict[str, int]) -> Fraction:
    """Return the largest prefix error, as a part of its bound."""
    ids = {name: at for at, name in enumerate(weights)}
    return prefix_error([ids[session.list] for session in sessions], {ids[name]: w for name, w in weights.items()})


async def sessions_after(centre: CallCentre, n: int) -> Sequence[Session]:
    await centre.until(lambda: len(centre.told(SessionOpened)) >= n)
    return (await centre.sessions())[:n]


def test_the_shipped_scenario_gives_exactly_35_15_and_50_of_each_100_calls(tmp_path: Path) -> None:
    scenario = tmp_path / "weights.toml"
    scenario.write_text(
        Path("config/scenarios/weights.toml").read_text().replace("calls_max = 3000", "calls_max = 500")
    )
    day = simulate(scenario, seed=7)
    [fairness] = day.figures["fairness"]  # type: ignore[misc]
    assert fairness["blocks"] == [{"warm": 35, "cold": 15, "fresh": 50}] * 5
    assert fairness["within_bound"] and day.figures["unaccounted"] == 0


@pytest.mark.parametrize("seed", range(4))
async def test_leads_that_gates_refuse_never_widen_the_bound(seed: int) -> None:
    chance = Random(f"refused {seed}")
    async with call_centre(FAST, fates=lambda number: Fate.BUSY, seed=seed) as centre:
        await centre.campaign(lists={name: (weight, 0) for name, weight in WEIGHTS.items()})
        for at, name in enumerate(WEIGHTS):
            # In bursts, as files are: on a do-not-call list, in a shut window, spent, expired, and good ones.
            good = 0
            while good < 150:
                first = (at + 1) * 1_000_000 + chance.randrange(900_000)
                good += await _add_burst(centre, name, first=first, chance=chance)
        await centre.start()
        sessions = await sessions_after(centre, 280)
        assert error_of(sessions, WEIGHTS) <= 1, seed
        assert Counter(session.list for session in sessions[:200]) == {"warm": 70, "cold": 30, "fresh": 100}


async def _add_burst(centre: CallCentre, name: str, *, first: int, chance: Random) -> int:
    """Add leads of one kind; return how many of them can be dialled."""
    kind = chance.choice(["good", "good", "dnc", "shut", "spent", "expired"])
    fields = {"expires_at": centre.clock.now() - timedelta(days=1)} if kind == "expired" else {}
    key = TOKYO if kind == "shut" else CHICAGO
    ids = await centre.add(name, people(chance.randint(1, 60), first=first, key=key, **fields))

    def work(records: Records) -> None:
        for lead in map(records.lead, ids):
            if kind == "spent":
                records.set_lead(replace(lead, attempts_counted=99))
            if kind == "dnc":
                number = lead.numbers[0].number
                records.add_dnc([DncEntry(number=number, campaign_id=None, reason="", added_at=centre.clock.now())])

    await centre.records(work)
    return len(ids) if kind == "good" else 0


async def test_a_list_that_runs_dry_leaves_the_round_and_returns_without_a_debt_or_a_burst() -> None:
    async with call_centre(FAST, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(lists={"warm": (70, 500), "cold": (30, 20), "fresh": (100, 500)})
        await centre.start()
        before = await sessions_after(centre, 300)
        dry_from = max(at for at, session in enumerate(before) if session.list == "cold") + 1
        assert error_of(before[:dry_from], WEIGHTS) <= 1
        others = {"warm": 70, "fresh": 100}
        _assert_within_the_bound_of_a_change(before[dry_from + 1 :], others)
        n = len(centre.told(SessionOpened))
        await centre.add("cold", people(300, first=4_000_000))
        await centre.engine.follow()
        after = (await sessions_after(centre, n + 200))[n:]
        _assert_within_the_bound_of_a_change(after, WEIGHTS)


async def test_weights_changed_while_running_hold_from_the_next_call_on() -> None:
    async with call_centre(FAST, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(lists={name: (weight, 600) for name, weight in WEIGHTS.items()})
        await centre.start()
        await sessions_after(centre, 77)
        weights = dict(WEIGHTS)
        for name, weight in (("warm", 3), ("cold", 500), ("fresh", 250)):
            await centre.change_list(name, weight=weight)
            weights[name] = weight
            n = len(await centre.sessions())
            after = (await sessions_after(centre, n + 120))[n:]
            _assert_within_the_bound_of_a_change(after, weights)


async def test_without_weighting_all_lists_are_equal() -> None:
    async with call_centre(FAST, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(
            settings=replace(AGENTLESS, weighting=False), lists={name: (w, 200) for name, w in WEIGHTS.items()}
        )
        await centre.start()
        sessions = await sessions_after(centre, 90)
        assert error_of(sessions, dict.fromkeys(WEIGHTS, 1)) <= 1
        assert Counter(session.list for session in sessions) == dict.fromkeys(WEIGHTS, 30)


@pytest.mark.parametrize("seed", range(4))
async def test_a_crash_in_the_middle_of_a_round_does_not_widen_the_bound(seed: int) -> None:
    chance = Random(f"restarts {seed}")
    async with call_centre(FAST, seed=seed) as centre:
        centre.store.before_s = centre.store.after_s = 0.02
        await centre.campaign(lists={name: (weight, 300) for name, weight in WEIGHTS.items()})
        for _ in range(5):
            await centre.start()
            await centre.at(centre.clock.now() + timedelta(seconds=chance.uniform(0.3, 2.0)))
            await centre.kill()
        await centre.start()
        sessions = await sessions_after(centre, 240)
        assert error_of(sessions, WEIGHTS) <= 1, seed


def _assert_within_the_bound_of_a_change(sessions: Sequence[Session], weights: dict[str, int]) -> None:
    """Check `|Na/wa - Nb/wb| <= 1/wa + 1/wb + 1/max(w)` at each prefix."""
    counts: Counter[str] = Counter()
    for session in sessions:
        counts[session.list] += 1
        for a, wa in weights.items():
            for b, wb in weights.items():
                error = abs(Fraction(counts[a], wa) - Fraction(counts[b], wb))
                bound = Fraction(1, wa) + Fraction(1, wb) + Fraction(1, max(weights.values()))
                assert a == b or error <= bound, (dict(counts), a, b)


async def test_two_leads_of_one_number_in_two_lists_do_not_disturb_the_shares() -> None:
    twins = [NewLead(numbers=(PhoneNumber(f"+1312{at:07}"),), window_key=CHICAGO) for at in range(300)]
    async with call_centre(FAST, fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(lists={name: (weight, 0) for name, weight in WEIGHTS.items()})
        for name in WEIGHTS:
            await centre.add(name, twins)
        await centre.start()
        sessions = await sessions_after(centre, 200)
        assert error_of(sessions, WEIGHTS) <= 1
        assert isinstance(sessions[0].created_at, datetime)
