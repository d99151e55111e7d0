"""How numbers are written for a carrier."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.presentation import NumberForm, Presentation, written

EXAMPLES = [
    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number(region)) is not None
]
regions = st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS))


@given(number=st.sampled_from(EXAMPLES), region=regions, form=st.sampled_from(NumberForm))
def test_a_number_in_any_form_is_the_same_number_to_who_reads_it_in_the_trunks_country(
    number: str, region: str, form: NumberForm
) -> None:
    text = written(number, form, region)
    assert text.removeprefix("+").isdigit()
    read = "+" + text if form is NumberForm.DIGITS else text
    parsed = phonenumbers.parse(read, region)
    assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number


@pytest.mark.parametrize(
    ("number", "region", "national"),
    [
        ("+13125550101", "US", "3125550101"),
        ("+14165550101", "US", "4165550101"),
        ("+442079460000", "GB", "02079460000"),
        ("+390612345678", "IT", "0612345678"),
        ("+4930123456", "RU", "8104930123456"),
        ("+442079460000", "SG", "+442079460000"),
    ],
)
def test_national_numbers_are_as_people_there_dial_them(number: str, region: str, national: str) -> None:
    assert written(number, NumberForm.NATIONAL, region) == national


@pytest.mark.parametrize("number", ["13125550101", "+", "+0312", "anonymous", "+1312555\n0101"])
def test_what_is_not_e164_is_never_written_as_something_else(number: str) -> None:
    with pytest.raises(ValueError, match=r"E\.164"):
        written(number, NumberForm.DIGITS)
    assert Presentation(form=NumberForm.DIGITS).shown(number) == ("", number)


@pytest.mark.parametrize(
    ("caller_id", "shown"),
    [
        ("+13125550101", ("Clinic", "13125550101")),
        ('"Dr Who" <+13125550101>', ("Dr Who", "13125550101")),
        ("Dr Who <+13125550101>", ("Dr Who", "13125550101")),
        ("<+13125550101>", ("Clinic", "13125550101")),
        ("Dr Who <2700>", ("Dr Who", "2700")),
        ("anonymous", ("Clinic", "anonymous")),
    ],
)
def test_a_name_of_the_caller_ids_own_goes_before_the_trunks(caller_id: str, shown: tuple[str, str]) -> None:
    assert Presentation(form=NumberForm.DIGITS, name="Clinic").shown(caller_id) == shown


@pytest.mark.parametrize(
    "facts",
    [
        {"form": NumberForm.NATIONAL},
        {"form": NumberForm.INTERNATIONAL},
        {"region": "XX"},
        {"region": "us"},
        *({"name": name} for name in ("", " a", 'a"b', "a<b", "a\\b", "a\nb", "x" * 81)),
    ],
)
def test_a_presentation_that_could_not_be_shown_is_refused(facts: dict) -> None:
    with pytest.raises(ValueError, match=r"region|name|country"):
        Presentation(**facts)
