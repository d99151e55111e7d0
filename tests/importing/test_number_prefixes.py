"""Numbers read by how they begin: exactly what the library says of each."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberType

from dialler.importing import number_prefixes
from dialler.importing.number_prefixes import NumberReader
from dialler.importing.phones import dialled_number_and_type

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
TYPES = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE, PhoneNumberType.VOIP)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_prefixes, "_WORTH_A_WALK", 0)


def _examples(region: str) -> list[str]:
    found = [phonenumbers.example_number_for_type(region, kind) for kind in TYPES]
    return sorted({phonenumbers.national_significant_number(number) for number in found if number is not None})


def _written(region: str, national: str) -> list[str]:
    metadata = PhoneMetadata.metadata_for_region(region)
    code = metadata.country_code
    return [
        national,
        f"{metadata.national_prefix or ''}{national}",
        f"+{code}{national}",
        f"+{code} ({national[:3]}) {national[3:6]}-{national[6:]}",
        f"{code}{national}",
        f"({national[:2]}) {national[2:]}",
        f"{(metadata.international_prefix or '00').split('(')[0]}{code}{national}",
        f"+{code} {metadata.national_prefix or ''}{national}",
    ]


@st.composite
def _files(draw: st.DrawFn) -> tuple[str | None, list[str]]:
    """Return a region and raw numbers, many of which begin alike: of that region, and of another."""
    region, other = draw(st.sampled_from(REGIONS)), draw(st.sampled_from(REGIONS))
    raw: list[str] = []
    for example in [*_examples(region), *_examples(other)[:1]]:
        for _ in range(draw(st.integers(1, 4))):
            at = draw(st.integers(0, len(example)))
            tail = draw(st.text("0123456789", min_size=len(example) - at, max_size=len(example) - at + 1))
            raw.append(draw(st.sampled_from(_written(region, example[:at] + tail))))
    raw += draw(st.lists(st.text("0123456789+() -.x#*/٣", max_size=16), max_size=3))
    return draw(st.sampled_from([region, None, other])), draw(st.permutations([*raw, *raw]))


@settings(max_examples=400, deadline=None)
@given(_files())
def test_every_number_is_read_as_the_library_reads_it(file: tuple[str | None, list[str]]) -> None:
    region, raw = file
    reader = NumberReader()
    for each in raw:
        assert reader.read(each, region) == dialled_number_and_type(each, region), (each, region, raw)


@pytest.mark.slow
@pytest.mark.parametrize("region", ["US", "CA", "GB", "DE", "FR", "IT", "BR", "AR", "MX", "AU", "IN", "JP", "KZ", "SM"])
def test_what_one_number_taught_holds_for_all_that_begin_alike(region: str) -> None:
    """Each digit of each example in turn is each other digit, after the example was learnt, and before."""
    reader = NumberReader()
    for example in _examples(region):
        for written in _written(region, example):
            varied = [
                written[:at] + digit + written[at + 1 :]
                for at, old in enumerate(written)
                if old.isdigit()
                for digit in "0123456789"
            ]
            for each in [written, *varied, written, *varied]:
                assert reader.read(each, region) == dialled_number_and_type(each, region), each


def test_most_numbers_of_a_file_need_no_look_into_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(raw: str, region: str | None) -> tuple[str, str]:
        asked.append(raw)
        return dialled_number_and_type(raw, region)

    monkeypatch.setattr(number_prefixes, "dialled_number_and_type", ask)
    monkeypatch.setattr(number_prefixes, "_WORTH_A_WALK", 5)
    reader = NumberReader()
    read = [
        reader.read(f"({area}) {exchange}-{line:04}", "US")
        for area in (212, 305, 415)
        for exchange in (355, 734)
        for line in range(100)
    ]
    assert len(set(read)) == 600 and all(kind == "fixed_line_or_mobile" for _, kind in read)
    assert len(asked) <= 6 * 6
