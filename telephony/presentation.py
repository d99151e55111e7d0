"""How a carrier wants numbers written: the caller id that it is shown, and the number that it is to reach. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers

E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")
_NAMED: Final = re.compile(r'\s*(?:"([^"]*)"|([^"<>]*?))\s*<([^<>]*)>\s*')
_NAME: Final = re.compile(r'[^"<>\\]{1,80}')
NAME_EXPECTED: Final = "a name of 1 to 80 printable characters, without '\"', '<', '>' and '\\'"


class NumberForm(StrEnum):
    """How a number is written."""

    PLUS = "plus"
    """E.164 with its plus sign: +13125550101."""

    DIGITS = "digits"
    """E.164 without: 13125550101."""

    NATIONAL = "national"
    """As it is dialled inside its country: 3125550101; one of another country is written as INTERNATIONAL."""

    INTERNATIONAL = "international"
    """With the prefix that the trunk's country dials abroad with: 01113125550101. As PLUS where that depends on the
    carrier, as in Brazil: no prefix would be right everywhere."""

    @property
    def needs_region(self) -> bool:
        """Whether it differs with the country of the trunk."""
        return self in (NumberForm.NATIONAL, NumberForm.INTERNATIONAL)


def check_region(given: str) -> str:
    """Return a country in capitals. Raises ValueError for one that has no telephone numbers."""
    region = given.strip().upper()
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{given!r} is no country; expected two letters of ISO 3166, such as US or GB")
    return region


# A pool's numbers come again and again, and reading one takes 30 microseconds of the event loop.
@lru_cache(maxsize=10_000)
def written(number: str, form: NumberForm, region: str | None = None) -> str:
    """Return an E.164 number as the carrier wants it; `region` (two capitals) is the country of the trunk.

    Raises ValueError for what is not E.164, and without a region where the form needs one.
    """
    if not E164.fullmatch(number):
        raise ValueError(f"number must be E.164 with its plus sign, got {number!r}")
    if form is NumberForm.PLUS:
        return number
    if form is NumberForm.DIGITS:
        return number[1:]
    if region is None:
        raise ValueError(f"a number in {form} form needs the country of the trunk")
    if form is NumberForm.NATIONAL:
        parsed = phonenumbers.parse(number)
        if parsed.country_code == phonenumbers.country_code_for_region(region):
            national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
            return re.sub(r"[^0-9]", "", national)
    return _international_prefix(region) + number[1:]


def _international_prefix(region: str) -> str:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    for prefix in (metadata.preferred_international_prefix, metadata.international_prefix) if metadata else ():
        # "8~10" waits for a tone between; a pattern such as "0[09]" is no prefix.
        if prefix and re.fullmatch(r"[0-9~]+", prefix):
            return str(prefix).replace("~", "")
    return "+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How calls on a trunk show who calls."""

    form: NumberForm = NumberForm.PLUS
    name: str | None = None
    """Shown with the number; a caller id that has a name of its own keeps that."""

    region: str | None = None
    """The trunk's country, in two capitals."""

    def __post_init__(self) -> None:
        if self.region is not None and check_region(self.region) != self.region:
            raise ValueError(f"region must be two capitals, got {self.region!r}")
        if self.form.needs_region and self.region is None:
            raise ValueError(f"region must be given for caller ids in {self.form} form")
        if self.name is not None:
            check_name(self.name)

    def shown(self, caller_id: str) -> tuple[str, str]:
        """Return the name ("" for none) and the number that the far end is shown.

        `caller_id` is E.164, or anything that a campaign gives, such as '"Clinic" <+13125550101>'. What is not E.164
        goes as it is: a short code, say.
        """
        name, number = self.name or "", caller_id
        if named := _NAMED.fullmatch(caller_id):
            name, number = named[1] or named[2] or name, named[3].strip()
        return name, written(number, self.form, self.region) if E164.fullmatch(number) else number


PLAIN: Final = Presentation()


def check_name(name: str) -> str:
    """Return a name that can be shown. Raises ValueError, saying what is expected."""
    if not _NAME.fullmatch(name) or not name.isprintable() or name != name.strip():
        raise ValueError(NAME_EXPECTED)
    return name
