"""Leads, sessions and what surrounds them, complete with defaults: a test names only what it is about."""

from datetime import UTC, datetime
from typing import Any

from dialler.domain.calling_hours import CallingHours, Interval
from dialler.domain.calling_window import CallingWindow
from dialler.domain.campaign import Campaign, CampaignSettings, Desired, LeadList
from dialler.domain.lead import Lead, PhoneNumber, WindowKey
from dialler.domain.session import Session
from dialler.domain.verdict import Facts

NOON = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
"""A Wednesday, 12:00 in New York."""

NEW_YORK = WindowKey(("America/New_York",), country="US", region="NY")
ALL_DAY = CallingHours(week=((Interval(0, 1440),),) * 7)
NINE_TO_FIVE = CallingHours(week=((Interval(9 * 60, 17 * 60),),) * 5 + ((), ()))
NEVER = CallingHours(week=((),) * 7)
ALWAYS = CallingWindow(ALL_DAY, NEW_YORK.zones)


def a_lead(*numbers: str, **more: Any) -> Lead:
    """Return a ready lead in New York."""
    values: dict[str, Any] = {
        "lead_id": 1,
        "list_id": 1,
        "campaign_id": 1,
        "created_at": NOON,
        "numbers": tuple(PhoneNumber(number) for number in numbers or ("+12125550100",)),
        "window_key": NEW_YORK,
    }
    return Lead(**values | more)


def a_session(**more: Any) -> Session:
    """Return a new session for the first number of `a_lead()`."""
    values: dict[str, Any] = {
        "session_id": "0195f0a0-0000-7000-8000-000000000001",
        "campaign_id": 1,
        "campaign": "spring",
        "list_id": 1,
        "list": "north",
        "lead_id": 1,
        "attempt_no": 1,
        "number": "+12125550100",
        "created_at": NOON,
    }
    return Session(**values | more)


def facts(**more: Any) -> Facts:
    """Return the facts of a running campaign with a list to dial and a window that is always open."""
    settings = more.pop("settings", CampaignSettings())
    values: dict[str, Any] = {
        "campaign": Campaign(campaign_id=1, name="spring", created_at=NOON, desired=Desired.RUNNING, settings=settings),
        "lead_list": LeadList(list_id=1, campaign_id=1, name="north", created_at=NOON),
        "window": ALWAYS,
    }
    return Facts(**values | more)
