"""The abandon ledger of a campaign, from the records: it needs no engine."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from dialler.api.desk import TheDesk
from dialler.api.forms import Json, moment
from dialler.api.looks import campaign_of
from dialler.domain.abandon import (
    LOOK_BACK,
    NOTHING,
    AbandonCounts,
    AbandonRate,
    PeriodRate,
    abandon_rate,
    day_slots,
    period_rates,
    slot_of,
    total,
)
from dialler.domain.campaign import CampaignSettings
from dialler.domain.local_day import local_date
from dialler.ports import Records

router = APIRouter(prefix="/campaigns", tags=["campaigns"])

DAYS_MAX = 400
"""What one answer adds up: a year and the month before it."""


@router.get("/{campaign}/abandons")
async def show_abandons(campaign: str, desk: TheDesk, days: Annotated[int, Query(ge=0, le=DAYS_MAX)] = 0) -> Json:
    """How many of the persons who answered got no agent in time, by period, and by local day for the last `days`.

    `rate` is `abandoned` through `answered`, both with the estimates that the campaign's settings ask for, and null
    where nobody answered; `room` is how many more may be abandoned before it is over the limit. `counts` are whole
    calls. Days are those of the campaign's time zone, today first.
    """
    now = desk.clock.now()

    def work(records: Records) -> Json:
        found = campaign_of(records, campaign)
        settings = found.settings
        since = min(slot_of(now - LOOK_BACK), slot_of(now - timedelta(days=days + 2)))
        slots = records.abandon_counts(found.campaign_id, since=since)
        return {
            "campaign": found.name,
            "at": moment(now),
            "timezone": settings.timezone,
            "limit": settings.abandon_limit,
            "sample_min": settings.abandon_sample_min,
            "over": settings.abandon_over.value,
            "periods": [period_json(rate) for rate in period_rates(slots, settings, now)],
            "days": list(_days(slots, settings, now, days)),
        }

    return await desk.store.read(work)


def period_json(rate: PeriodRate) -> Json:
    """Return the rate of a period."""
    return {
        "period": rate.period.value,
        "begins_at": moment(rate.begins_at),
        **_rate_json(rate),
        "allowed": rate.allowed,
        "room": rate.room,
        "enforced": rate.is_enforced,
        "is_over": rate.is_over,
    }


def _rate_json(rate: AbandonRate) -> Json:
    counts = rate.counts
    return {
        "abandoned": rate.abandoned,
        "answered": rate.answered,
        "rate": rate.rate,
        "limit": rate.limit,
        "counts": {
            "abandoned": counts.abandoned,
            "abandoned_short": counts.abandoned_short,
            "passed": counts.passed + counts.passed_machine,
            "passed_machine": counts.passed_machine,
            "machine": counts.machine,
        },
    }


def _days(slots: Mapping[int, AbandonCounts], settings: CampaignSettings, now: datetime, days: int) -> Iterator[Json]:
    """Yield the rates of the last days, today first."""
    today = local_date(now, settings.timezone)
    for back in range(days):
        day = today - timedelta(days=back)
        counts = total(slots.get(slot, NOTHING) for slot in day_slots(day, settings.timezone))
        yield {"day": day.isoformat(), **_rate_json(abandon_rate(counts, settings))}
