"""Lead files for tests: the real one where $DIALLER_TEST_LEADS names it, else one of the same form."""

import csv
import os
import random
from dataclasses import dataclass
from pathlib import Path

import phonenumbers

HEADER = (
    "Provider ID,Hospital Name,Address,City,State,ZIP Code,County Name,Phone Number,Hospital Type,Hospital Ownership,"
    "Emergency Services,Meets criteria for meaningful use of EHRs,Hospital overall rating,"
    "Hospital overall rating footnote,Mortality national comparison,Mortality national comparison footnote,"
    "Safety of care national comparison,Safety of care national comparison footnote,"
    "Readmission national comparison,Readmission national comparison footnote,Patient experience national comparison,"
    "Patient experience national comparison footnote,Effectiveness of care national comparison,"
    "Effectiveness of care national comparison footnote,Timeliness of care national comparison,"
    "Timeliness of care national comparison footnote,Efficient use of medical imaging national comparison,"
    "Efficient use of medical imaging national comparison footnote,Location"
).split(",")

MAP_OPTIONS = (
    "number=Phone Number",
    "name=Hospital Name",
    "region=State",
    "postcode=ZIP Code",
    "customer_key=Provider ID",
)
"""For `--map`; they go with `--region US`."""

_STATES = (
    "AL205 AK907 AZ602 AR501 CA415 CO303 CT203 DE302 DC202 FL305 GA404 HI808 ID208 IL312 IN317 IA515 KS316 KY502 LA504 "
    "ME207 MD410 MA617 MI313 MN612 MS601 MO314 MT406 NE402 NV702 NH603 NJ201 NM505 NY212 NC704 ND701 OH216 OK405 OR503 "
    "PA215 RI401 SC803 SD605 TN615 TX214 UT801 VT802 VA804 WA206 WV304 WI414 WY307 AS684 GU671 MP670 PR787 VI340"
)
AREA_CODES = {text[:2]: text[2:] for text in _STATES.split()}
"""One of each state and territory."""

_INVALID = ("9100000000", "0936933841", "123", "555-CALL")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCounts:
    """What importing a file must report, worked out without the code under test."""

    rows: int
    rejected: int
    duplicates: int

    @property
    def imported(self) -> int:
        return self.rows - self.rejected


def lead_file(tmp_path: Path) -> Path:
    """Return the real lead file, or write one of the same form."""
    given = os.environ.get("DIALLER_TEST_LEADS")
    return Path(given) if given else write_lead_file(tmp_path / "leads.csv")


def write_lead_file(path: Path, *, rows: int = 1200, invalid: int = 2, repeats: int = 18, seed: int = 1) -> Path:
    """Write a file of the form of the real one, of which `invalid` rows have no valid number, and `repeats` have one
    that an earlier row has. The same arguments give the same file."""
    chance = random.Random(seed)
    odd = chance.sample(range(rows // 2, rows), invalid + repeats)  # so that each has rows before it to repeat
    without, again = set(odd[:invalid]), set(odd[invalid:])
    numbers: list[str] = []
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(HEADER)
        for row in range(rows):
            state = list(AREA_CODES)[row % len(AREA_CODES)]
            if row in without:
                number = _INVALID[row % len(_INVALID)]
            elif row in again:
                number = numbers.pop(chance.randrange(len(numbers)))  # a number is repeated once at most
            else:
                exchange = 258 if state == "AS" else 555  # American Samoa has few
                # The last digits take turns: in `tests.support.asterisk` they are a number's fate.
                line = row // len(AREA_CODES) * 10 + row % 10
                number = f"{AREA_CODES[state]}{exchange * 10_000 + line}"
                numbers.append(number)
            lines.writerow(_cells(row, state, number))
    return path


def expected_counts(path: Path) -> ExpectedCounts:
    """Return what importing a file of this form with `--region US` into an empty campaign must report."""
    rows = rejected = duplicates = 0
    seen: set[tuple[int | None, int | None]] = set()
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows += 1
            try:
                number = phonenumbers.parse(row["Phone Number"], "US")
                valid = phonenumbers.is_valid_number(number)
            except phonenumbers.NumberParseException:
                valid = False
            if not valid:
                rejected += 1
                continue
            key = (number.country_code, number.national_number)
            duplicates += key in seen
            seen.add(key)
    return ExpectedCounts(rows=rows, rejected=rejected, duplicates=duplicates)


def _cells(row: int, state: str, number: str) -> list[str]:
    city = f"TOWN {row % 97}"
    street = f"{row + 1} MAIN STREET, SUITE {row % 9}" if row % 3 else f"{row + 1} MAIN STREET"
    cells = dict.fromkeys(HEADER, "Not Available")
    cells |= {
        "Provider ID": f"{10_000 + row:06}",
        "Hospital Name": f"{city} GENERAL HOSPITAL",
        "Address": street,
        "City": city,
        "State": state,
        "ZIP Code": f"{(row * 7) % 100_000:05}",
        "County Name": f"COUNTY {row % 31}",
        "Phone Number": number,
        "Location": f"{street} {city}, {state}",
    }
    return list(cells.values())
