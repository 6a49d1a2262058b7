"""The files of load and save: what is written is read back, and what is wrong is told with its line."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.commands import records
from kvtui.commands.records import BadRecord, Format, format_of, head, read_records, written
from kvtui.core.protocol import KEY_BYTES, VALUE_BYTES


def pairs(data: bytes, form: Format) -> list[tuple[bytes, bytes]]:
    return [(record.key, record.value) for record in read_records(BytesIO(data), form)]


def problem(data: bytes, form: Format) -> str:
    with pytest.raises(BadRecord) as caught:
        pairs(data, form)
    return str(caught.value)


@pytest.mark.parametrize("form", Format)
@given(items=st.lists(st.tuples(st.binary(min_size=1), st.binary())))
def test_any_keys_and_values_survive_a_file(form: Format, items: list[tuple[bytes, bytes]]) -> None:
    data = head(form) + b"".join(written(key, value, form) for key, value in items)
    assert pairs(data, form) == items


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.jsonl", Format.JSON_LINES),
        ("a.ndjson", Format.JSON_LINES),
        ("a.json", Format.JSON_LINES),
        ("A.CSV", Format.CSV),
        ("dir.csv/a", None),
        ("a.txt", None),
    ],
)
def test_the_name_tells_the_format(name: str, form: Format | None) -> None:
    assert format_of(name) is form


def test_json_lines_as_a_person_writes_them() -> None:
    data = b'\xef\xbb\xbf{"value": "1", "key": "a"}\r\n\n  {"key":"b","value":{"b64":"/w=="}}'
    assert pairs(data, Format.JSON_LINES) == [(b"a", b"1"), (b"b", b"\xff")]


def test_csv_as_spreadsheets_write_it() -> None:
    data = b'\xef\xbb\xbfkey,value\r\na,1\r\n"b,c","two\r\nlines ""quoted"""\r\n\r\nd,\r\n'
    expected = [(b"a", b"1"), (b"b,c", b'two\r\nlines "quoted"'), (b"d", b"")]
    assert pairs(data, Format.CSV) == expected


def test_only_a_first_row_is_a_header() -> None:
    assert pairs(b"a,1\nkey,value\n", Format.CSV) == [(b"a", b"1"), (b"key", b"value")]


def test_bytes_that_are_not_utf8_are_base64_in_json_and_themselves_in_csv() -> None:
    assert written(b"k", b"\xff", Format.JSON_LINES) == b'{"key":"k","value":{"b64":"/w=="}}\n'
    assert written(b"k", b"\xff", Format.CSV) == b"k,\xff\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nonsense", "line 2: not JSON"),
        (b'{"key": "a"', "line 2: not JSON"),
        (b'{"key": "a", "value": "\xff"}', "line 2: not UTF-8"),
        ('{"key": "a", "value": "1"}'.encode("utf-16"), "line 2: not UTF-8"),
        pytest.param(b'{"key": "a", "value": {"more": ' + b"[" * 100_000, "line 2: not JSON", id="too deep"),
        (b'["a", "b"]', "line 2: not {"),
        (b'{"key": "a"}', "line 2: not {"),
        (b'{"key": "a", "value": 1}', "line 2: not {"),
        (b'{"key": "a", "value": "1", "ttl": 5}', "ttl"),
        (b'{"key": "a", "value": {"b64": "!"}}', "line 2: bad base64"),
        (b'{"key": "", "value": "1"}', "line 2: the key is empty"),
    ],
)
def test_a_bad_json_line_is_told_with_its_number(line: bytes, words: str) -> None:
    assert words in problem(b'{"key":"ok","value":"1"}\n' + line + b"\n", Format.JSON_LINES)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b"a,b,c", "line 4: 3 columns"),
        (b"a", "line 4: 1 columns"),
        (b'"a"b,c', "line 4: not CSV"),
        (b'"open,c', "line 4: not CSV"),
        (b'"",c', "line 4: the key is empty"),
    ],
)
def test_a_bad_csv_row_is_told_with_the_line_where_it_begins(row: bytes, words: str) -> None:
    assert words in problem(b'ok,"1\n2\n3"\n' + row + b"\n", Format.CSV)


def test_keys_and_values_above_their_limits_are_told() -> None:
    long_key = written(b"k" * (KEY_BYTES + 1), b"", Format.JSON_LINES)
    assert problem(long_key, Format.JSON_LINES) == "line 1: the key has 65,537 bytes; 65,536 are the most"
    long_value = written(b"k", b"v" * (VALUE_BYTES + 1), Format.CSV)
    assert "line 1" in problem(long_value, Format.CSV)
    assert pairs(written(b"k", b"v" * VALUE_BYTES, Format.CSV), Format.CSV) == [(b"k", b"v" * VALUE_BYTES)]


@pytest.mark.parametrize("form", Format)
def test_a_file_without_line_ends_is_not_read_into_memory(form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LINE_BYTES", 1000)
    file = BytesIO(b"x" * 100_000)
    with pytest.raises(BadRecord, match="line 1: longer than any record"):
        list(read_records(file, form))
    assert file.tell() <= 1001


def test_a_bad_line_is_not_repeated_in_the_error() -> None:
    assert "hunter2" not in problem(b'{"key": "password", "value": ["hunter2"]}', Format.JSON_LINES)


def test_records_know_how_much_of_the_file_they_end() -> None:
    data = b"a,1\nb,2\n"
    assert [record.end for record in read_records(BytesIO(data), Format.CSV)] == [4, 8]
