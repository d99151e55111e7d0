"""Made-up people, all round the world: names, numbers of the right form, zones."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from dialler.domain.lead import NewLead, PhoneNumber, WindowKey

FIRST: Final = tuple(
    "Ada Amir Ana Aroha Ben Chidi Clara Diego Elif Emma Femi Greta Hana Ines Ivan Jonas Kavya Kenji Lars Leila "
    "Lucia Mateo Mei Mila Musa Nadia Noah Olga Omar Priya Rafa Rosa Sami Sofia Tane Uma Viktor Wei Yara Zoe".split(" ")
)
LAST: Final = tuple(
    "Abe Berg Costa Diallo Eriksen Fischer Garcia Hill Ito Jensen Khan Lopez Moreau Nkosi Okafor Patel Quinn Rossi "
    "Sato Silva Tan Ueda Vargas Walker Xu Yilmaz Zhang Novak Murphy Kaur".split(" ")
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody may live."""

    zone: str
    country: str
    prefix: str
    """The number's beginning; `digits` more follow. Ranges kept for fiction where a country has one."""

    digits: int

    @staticmethod
    @cache
    def everywhere() -> "tuple[Place, ...]":
        """Return all places, from east to west."""
        return (
            Place("Pacific/Auckland", "NZ", "+6496310", 4),
            Place("Australia/Sydney", "AU", "+6125550", 5),
            Place("Asia/Tokyo", "JP", "+8135550", 5),
            Place("Asia/Singapore", "SG", "+65655", 5),
            Place("Asia/Kolkata", "IN", "+911155", 6),
            Place("Asia/Dubai", "AE", "+97145", 6),
            Place("Africa/Nairobi", "KE", "+254205", 6),
            Place("Europe/Berlin", "DE", "+4930555", 5),
            Place("Europe/London", "GB", "+44207946", 4),
            Place("Africa/Lagos", "NG", "+234155", 5),
            Place("America/Sao_Paulo", "BR", "+55115555", 4),
            Place("America/New_York", "US", "+1212555", 4),
            Place("America/Chicago", "US", "+1312555", 4),
            Place("America/Denver", "US", "+1303555", 4),
            Place("America/Los_Angeles", "US", "+1213555", 4),
            Place("Pacific/Honolulu", "US", "+1808555", 4),
        )


def people(count: int, chance: random.Random, *, zones: Sequence[str] = ()) -> Iterator[NewLead]:
    """Yield `count` people living in `zones` (empty: everywhere)."""
    places = [place for place in Place.everywhere() if not zones or place.zone in zones]
    for _ in range(count):
        place = chance.choice(places)
        number = place.prefix + "".join(chance.choices("0123456789", k=place.digits))
        yield NewLead(
            name=f"{chance.choice(FIRST)} {chance.choice(LAST)}",
            numbers=(PhoneNumber(number),),
            window_key=WindowKey(zones=(place.zone,), country=place.country),
            timezone_source="field",
            timezone_given=place.zone,
        )
