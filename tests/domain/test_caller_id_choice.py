"""Which number of a pool a call shows: what is promised, whatever the pool."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.domain.caller_id import CallerId, CallerIdPool, PoolSettings, WhenNone
from dialler.domain.caller_id_choice import CallerIdBook, first_choice, region_of
from dialler.domain.lead import WindowKey
from dialler.domain.local_day import local_date

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)
CHICAGO = "+13125550100"


def book(*numbers: CallerId, **settings) -> CallerIdBook:
    return CallerIdBook(
        CallerIdPool(pool_id=1, name="us", created_at=NOW, settings=PoolSettings(**settings)), numbers, {}
    )


def shown(of: CallerIdBook, called: str = CHICAGO, *, now=NOW, region="US-IL", trunk="a") -> str | None:
    choice = of.choose(called, region, trunk, now)
    if choice.number is not None:
        of.use(choice.number, now)
    return choice.number


def test_the_longest_area_wins_a_region_stands_between_country_and_town_and_no_area_comes_last():
    everywhere, country = CallerId(number="+12025550100"), CallerId(number="+12025550101", areas=("+1",))
    region, town = CallerId(number="+12025550102", areas=("US-IL",)), CallerId(number="+12025550103", areas=("+1312",))
    order = [town, region, country, everywhere]
    for at in range(4):
        assert book(*order[at:]).choose(CHICAGO, "US-IL", "a", NOW).number == order[at].number


def test_a_number_of_another_area_is_not_shown_unless_the_pool_says_any():
    abroad = CallerId(number="+12125550100", areas=("+1212", "US-NY"))
    assert book(abroad).choose(CHICAGO, "US-IL", "a", NOW).number is None
    assert book(abroad, when_none=WhenNone.ANY).choose(CHICAGO, "US-IL", "a", NOW).number == abroad.number


def test_any_takes_the_number_that_was_used_least_today():
    of = book(
        CallerId(number="+12125550100", areas=("+1212",)),
        CallerId(number="+14155550100", areas=("+1415",)),
        when_none=WhenNone.ANY,
    )
    for _ in range(3):
        shown(of, "+12125550199", region="US-NY")
    assert [shown(of) for _ in range(4)] == ["+14155550100"] * 3 + ["+12125550100"]


def test_trunks_switches_caps_and_rests_decide_who_is_free_and_when_the_next_one_is():
    of = book(CallerId(number="+12025550100", trunks=("b",)))
    assert of.choose(CHICAGO, "", "a", NOW).free_at is None
    assert shown(of, trunk="b") == "+12025550100"

    of = book(CallerId(number="+12025550100", off_reason="spam"))
    assert of.choose(CHICAGO, "", "a", NOW).free_at is None
    of = book(CallerId(number="+12025550100", off_reason="spam", off_until=NOW + timedelta(days=1)))
    assert of.choose(CHICAGO, "", "a", NOW).free_at == NOW + timedelta(days=1)
    assert shown(of, now=NOW + timedelta(days=1)) is not None

    of = book(CallerId(number="+12025550100"), rest_s=30)
    assert shown(of) is not None
    assert shown(of, now=NOW + timedelta(seconds=29)) is None
    assert of.choose(CHICAGO, "", "a", NOW).free_at == NOW + timedelta(seconds=30)
    assert shown(of, now=NOW + timedelta(seconds=30)) is not None

    of = book(CallerId(number="+12025550100", calls_per_day_max=2), timezone="America/Chicago", calls_per_day_max=9)
    assert [shown(of), shown(of), shown(of)] == ["+12025550100", "+12025550100", None]
    midnight = datetime(2026, 6, 3, 5, tzinfo=UTC)
    assert of.choose(CHICAGO, "", "a", NOW).free_at == midnight
    assert of.state_of("+12025550100", NOW) == "capped"
    assert shown(of, now=midnight) is not None


def test_a_clock_that_is_set_back_starts_no_new_day():
    of = book(CallerId(number="+12025550100"), calls_per_day_max=1)
    assert shown(of, now=NOW) is not None
    assert shown(of, now=NOW - timedelta(days=1)) is None


def test_of_several_trunks_the_first_that_has_a_number_is_taken_else_the_one_that_has_it_first():
    of = book(CallerId(number="+12025550100", trunks=("b",)), rest_s=60)
    a, b = (of.choose(CHICAGO, "", trunk, NOW) for trunk in "ab")
    assert first_choice([a, b]) is b
    shown(of, trunk="b")
    a, b = (of.choose(CHICAGO, "", trunk, NOW) for trunk in "ab")
    assert first_choice([a, b]).free_at == NOW + timedelta(seconds=60)
    assert first_choice([a]).free_at is None


@pytest.mark.parametrize("region", ["IL", "US-IL"])
def test_a_leads_region_is_read_with_and_without_its_country(region):
    assert region_of(WindowKey(("America/Chicago",), country="US", region=region)) == "US-IL"
    assert region_of(WindowKey(("America/Chicago",), country="US")) == ""


AREAS = ("+1312", "+13", "+1", "US-IL", "+1415")
numbers = st.lists(
    st.builds(
        lambda at, areas, trunks, cap, rest: {
            "number": f"+1202555{at:04}",
            "areas": areas,
            "trunks": trunks,
            "calls_per_day_max": cap,
            "rest_s": rest,
        },
        st.integers(0, 30),
        st.sets(st.sampled_from(AREAS), max_size=2).map(lambda found: tuple(sorted(found))),
        st.sampled_from([(), ("a",), ("b",)]),
        st.none() | st.integers(1, 4),
        st.none() | st.integers(0, 100),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda each: each["number"],
)
pools = st.builds(
    dict,
    timezone=st.sampled_from(["Etc/UTC", "America/Chicago", "Asia/Tokyo"]),
    when_none=st.sampled_from(WhenNone),
    calls_per_day_max=st.none() | st.integers(1, 6),
    rest_s=st.integers(0, 60),
)
calls = st.lists(
    st.tuples(
        st.integers(0, 20_000), st.sampled_from([CHICAGO, "+14155550100", "+442071234567"]), st.sampled_from("ab")
    ),
    max_size=60,
)


@given(numbers=numbers, pool=pools, calls=calls)
def test_caps_and_rests_are_never_broken_and_the_same_calls_show_the_same_numbers(numbers, pool, calls):
    def run():
        of, told = book(*(CallerId(**each) for each in numbers), **pool), []
        now = NOW
        for pause_s, called, trunk in calls:
            now += timedelta(seconds=pause_s)
            choice = of.choose(called, "US-IL" if called == CHICAGO else "", trunk, now)
            if choice.number is None:
                assert choice.free_at is None or choice.free_at > now
            else:
                of.use(choice.number, now)
            told.append((now, trunk, choice))
        return told

    told = run()
    assert told == run()
    limits = {each["number"]: each for each in numbers}
    on_day, last = Counter(), {}
    for now, trunk, choice in told:
        if (number := choice.number) is None:
            continue
        own = limits[number]
        assert not own["trunks"] or trunk in own["trunks"]
        on_day[number, local_date(now, pool["timezone"])] += 1
        rest_s = pool["rest_s"] if own["rest_s"] is None else own["rest_s"]
        assert number not in last or (now - last[number]).total_seconds() >= rest_s
        last[number] = now
    for (number, _), used in on_day.items():
        cap = limits[number]["calls_per_day_max"] or pool["calls_per_day_max"]
        assert cap is None or used <= cap


@given(numbers=numbers, pool=pools, calls=calls)
def test_where_none_is_left_one_is_at_the_moment_that_was_said(numbers, pool, calls):
    of, now = book(*(CallerId(**each) for each in numbers), **pool), NOW
    for pause_s, called, trunk in calls:
        now += timedelta(seconds=pause_s)
        if shown(of, called, now=now, region="", trunk=trunk) is None:
            free_at = of.choose(called, "", trunk, now).free_at
            if free_at is not None:
                assert of.choose(called, "", trunk, free_at - timedelta(microseconds=1)).number is None
                assert of.choose(called, "", trunk, free_at).number is not None


@given(count=st.integers(1, 12), calls=st.integers(0, 100), at_once=st.integers(1, 7))
def test_equals_are_used_equally_within_one_also_if_many_calls_begin_in_one_instant(count, calls, at_once):
    of = book(*(CallerId(number=f"+1202555{at:04}", areas=("+1312",)) for at in range(count)))
    used = Counter({each.number: 0 for each in of.numbers})
    for at in range(calls):
        used[shown(of, now=NOW + timedelta(seconds=at // at_once))] += 1
        assert max(used.values()) - min(used.values()) <= 1


@given(numbers=numbers, pool=pools, calls=calls)
def test_no_better_area_is_free_than_the_one_that_is_shown(numbers, pool, calls):
    of, now = book(*(CallerId(**each) for each in numbers), **pool), NOW
    rank = {"+1312": 4, "US-IL": 3, "+13": 2, "+1": 1}
    ranks = defaultdict(
        int, {each["number"]: max((rank.get(area, 0) for area in each["areas"]), default=0) for each in numbers}
    )
    for pause_s, _, trunk in calls:
        now += timedelta(seconds=pause_s)
        free = [
            each["number"]
            for each in numbers
            if of.state_of(each["number"], now) == "free" and (not each["trunks"] or trunk in each["trunks"])
        ]
        number = shown(of, now=now, trunk=trunk)
        if number is not None:
            assert ranks[number] == max(ranks[each] for each in free)


def test_a_book_made_anew_from_its_uses_goes_on_as_the_old_one():
    of = book(*(CallerId(number=f"+1202555{at:04}") for at in range(5)), rest_s=1, calls_per_day_max=3)
    for at in range(7):
        shown(of, now=NOW + timedelta(seconds=at))
    anew = CallerIdBook(of.pool, of.numbers, of.uses)
    for at in range(7, 20):
        now = NOW + timedelta(seconds=at)
        assert of.choose(CHICAGO, "", "a", now) == anew.choose(CHICAGO, "", "a", now)
        if shown(of, now=now) is not None:
            shown(anew, now=now)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"number": "3125550100"}, "number must be E.164, such as +12025550123, got '3125550100'"),
        ({"areas": ("1312",)}, "area '1312': expected how numbers begin, such as \\+1312, or a region"),
        ({"areas": ("us-il",)}, "area 'us-il'"),
        ({"trunks": ("",)}, "trunks must be one line of text each, not empty, got ''"),
        ({"calls_per_day_max": 0}, "calls_per_day_max must be 1 to 100000, got 0"),
        ({"rest_s": -1}, "rest_s must be 0 to 86400, got -1"),
        ({"off_reason": ""}, "reason must be one line of text, 1 to 200 characters, got ''"),
    ],
)
def test_a_number_that_can_not_be_says_what_was_expected(wrong, says):
    with pytest.raises(ValueError, match=says.replace("+12025550123", "\\+12025550123")):
        CallerId(**{"number": "+12025550100", **wrong})


@pytest.mark.parametrize("wrong", [{"timezone": "US/Eastern"}, {"timezone": "x"}])
def test_a_pool_that_can_not_be_says_what_was_expected(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).replace("timezone", "time ?zone")):
        PoolSettings(**wrong)


areas_of_numbers = st.lists(
    st.sampled_from(["+1", "+12", "+1312", "+13125", "+131255", "+14", "+49", "US-IL", "US-NY"]),
    max_size=3,
    unique=True,
)
called_numbers = st.text("1234590", min_size=7, max_size=9).map(lambda digits: f"+1{digits}")


@given(
    areas=st.lists(areas_of_numbers, min_size=1, max_size=5),
    numbers=st.tuples(called_numbers, called_numbers),
    region=st.sampled_from(["US-IL", "US-NY", ""]),
    when_none=st.sampled_from(WhenNone),
)
def test_numbers_that_begin_alike_have_the_same_choice(areas, numbers, region, when_none):
    pool = [CallerId(number=f"+1202555010{at}", areas=tuple(own)) for at, own in enumerate(areas)]
    of = book(*pool, when_none=when_none)
    begins = of.alike(numbers[0])
    other = begins + numbers[1][len(begins) :]
    assert numbers[0].startswith(begins)
    assert of.choose(numbers[0], region, "a", NOW) == of.choose(other, region, "a", NOW)
    assert [rank.area for rank in of._ranks(numbers[0], region)] == [rank.area for rank in of._ranks(other, region)]


many_areas = st.sets(
    st.sampled_from(["+1", "+13", "+131", "+1312", "+13125", "+1212", "+1415", "+49", "US-IL", "US-NY"]), max_size=2
)
varied_numbers = st.lists(
    st.tuples(
        many_areas, st.sampled_from([(), (), ("a",)]), st.sampled_from([None, None, 2]), st.sampled_from([0, 0, 300])
    ),
    min_size=1,
    max_size=8,
)
varied_calls = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 5, 60, 400, 30_000, -40, -4_000]),
        st.sampled_from(["+13125550100", "+13145550100", "+12125550100", "+4930123456", "+14155550100"]),
        st.sampled_from(["US-IL", "US-NY", ""]),
        st.sampled_from(["a", "a", "b", None]),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=500)
@given(pool=varied_numbers, when_none=st.sampled_from(WhenNone), calls=varied_calls)
def test_each_choice_is_that_of_a_look_at_every_number(pool, when_none, calls):
    of = book(
        *(
            CallerId(number=f"+1202555010{at}", areas=tuple(areas), trunks=trunks, calls_per_day_max=cap, rest_s=rest_s)
            for at, (areas, trunks, cap, rest_s) in enumerate(pool)
        ),
        when_none=when_none,
    )
    now = NOW
    for seconds, called, region, trunk in [call for *call, times in calls for _ in range(times)]:
        now += timedelta(seconds=seconds)
        free = [each for each in of.numbers if of.free_at(each.number) <= now and may_on(each, trunk)]
        suits = {each.number: suits_by(each, called, region) for each in of.numbers}
        local = [each.number for each in free if suits[each.number] is not None]
        best = [number for number in local if suits[number] == max(suits[one] for one in local)]
        others = [each.number for each in free] if when_none is WhenNone.ANY else []
        if best:
            expected = min(best, key=lambda number: turn_of(of, number))
        else:
            expected = min(others, key=lambda number: (on_day(of, number, now), turn_of(of, number)), default=None)
        choice = of.choose(called, region, trunk, now)
        assert choice.number == expected
        if expected is None:
            waiting = [each.number for each in of.numbers if may_on(each, trunk)]
            if when_none is WhenNone.WAIT:
                waiting = [number for number in waiting if suits[number] is not None]
            assert choice.free_at == min((of.free_at(number) for number in waiting), default=None)
        else:
            said = f"in its turn of {len(best)} free" if best else f"the least used of {len(others)} free"
            assert choice.reason.endswith(said)
            of.use(expected, now)


def may_on(each: CallerId, trunk: str | None) -> bool:
    return trunk is None or not each.trunks or trunk in each.trunks


def suits_by(each: CallerId, called: str, region: str) -> int | None:
    """How well a number suits a call; None: not at all."""
    found = [
        (7 if area == region else None) if area[0] != "+" else 2 * (len(area) - 1) if called.startswith(area) else None
        for area in each.areas
    ]
    return max((one for one in found if one is not None), default=None if each.areas else 0)


def turn_of(of: CallerIdBook, number: str) -> tuple[int, str]:
    use = of.uses.get(number)
    return (0 if use is None else use.turn), number


def on_day(of: CallerIdBook, number: str, now: datetime) -> int:
    use = of.uses.get(number)
    return 0 if use is None or use.day < local_date(now, "Etc/UTC") else use.on_day


steps = st.lists(
    st.tuples(st.integers(-40, 400), st.sampled_from(["+13125550100", "+12125550100"]), st.sampled_from("ab")),
    min_size=1,
    max_size=40,
)
pool_numbers = st.lists(
    st.tuples(
        st.sampled_from([(), ("+1312",), ("+1",), ("US-IL",)]),
        st.sampled_from([(), ("a",), ("b",)]),
        st.sampled_from([None, 2]),
        st.sampled_from([0, 30, 300]),
    ),
    min_size=1,
    max_size=6,
)


@given(pool=pool_numbers, steps=steps)
def test_whose_turn_it_is_is_what_a_look_at_all_of_them_says_also_where_the_clock_is_set_back(pool, steps):
    of = book(
        *(
            CallerId(number=f"+1202555010{at}", areas=areas, trunks=trunks, calls_per_day_max=cap, rest_s=rest_s)
            for at, (areas, trunks, cap, rest_s) in enumerate(pool)
        )
    )
    now = NOW
    for seconds, called, trunk in steps:
        now += timedelta(seconds=seconds)
        free = [
            each for each in of.numbers if of.free_at(each.number) <= now and (not each.trunks or trunk in each.trunks)
        ]
        assert of.is_any_free(trunk, now) == bool(free)
        ranked = [
            (rank_of(each, called), each.number in of.uses and of.uses[each.number].turn, each.number) for each in free
        ]
        best = (
            min((-rank, turn, number) for rank, turn, number in ranked if rank) if any(r for r, *_ in ranked) else None
        )
        choice = of.choose(called, "US-IL" if called.startswith("+1312") else "", trunk, now)
        assert choice.number == (best and best[2])
        if best:
            equals = [one for one in ranked if one[0] == -best[0]]
            assert choice.reason.endswith(f"in its turn of {len(equals)} free")
            of.use(choice.number, now)


def rank_of(each: CallerId, called: str) -> int:
    """How well a number suits a call; 0: not at all."""
    if not each.areas:
        return 1
    (area,) = each.areas
    local = called.startswith(area) if area.startswith("+") else called.startswith("+1312")
    return {"+1": 2, "US-IL": 3, "+1312": 4}[area] if local else 0
