"""The filter of a request: as text, by the name under which the caller saved it, or both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Annotated, Final

from fastapi import Depends, Query

from dialler.api.desk import Who
from dialler.api.looks import campaign_of
from dialler.domain.filter import Condition, Filter, Op, all_of
from dialler.domain.filter_fields import LEAD_FIELDS, SESSION_FIELDS, Fields
from dialler.domain.filter_text import TEXT_MAX, read_filter
from dialler.domain.zone_offsets import zone_info
from dialler.domain.zones import canonical_zone
from dialler.errors import NotFound, UsageError
from dialler.ports import Records

PAGE: Final = 10
"""Items of a page, where nobody says otherwise."""

FIELDS: Final[Mapping[str, Fields]] = {"leads": LEAD_FIELDS, "sessions": SESSION_FIELDS}

Size = Annotated[int | None, Query(ge=1, le=1000, description=f"items of a page; with a filter {PAGE} unless given")]


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """What was said of a filter."""

    text: str | None = None
    saved: str | None = None
    zone: str | None = None
    who: str = ""

    @property
    def is_given(self) -> bool:
        """Whether anything was said."""
        return self.text is not None or self.saved is not None

    def read(self, records: Records, fields: Fields, campaign: str | None) -> Filter:
        """Return the filter. Raises UsageError that tells what was expected where; NotFound for one not saved."""
        zone = _zone(records, self.zone, campaign)
        texts = [self.text] if self.text is not None else []
        if self.saved is not None:
            texts.append(_saved(records, self.who, fields.noun, self.saved))
        return all_of([read_filter(text, fields, zone) for text in texts])


def _zone(records: Records, said: str | None, campaign: str | None) -> tzinfo:
    name = said
    if name is None:
        name = "Etc/UTC" if campaign is None else campaign_of(records, campaign).settings.timezone
    try:
        return zone_info(canonical_zone(name).name)
    except ValueError as error:
        raise UsageError(f"zone = {name!r}: expected an IANA name such as America/Denver: {error}") from error


def _saved(records: Records, who: str, noun: str, name: str) -> str:
    saved = records.saved_filters(who, noun)
    for each in saved:
        if each.name == name:
            return each.text
    there = ", ".join(each.name for each in saved) or "none yet"
    raise NotFound(f"{who} has no filter {name!r} on {noun}; there is {there}")


def _request_filter(
    who: Who,
    filter_text: Annotated[
        str | None,
        Query(
            alias="filter",
            max_length=TEXT_MAX,
            description='such as last_contacted >= 2026-11-01 and list = gold and not completed and data.x = "Acme"',
        ),
    ] = None,
    saved: Annotated[str | None, Query(description="a filter that the caller saved, by its name")] = None,
    zone: Annotated[str | None, Query(description="of days in the filter; else the campaign's, else UTC")] = None,
) -> RequestFilter:
    return RequestFilter(filter_text, saved, zone, who)


EMPTY: Final = RequestFilter()
TheFilter = Annotated[RequestFilter, Depends(_request_filter)]


def equal_to(values: Mapping[str, str | int | None]) -> Sequence[Filter]:
    """Return conditions that fields have these values; those that are None are not asked for."""
    return [Condition(field, Op.EQ, (value,)) for field, value in values.items() if value is not None]
