"""Which column is what."""

import pytest

from dialler.errors import ImportRefused, SettingsError
from dialler.importing.mapping import Mapping, load_mapping, mapping_from_options, parse_map_option, resolve
from dialler.shipped import shipped_config
from tests.support.lead_files import HEADER, MAP_OPTIONS


def test_columns_are_found_by_name_then_by_name_in_any_case():
    columns = resolve(mapping_from_options(["number= phone ", "name=NAME"]), [" Phone", "Name ", "name", "NAME"])
    assert columns.numbers == (0,)
    assert columns.single["name"] == 3


def test_numbers_keep_the_order_in_which_they_were_given():
    columns = resolve(mapping_from_options(["number=Mobile", "number=Home"]), ["Home", "Mobile"])
    assert columns.numbers == (1, 0)


def test_a_missing_column_is_refused_with_the_closest_one_and_all_there_are():
    with pytest.raises(ImportRefused) as refused:
        resolve(mapping_from_options(["number=Phone Numbre", "name=Hospital"]), HEADER, source="leads.csv")
    text = str(refused.value)
    assert text.startswith("leads.csv: column 'Phone Numbre', mapped to number, is not there")
    assert "did you mean 'Phone Number'?" in text
    assert "column 'Hospital', mapped to name, is not there" in text
    assert "'Provider ID', 'Hospital Name'" in text


def test_a_column_that_is_there_twice_is_refused_only_if_it_is_mapped():
    header = ["Phone", "Note", "Note", "Phone"]
    with pytest.raises(ImportRefused, match="'Phone', mapped to number, is there 2 times"):
        resolve(mapping_from_options(["number=Phone"]), header)
    assert dict(resolve(mapping_from_options(["number=Tel"]), ["Tel", "Note", "Note"]).data) == {
        "Note": 1,
        "Note (2)": 2,
    }


def test_with_no_mapping_the_usual_names_are_found():
    columns = resolve(Mapping(), ["Name", "Telephone", "Phone 2", "Time Zone", "State", "ZIP Code", "City"])
    assert columns.numbers == (1, 2)
    assert columns.single == {"name": 0, "timezone": 3, "region": 4, "postcode": 5}
    assert columns.data == (("City", 6),)


def test_a_name_that_two_columns_could_be_is_left_a_data_field():
    columns = resolve(Mapping(), ["Phone", "State", "Region"])
    assert columns.single == {}
    assert dict(columns.data) == {"State": 1, "Region": 2}


def test_without_a_number_column_the_file_is_refused():
    with pytest.raises(ImportRefused, match=r"no column is mapped to number.*Its columns are 'Name', 'Fax'"):
        resolve(Mapping(), ["Name", "Fax"])
    with pytest.raises(ImportRefused, match="no column is mapped to number"):
        resolve(mapping_from_options(["name=Name"]), ["Name", "Phone"])


def test_the_state_counts_for_the_zone_even_if_nobody_mapped_it():
    header = ["Phone", "State", "Name"]
    assert resolve(mapping_from_options(["number=Phone"]), header).single == {"region": 1}
    assert resolve(mapping_from_options(["number=Phone", "territory=State"]), header).single == {}
    assert resolve(Mapping(fields=(("number", "Phone"),), guess=False), header).single == {}


def test_columns_without_a_use_become_data_unless_told_otherwise():
    header = ["Phone", "City", "", "Rank", "reason"]
    mapping = mapping_from_options(["number=Phone", "town=City"])
    assert resolve(mapping, header).data == (("town", 1), ("Rank", 3))
    assert resolve(Mapping(fields=mapping.fields, keep_rest=False), header).data == (("town", 1),)


@pytest.mark.parametrize(
    ("option", "parsed"),
    [
        ("number=Phone Number", ("number", "Phone Number")),
        ("Customer Key = Id", ("customer_key", "Id")),
        ("Lieblingsfarbe=Farbe", ("Lieblingsfarbe", "Farbe")),
        ("note=a=b", ("note", "a=b")),
    ],
)
def test_map_options(option, parsed):
    assert parse_map_option(option) == parsed


@pytest.mark.parametrize("option", ["number", "=Phone", "number=", " = "])
def test_a_map_option_without_field_or_column_is_refused(option):
    with pytest.raises(ImportRefused, match="expected FIELD=COLUMN"):
        parse_map_option(option)


def test_only_numbers_may_have_several_columns():
    with pytest.raises(ImportRefused, match="name is given 2 times"):
        mapping_from_options(["name=A", "name=B"])


def test_the_example_mapping_fits_the_real_file():
    text = shipped_config("mappings/example.toml").read_text("utf-8")
    columns = resolve(load_mapping(text, "example.toml"), HEADER)
    by_hand = resolve(mapping_from_options([*MAP_OPTIONS, "city=City"]), HEADER)
    assert columns == by_hand


def test_a_broken_mapping_lists_all_its_mistakes():
    text = 'keep_rest = "yes"\n[fields]\nnumber = []\nname = ["a", "b"]\nnme = "c"\n[data]\nregion = "d"\ncity = 7\n'
    with pytest.raises(SettingsError) as error:
        load_mapping(text, "m.toml")
    keys = [mistake.key for mistake in error.value.mistakes]
    assert keys == ["keep_rest", "fields.number", "fields.name", "fields.nme", "data.region", "data.city"]
    assert all(mistake.file == "m.toml" for mistake in error.value.mistakes)


def test_a_mapping_that_is_no_toml_is_refused_by_name():
    with pytest.raises(SettingsError, match=r"m\.toml: .*TOML"):
        load_mapping("= 1", "m.toml")
