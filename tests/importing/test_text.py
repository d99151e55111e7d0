"""From bytes to text."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.errors import ImportRefused
from dialler.importing.text import UNREADABLE, TextDecoder


def decoded(data: bytes, *, encoding: str | None = None, piece: int = 7) -> tuple[str, TextDecoder]:
    decoder = TextDecoder(data[:8], encoding=encoding, source="leads.csv")
    text = "".join(decoder.decode(data[at : at + piece]) for at in range(0, len(data), piece))
    return text + decoder.decode(b"", final=True), decoder


@settings(max_examples=100)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff")),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    piece=st.integers(1, 9),
)
def test_marked_files_and_utf_8_are_read_as_they_were_written_however_they_arrive(text, encoding, piece):
    data = ("x" + text).encode(encoding)
    assert decoded(data, piece=piece)[0] == "x" + text


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-15", "mac-roman", "utf-16-le", "cp1250", "shift_jis"])
def test_a_given_encoding_is_used(encoding):
    text = "name\nMüller" if encoding != "shift_jis" else "name\n田中"
    assert decoded(text.encode(encoding), encoding=encoding)[0] == text


def test_a_file_that_is_not_utf_8_is_read_as_cp1252_and_the_report_says_so():
    text, decoder = decoded("Jörg;10 €;Zoë".encode("cp1252"))
    assert text == "Jörg;10 €;Zoë"
    assert decoder.note() is not None
    assert "3 bytes are not UTF-8 and were read as cp1252" in decoder.note()


def test_a_utf_8_file_has_no_note():
    assert decoded("Jörg".encode())[1].note() is None


def test_a_byte_order_mark_is_believed_before_the_encoding_given():
    assert decoded(codecs.BOM_UTF8 + "é".encode(), encoding="cp1252")[0] == "é"


def test_bytes_that_mean_nothing_are_marked_and_do_not_end_the_import():
    assert decoded(b"a\x81b", encoding=None)[0] == f"a{UNREADABLE}b"  # 0x81 is nothing in cp1252 either
    assert decoded(b"a\xffb", encoding="ascii")[0] == f"a{UNREADABLE}b"
    assert decoded("ab".encode("utf-16-le") + b"\x00\xd8", encoding="utf-16-le")[0] == f"ab{UNREADABLE}"


@pytest.mark.parametrize("name", ["utf-99", "hex", "rot13", "base64", "", "a\x00b"])
def test_what_is_no_text_encoding_is_refused_by_name(name):
    with pytest.raises(ImportRefused, match=r"encoding = .*expected one such as utf-8"):
        TextDecoder(b"abcd", encoding=name, source="leads.csv")


@pytest.mark.parametrize("head", [b"\x1f\x8b......", b"%PDF-1.7"])
def test_an_archive_or_document_is_refused(head):
    with pytest.raises(ImportRefused, match=r"leads\.csv is .* not text"):
        TextDecoder(head, encoding=None, source="leads.csv")
