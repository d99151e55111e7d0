"""The calling window of a bucket of leads under a campaign's hours."""

from dialler.domain.calling_hours import CallingHours
from dialler.domain.calling_window import CallingWindow, no_holidays
from dialler.domain.holiday_calendar import calendar_for, calendar_of_lead
from dialler.domain.lead import WindowKey


def window_for(hours: CallingHours, key: WindowKey) -> CallingWindow:
    """Return the window of the leads of `key`; equal for equal arguments, so that it can key a cache.

    Where `hours.holidays` is "lead", the lead's own country and region choose the calendar; a region that no
    calendar knows is left out, and a country that none knows has no holidays. Raises ValueError for another calendar
    that is unknown, and for an unknown zone.
    """
    if hours.holidays is None:
        return CallingWindow(hours=hours, zones=key.zones)
    if hours.holidays == "lead":
        holidays = calendar_of_lead(key.country, key.region) or no_holidays
    else:
        holidays = calendar_for(hours.holidays)
    return CallingWindow(hours=hours, zones=key.zones, holidays=holidays)
