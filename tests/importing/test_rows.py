"""From text to rows."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.errors import ImportRefused
from dialler.importing import rows
from dialler.importing.rows import RowReader, check_delimiter, guess_delimiter


def read(text: str, *, delimiter: str = ",", piece: int = 5) -> list[rows.Row]:
    reader = RowReader(delimiter)
    found = [row for at in range(0, len(text), piece) for row in reader.feed(text[at : at + piece])]
    return found + list(reader.feed("", final=True))


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8).map(
    lambda text: "x" + text
)


@settings(max_examples=150)
@given(
    table=st.lists(st.lists(cells, min_size=1, max_size=4), max_size=6),
    delimiter=st.sampled_from(",;\t| "),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    piece=st.integers(1, 12),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_csv_writes_is_read_back_however_it_arrives(table, delimiter, end, piece, quoting):
    text = ""
    for row in table:
        line = io.StringIO(newline="")
        # With another line terminator Python 3.11 leaves a CR or LF in a cell without quotes.
        csv.writer(line, delimiter=delimiter, lineterminator="\r\n", quoting=quoting).writerow(row)
        text += line.getvalue().removesuffix("\r\n") + end
    assert [row.cells for row in read(text, delimiter=delimiter, piece=piece)] == table


def test_a_quoted_cell_may_have_line_ends_delimiters_and_quotes():
    found = read('a,b\n"1\r\n2","x, ""y"""\n')
    assert [row.cells for row in found] == [["a", "b"], ["1\r\n2", 'x, "y"']]


def test_a_line_end_inside_a_cell_may_be_split_between_two_chunks():
    reader = RowReader(",")
    assert list(reader.feed("a,b\r")) == []
    assert [row.cells for row in reader.feed("\nc,d\r\n")] == [["a", "b"], ["c", "d"]]


def test_unicode_line_separators_end_no_row():
    assert [row.cells for row in read("a\u2028b\x0cc\x85d,e\n")] == [["a\u2028b\x0cc\x85d", "e"]]


def test_blank_rows_are_left_out_but_counted_as_a_spreadsheet_does():
    assert [(row.number, row.cells) for row in read("a,b\n\n , \n1,2")] == [(1, ["a", "b"]), (4, ["1", "2"])]


def test_nul_and_undecodable_characters_condemn_their_row_alone():
    found = read("a,b\n1,2\x00\n3,4\n5,\ud8006\n7,8\n")
    assert [row.problem for row in found] == ["", "nul", "", "encoding", ""]


def test_a_quote_that_is_never_closed_costs_its_own_line_only():
    found = read('a,b\n1,"2\n3,4\n5,6\n')
    assert [(row.cells, row.problem) for row in found] == [
        (["a", "b"], ""),
        (['1,"2'], "unreadable"),
        (["3", "4"], ""),
        (["5", "6"], ""),
    ]


def test_a_quote_that_swallows_more_than_a_cell_can_hold_costs_its_own_line_only():
    lines = [f"{at},name of {at}" for at in range(20_000)]
    lines[100] = '100,"name'
    found = read("\n".join(lines), piece=1 << 16)
    assert len(found) == 20_000
    assert [row.number for row in found if row.problem] == [101]


def test_a_line_without_an_end_is_skipped_and_not_kept_in_memory(monkeypatch):
    monkeypatch.setattr(rows, "LINE_CHARS_MAX", 100)
    reader = RowReader(",")
    found = list(reader.feed("a,b\n"))
    for _ in range(1000):
        found += reader.feed("x,y,z," * 20)
        assert len(reader._rest) <= 220
    found += reader.feed("end\nc,d\n", final=True)
    assert found[0].cells == ["a", "b"]
    assert found[-1].cells == ["c", "d"]
    assert len(found) == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_guessed(delimiter):
    lines = [["name", "phone, home", "note"], ["Smith; Jo", "212 555 0100", "a, b, c"], ["Ng", "1|2", "x\ty"]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(lines * 4)
    assert guess_delimiter(text.getvalue()) == delimiter


@pytest.mark.parametrize("text", ["phone\n2125550100\n2125550101\n", "phone\n", "", "phone"])
def test_a_file_of_one_column_needs_no_delimiter(text):
    assert guess_delimiter(text) == ","


@pytest.mark.parametrize(("given", "meant"), [("tab", "\t"), ("\\t", "\t"), (";", ";"), ("§", "§"), (" ", " ")])
def test_any_one_character_can_be_the_delimiter(given, meant):
    assert check_delimiter(given) == meant


@pytest.mark.parametrize("given", ["", ",,", "\n", '"', "\x00"])
def test_other_delimiters_are_refused(given):
    with pytest.raises(ImportRefused, match="expected one character"):
        check_delimiter(given)
