"""Phone numbers."""

import anyio.to_process
import pytest

from dialler.importing.phones import WITH_EXTENSION, dialled_number, dialled_numbers, read_numbers
from telephony.presentation import check_region


@pytest.mark.parametrize(
    ("raw", "region", "dialled"),
    [
        ("2565938310", "US", "+12565938310"),
        ("(256) 593-8310", "US", "+12565938310"),
        ("+44 20 7946 0018", "US", "+442079460018"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("787 535 1001", "US", "+17875351001"),
        ("+12565938310", None, "+12565938310"),
        ("2565938310", None, ""),
        ("9100000000", "US", ""),
        ("0936933841", "US", ""),
        ("", "US", ""),
        ("n/a", "US", ""),
        ("2565938310\r\nAction: Command", "US", ""),
        ("9" * 400, "US", ""),
    ],
)
def test_a_number_counts_if_it_is_valid_and_is_dialled_as_e_164(raw, region, dialled):
    assert dialled_number(raw, region) == dialled


def test_an_extension_is_not_dialled_but_known():
    assert dialled_number("256 593 8310 ext. 12", "US") == "+12565938310" + WITH_EXTENSION


@pytest.mark.parametrize("count", [0, 1, 199, 200, 450])
async def test_many_numbers_are_read_as_one_by_one(count):
    raw = [f"256593{1000 + at}" if at % 3 else f"no {at}" for at in range(count)]
    assert await read_numbers(raw, "US") == dialled_numbers(raw, "US")


async def test_numbers_are_read_in_a_process_of_their_own_but_without_one_too(monkeypatch):
    asked: list[int] = []

    async def broken(work):
        asked.append(len(work()))
        raise anyio.BrokenWorkerProcess

    monkeypatch.setattr(anyio.to_process, "run_sync", broken)
    raw = [f"256593{1000 + at}" for at in range(300)]
    assert await read_numbers(raw, "US") == dialled_numbers(raw, "US")
    assert asked == [300]


@pytest.mark.parametrize("given", ["us", "US", " gb "])
def test_a_country_is_two_letters_in_any_case(given):
    assert check_region(given) == given.strip().upper()


@pytest.mark.parametrize("given", ["USA", "", "XX", "001"])
def test_other_countries_are_refused(given):
    with pytest.raises(ValueError, match="expected two letters"):
        check_region(given)
