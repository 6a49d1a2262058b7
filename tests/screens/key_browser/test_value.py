"""What a value looks like, and what of it can be edited."""

import pytest

from kvtui.screens.key_browser.editing import EDITED_BYTES, not_editable
from kvtui.screens.key_browser.value import (
    LAID_OUT_BYTES,
    LAID_OUT_MOST,
    SHOWN_CHARACTERS,
    SHOWN_HEX,
    SHOWN_LINES,
    Kind,
    laid_out,
    present,
)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"hello", Kind.TEXT),
        (b"line\nline\n", Kind.TEXT),
        (b"line\r\n\tline", Kind.QUOTED),
        (b"42", Kind.TEXT),
        (b'{"a": 1}', Kind.JSON),
        (b" [1]", Kind.JSON),
        (b'{"a":', Kind.TEXT),
        (b"trailing ", Kind.QUOTED),
        (b'"q"', Kind.QUOTED),
        (b"[" * 100_000, Kind.TEXT),
        (b"\x00\x01", Kind.BINARY),
        (b"caf\xe9", Kind.BINARY),
        ("café".encode(), Kind.TEXT),
    ],
)
def test_a_value_is_what_its_bytes_say(value: bytes, kind: Kind) -> None:
    assert present(value, 80).kind is kind


def test_what_can_not_be_seen_in_a_text_is_written_out_line_by_line_as_it_can_be_typed() -> None:
    assert present(b"a\n b\n", 80).text == "a\n b\n"
    assert present(b"a\n b \n\tc", 80).text == '"a\\n"\n" b \\n"\n"\\tc"'
    assert present("zw\u200bsp".encode(), 80).text == r'"zw\u200bsp"'
    assert present(rb'"zw\u200bsp"', 80).text == r'"\"zw\\u200bsp\""'


def test_a_long_text_written_out_is_cut_and_says_how_much_is_missing() -> None:
    shown = present(b"\t" * SHOWN_CHARACTERS + b"\n", 80)
    assert SHOWN_CHARACTERS - 30 < len(shown.text) <= SHOWN_CHARACTERS
    kept = shown.text.count("t")
    assert f"the first {kept:,} of {SHOWN_CHARACTERS + 1:,} bytes are shown" in shown.left_out


def test_json_is_laid_out_and_its_numbers_stay_as_they_are_stored() -> None:
    shown = present(b'{"n":12345678901234567890123.10,"n":1e400,"t":[true]}', 80)
    assert shown.text.splitlines() == [
        "{",
        '  "n": 12345678901234567890123.10,',
        '  "n": 1e400,',
        '  "t": [',
        "    true",
        "  ]",
        "}",
    ]
    assert shown.left_out == ""


def test_laying_out_never_makes_much_of_little() -> None:
    assert laid_out(b"[" * 900 + b"1," * 30_000 + b"1" + b"]" * 900) is None
    assert laid_out(b"[" + b"1," * LAID_OUT_BYTES + b"1]") is None
    nested = laid_out(b"[" * 50 + b"1," * 30_000 + b"1" + b"]" * 50)
    assert nested is not None
    assert len(nested) <= LAID_OUT_MOST


def test_binary_is_hex_with_as_many_columns_as_there_is_room_for() -> None:
    assert present(b"\x00AB\xff", 80).text == "0000  00 41 42 ff" + " " * 38 + "·AB·"
    for width in (80, 71, 60, 39, 36, 23):
        lines = present(bytes(range(256)), width).text.splitlines()
        assert max(map(len, lines)) <= width
    assert len(present(bytes(range(256)), 71).text.splitlines()) == 16


@pytest.mark.parametrize(
    ("value", "left_out"),
    [
        (b"\x00" * (SHOWN_HEX + 5), "the first 4,096 of 4,101 bytes are shown, 5 are not"),
        (b"a" * (SHOWN_CHARACTERS + 5), "the first 32,768 of 32,773 bytes are shown, 5 are not"),
        (b"a\n" * SHOWN_LINES + b"bc", "the first 3,999 of 4,002 bytes are shown, 3 are not"),
        (b"[" + b"1," * SHOWN_LINES + b"1]", "the first 2,000 of 2,003 lines that it is laid out in"),
        (b"x" * (16 * 1024 * 1024), "16,744,448 are not"),
    ],
)
def test_a_long_value_is_cut_and_says_how_much_is_missing(value: bytes, left_out: str) -> None:
    shown = present(value, 80)
    assert left_out in shown.left_out
    assert len(shown.text) <= SHOWN_CHARACTERS
    assert shown.text.count("\n") < SHOWN_LINES


def test_a_cut_never_splits_a_character() -> None:
    shown = present("€".encode() * SHOWN_CHARACTERS * 2, 80)
    assert set(shown.text) == {"€"}
    assert f"the first {3 * SHOWN_CHARACTERS:,} of {6 * SHOWN_CHARACTERS:,} bytes" in shown.left_out


def test_no_value_can_drive_the_terminal() -> None:
    for value in (b"a\x1b[2Jb", "a\u202eb".encode(), '["\u202e\x7f"]'.encode(), b"a\rb"):
        text = present(value, 80).text
        assert all(char.isprintable() or char == "\n" for char in text), text


def test_text_that_an_editor_gives_back_as_it_was_can_be_edited() -> None:
    for value in (b"", b"one line", b"two\nlines\n", b"two\r\nlines", "café ✓".encode(), b"\ttab"):
        assert not_editable(value) == ""


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\x00\xff", "binary"),
        (b"a\nb\r\nc", "line ends"),
        (b"a\x1bb", "control characters"),
        ("a\u2028b".encode(), "line ends"),
        ("a\u200bb".encode(), "can't be seen in an editor"),
        (b"a" * (EDITED_BYTES + 1), "65,537 bytes"),
    ],
)
def test_a_value_that_can_not_be_edited_says_why(value: bytes, why: str) -> None:
    assert why in not_editable(value)
