"""The abandon rate: what counts, over which time, and when it is over its limit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialler.domain.abandon import (
    LOOK_BACK,
    SLOT,
    AbandonCounts,
    Counted,
    abandon_rate,
    counted_as,
    day_slots,
    first_slot,
    period_rate,
    period_rates,
    slot_begins,
    slot_of,
    total,
)
from dialler.domain.campaign import AbandonPeriod, CampaignSettings
from dialler.domain.local_day import local_date
from dialler.domain.outcome import TRAITS, Outcome

NOW = datetime(2026, 6, 2, 15, 1, tzinfo=UTC)
STRICT = CampaignSettings(abandon_sample_min=1)
ZONES = ["Etc/UTC", "America/Chicago", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham"]
ZONES += ["America/Santiago", "America/St_Johns", "Africa/Casablanca", "Pacific/Apia", "Asia/Gaza", "Antarctica/Troll"]

moments = st.integers(0, 38 * 365 * 86_400).map(lambda s: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
counts_drawn = st.builds(AbandonCounts, **dict.fromkeys((each.value for each in Counted), st.integers(0, 400)))
settings_drawn = st.builds(
    CampaignSettings,
    abandon_limit=st.floats(0.001, 0.5),
    abandon_sample_min=st.integers(1, 300),
    abandon_short=st.booleans(),
    abandon_estimate=st.booleans(),
    amd_false_positives=st.floats(0, 1),
)


@pytest.mark.parametrize(
    ("outcome", "wrap_code", "dial_mode", "counted"),
    [
        (Outcome.ABANDONED, None, "ratio", Counted.ABANDONED),
        (Outcome.OPTED_OUT, None, "ratio", Counted.ABANDONED),
        (Outcome.OPTED_OUT, None, "agentless", None),  # the message was what the call was for
        (Outcome.ABANDONED_SHORT, None, "ratio", Counted.ABANDONED_SHORT),
        (Outcome.CONNECTED, None, "ratio", Counted.PASSED),
        (Outcome.CONNECTED, "SALE", "ratio", Counted.PASSED),
        (Outcome.CONNECTED, "ANSWER_MACHINE", "ratio", Counted.PASSED_MACHINE),
        (Outcome.MACHINE, None, "ratio", Counted.MACHINE),
        (Outcome.PLAYED, None, "agentless", None),
        (Outcome.NO_ANSWER, None, "ratio", None),
        (None, None, "ratio", None),
    ],
)
def test_what_a_call_counts_as(
    outcome: Outcome | None, wrap_code: str | None, dial_mode: str, counted: Counted | None
) -> None:
    assert counted_as(outcome, wrap_code=wrap_code, dial_mode=dial_mode) is counted


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_that_counts_as_abandoned_is_in_the_numerator(outcome: Outcome) -> None:
    counted = counted_as(outcome, wrap_code=None, dial_mode="ratio")
    assert (counted is Counted.ABANDONED) == TRAITS[outcome].abandoned
    assert counted_as(outcome.value, wrap_code=None, dial_mode="ratio") is counted, "as the records have it"


def test_the_rate_is_abandoned_through_abandoned_and_passed() -> None:
    rate = abandon_rate(AbandonCounts(abandoned=3, passed=97, abandoned_short=50, machine=500), CampaignSettings())
    assert (rate.abandoned, rate.answered, rate.rate) == (3, 100, 0.03)
    assert not rate.is_over, "three of a hundred are allowed"


def test_nobody_answered_gives_no_rate() -> None:
    rate = abandon_rate(AbandonCounts(machine=7), CampaignSettings())
    assert rate.rate is None and not rate.is_over


def test_persons_whom_amd_took_for_machines_count_as_abandoned() -> None:
    rate = abandon_rate(AbandonCounts(abandoned=1, passed=94, machine=250), CampaignSettings(amd_false_positives=0.02))
    assert (rate.abandoned, rate.answered) == (6, 100)


def test_without_amd_the_share_of_machines_that_agents_meet_is_taken_off_where_the_law_allows_it() -> None:
    counts = AbandonCounts(abandoned=10, passed=75, passed_machine=25)
    allowed = abandon_rate(counts, CampaignSettings(abandon_estimate=True))
    assert (allowed.abandoned, allowed.answered) == (7.5, 107.5)
    assert abandon_rate(counts, CampaignSettings()).abandoned == 10, "else nothing is taken off"
    with_amd = CampaignSettings(abandon_estimate=True, amd=True)
    assert abandon_rate(counts, with_amd).abandoned == 10, "machines are known, not estimated"


def test_who_hangs_up_before_the_limit_counts_where_the_law_says_so() -> None:
    counts = AbandonCounts(abandoned=1, abandoned_short=2, passed=97)
    assert abandon_rate(counts, CampaignSettings(abandon_short=True)).rate == 0.03


def test_the_first_calls_are_judged_as_part_of_the_least_sample() -> None:
    settings = CampaignSettings(abandon_sample_min=100)
    assert not abandon_rate(AbandonCounts(abandoned=3), settings).is_over
    assert abandon_rate(AbandonCounts(abandoned=4, passed=90), settings).is_over
    assert not abandon_rate(AbandonCounts(abandoned=4, passed=130), settings).is_over


def test_half_an_hour_may_be_above_the_limit_by_as_much_as_chance_makes_it() -> None:
    counts, settings = AbandonCounts(abandoned=6, passed=94), CampaignSettings()
    half_hour, day = (
        period_rate(period, counts, settings, first=0) for period in (AbandonPeriod.HALF_HOUR, AbandonPeriod.DAY)
    )
    assert day.is_over and not half_hour.is_over
    assert period_rate(AbandonPeriod.HALF_HOUR, counts.plus(Counted.ABANDONED), settings, first=0).is_over


def test_a_rate_says_what_it_is_made_of_in_words() -> None:
    rate = period_rate(AbandonPeriod.DAY, AbandonCounts(abandoned=12, passed=280), STRICT, first=0)
    assert rate.words() == "12 of 292 abandoned in the last 24 hours: 4.1%, where 3.0% is the limit"
    assert period_rate(AbandonPeriod.MONTH, AbandonCounts(), STRICT, first=0).words() == "nobody answered in this month"


@given(counts=counts_drawn, settings=settings_drawn)
@example(counts=AbandonCounts(), settings=CampaignSettings(abandon_limit=1.0))
def test_as_many_as_there_is_room_for_may_be_abandoned_and_not_one_more(
    counts: AbandonCounts, settings: CampaignSettings
) -> None:
    # The estimate takes a part of each, so that they would have to be more.
    settings = replace(settings, abandon_estimate=False)
    for period in AbandonPeriod:
        rate = period_rate(period, counts, settings, first=0)
        if settings.abandon_limit == 1:
            assert rate.room > 1_000_000
            continue
        more = period_rate(period, counts.plus(Counted.ABANDONED, rate.room), settings, first=0)
        assert more.is_over == rate.is_over
        assert rate.room == 0 or not rate.is_over
        assert period_rate(period, counts.plus(Counted.ABANDONED, rate.room + 1), settings, first=0).is_over


@given(counts=counts_drawn, settings=settings_drawn)
def test_a_rate_is_between_0_and_1_and_more_abandoned_never_make_it_lower(
    counts: AbandonCounts, settings: CampaignSettings
) -> None:
    rate, more = (abandon_rate(each, settings) for each in (counts, counts.plus(Counted.ABANDONED)))
    assert 0 <= rate.abandoned <= rate.answered
    assert rate.rate is None or 0 <= rate.rate <= 1
    assert more.rate is not None and (rate.rate is None or more.rate >= rate.rate - 1e-12)


@given(at=moments, zone=st.sampled_from(ZONES))
@example(at=datetime(2026, 3, 29, 23, 59, tzinfo=UTC), zone="Europe/London")
def test_a_local_day_is_whole_slots_whatever_its_clocks_do(at: datetime, zone: str) -> None:
    day = local_date(at, zone)
    slots = day_slots(day, zone)
    # Clocks that went back over midnight (St John's, 1988 to 2011, at 0:01) had a date twice; a day is one piece here.
    if zone != "America/St_Johns":
        assert slot_of(at) in slots
        assert local_date(slot_begins(slots.start), zone) == day != local_date(slot_begins(slots.stop), zone)
    hours = len(slots) * SLOT / timedelta(hours=1)
    assert 22 <= hours <= 26 or zone == "Pacific/Apia"
    tomorrow = local_date(slot_begins(slots.stop) + timedelta(hours=1), zone)
    assert day_slots(tomorrow, zone).start == slots.stop, "each slot is in one day"


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 8), "America/Chicago", 23),
        (date(2026, 11, 1), "America/Chicago", 25),
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
        (date(2026, 6, 2), "Asia/Kathmandu", 24),
    ],
)
def test_the_day_of_a_change_of_clocks_is_shorter_or_longer(day: date, zone: str, hours: float) -> None:
    assert len(day_slots(day, zone)) * SLOT == timedelta(hours=hours)


def test_periods_end_now_and_begin_where_their_names_say() -> None:
    begin = {
        period: slot_begins(first_slot(period, NOW, "America/Chicago")).astimezone(ZoneInfo("America/Chicago"))
        for period in AbandonPeriod
    }
    assert {period.value: f"{at:%m-%d %H:%M}" for period, at in begin.items()} == {
        "30m": "06-02 09:35",
        "24h": "06-01 10:05",
        "month": "06-01 00:00",
        "30d": "05-04 00:00",
    }


ended = st.tuples(st.integers(0, 34 * 24 * 60), st.sampled_from(Counted))


@given(
    now=moments,
    zone=st.sampled_from(ZONES),
    ends=st.lists(ended, max_size=60),
)
def test_a_period_counts_the_calls_that_ended_in_it_and_no_others(
    now: datetime, zone: str, ends: list[tuple[int, Counted]]
) -> None:
    slots: dict[int, AbandonCounts] = {}
    for minutes, counted in ends:
        slot = slot_of(now - timedelta(minutes=minutes))
        slots[slot] = slots.get(slot, AbandonCounts()).plus(counted)
    settings = CampaignSettings(timezone=zone)
    rates = {rate.period: rate for rate in period_rates(slots, settings, now)}
    assert list(rates) == list(AbandonPeriod)
    today = local_date(now, zone)

    def counted_since(is_in: Mapping[int, bool]) -> AbandonCounts:
        counts = AbandonCounts()
        for minutes, counted in ends:
            counts = counts.plus(counted) if is_in[minutes] else counts
        return counts

    at = {minutes: now - timedelta(minutes=minutes) for minutes, _ in ends}
    days = {minutes: local_date(moment, zone) for minutes, moment in at.items()}
    for period, is_in in {
        AbandonPeriod.MONTH: {m: (day.year, day.month) == (today.year, today.month) for m, day in days.items()},
        AbandonPeriod.DAYS_30: {m: day > today - timedelta(days=30) for m, day in days.items()},
        AbandonPeriod.HALF_HOUR: {m: moment >= _end_of_slot(now) - timedelta(minutes=30) for m, moment in at.items()},
        AbandonPeriod.DAY: {m: moment >= _end_of_slot(now) - timedelta(hours=24) for m, moment in at.items()},
    }.items():
        assert rates[period].counts == counted_since(is_in), period
        assert rates[period].begins_at >= now - LOOK_BACK
    assert rates[AbandonPeriod.DAYS_30].counts == total(
        counts for slot, counts in slots.items() if slot >= day_slots(today - timedelta(days=29), zone).start
    )


def _end_of_slot(at: datetime) -> datetime:
    return slot_begins(slot_of(at) + 1)
