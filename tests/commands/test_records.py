"""The files of load and save: what is written is read back, and what is wrong is told with its line."""

from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvtui.commands.records import (
    BadRecord,
    Format,
    csv_rows,
    format_of,
    head,
    is_text,
    json_lines,
    lines,
    read_records,
    written,
)
from kvtui.core.protocol import KEY_BYTES, VALUE_BYTES


def pairs(data: bytes, form: Format) -> list[tuple[bytes, bytes]]:
    return [(record.key, record.value) for record in read_records(BytesIO(data), form)]


def problem(data: bytes, form: Format) -> str:
    with pytest.raises(BadRecord) as caught:
        pairs(data, form)
    return str(caught.value)


@pytest.mark.parametrize("form", Format)
@given(items=st.lists(st.tuples(st.binary(min_size=1), st.binary())))
@example(
    items=[
        (b"a", b"x\n\xef\xbb\xbfy"),
        (b"\xef\xbb\xbfb", b"\xef\xbb\xbf"),
        (b" c", b"d\t"),
        (b"#", b"\r"),
        (b"sep=;", b""),
    ]
)
@example(items=[(b"key", b"value"), (b'"', b'""'), (b"\x1a", b"\x1e"), (b"\xff\xfe", b"\0"), (b"a;b", b"\xc2\x85,")])
def test_any_keys_and_values_survive_a_file(form: Format, items: list[tuple[bytes, bytes]]) -> None:
    text = all(is_text(key) and is_text(value) for key, value in items)
    assert len(head(form, text=True)) == len(head(form, text=False))
    data = head(form, text=text) + b"".join(written(key, value, form) for key, value in items)
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


@pytest.mark.parametrize(
    ("form", "data", "expected"),
    [
        (Format.CSV, b"\xef\xbb\xbfa,1\nb,2\n", [(b"a", b"1"), (b"b", b"2")]),
        (Format.CSV, b"key,value\na,1\nb,2", [(b"a", b"1"), (b"b", b"2")]),
        (Format.CSV, b"key,value\n\na,1\n  \n\r\nb,2\n", [(b"a", b"1"), (b"b", b"2")]),
        (Format.CSV, b"key,value\na,1\na,2\n", [(b"a", b"1"), (b"a", b"2")]),
        (Format.CSV, b'key,value\na,\nb,""\n', [(b"a", b""), (b"b", b"")]),
        (Format.CSV, b"key,value\n", []),
        (Format.CSV, b"", []),
        (Format.CSV, b"\xef\xbb\xbf", []),
        (Format.JSON_LINES, b"", []),
        (Format.JSON_LINES, b"\xef\xbb\xbf\n \t\n", []),
        (Format.JSON_LINES, b"\xef\xbb\xbf", []),
        (Format.JSON_LINES, rb'{"key":"a","value":"\ud83d\ude00"}', [(b"a", "😀".encode())]),
        (Format.JSON_LINES, rb'{"key":"a\u0000b","value":"\"\\"}', [(b"a\0b", b'"\\')]),
        (Format.JSON_LINES, b'{"key":{"b64":"/w=="},"value":{"b64":""}}', [(b"\xff", b"")]),
        (Format.JSON_LINES, rb'{"k\u0065y":"a","value":"1"}', [(b"a", b"1")]),
    ],
)
def test_what_is_right_is_read(form: Format, data: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert pairs(data, form) == expected


def test_only_a_first_row_is_a_header() -> None:
    assert pairs(b"a,1\nkey,value\n", Format.CSV) == [(b"a", b"1"), (b"key", b"value")]


def test_bytes_that_are_not_utf8_are_base64_in_json_and_themselves_in_csv() -> None:
    assert written(b"k", b"\xff", Format.JSON_LINES) == b'{"key":"k","value":{"b64":"/w=="}}\n'
    assert written(b"k", b"\xff", Format.CSV) == b"k,\xff\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "2, character 1: not JSON; one object"),
        ("{'key': 'a', 'value': '1'}", "2, character 2: single quotes: JSON has double quotes"),
        ('{"key": "a"', "2, character 12: the object does not end on its line"),
        ('{"key": "a", "value": "1"', "2, character 26: the object does not end on its line"),
        ("{", "2, character 2: the object does not end on its line"),
        ('{"key": "a", "value": "1}', "2, character 23: a string that does not end on its line"),
        ('{"key": "a", "value": "1"},', "2, character 27: a comma after the object"),
        ('{"key": "a", "value": "1",}', "2, character 26: a comma too many"),
        ('{"key": "a", "value": "1"}{"key": "b"}', "2, character 27: a second object; one a line"),
        (
            '{"key": "a", "value": "1"}\r{"key": "b"}',
            "2, character 28: a second object; one a line is expected (old line ends",
        ),
        ('{"key": "a", "value": "1"} # one', "2, character 28: something follows the object"),
        ('{key: "a", value: "1"}', "2, character 2: a name without double quotes"),
        ('{"key": "a", "value": yes}', "2, character 23: text without double quotes"),
        ('{"key": "a", value: "1"}', "2, character 14: a name without double quotes"),
        ('{"key": "a",', "2, character 13: the object does not end on its line"),
        ('{"key": "a,\x01", "value": "1"}', "2, character 12: a control character"),
        ('{"key": "a", "value": "\\', "2, character 23: a string that does not end on its line"),
        ('{"key": "a" "value": "1"}', "2, character 13: not JSON (expecting ',' delimiter)"),
        ('{"key": "a\tb", "value": "1"}', r"2, character 11: a control character (0x09) in a string: write it as \t"),
        ('{"key": "a\x01b", "value": "1"}', r"(0x01) in a string: write it as \u0001"),
        (r'{"key": "C:\data", "value": "1"}', "2, character 12: a backslash that begins no escape"),
        ("  # generated", "2, character 3: a comment; JSON has none"),
        ('// {"key": "a", "value": "1"}', "2, character 1: a comment"),
        ('\x1e{"key": "a", "value": "1"}', "2, character 1: the record separator 0x1e"),
        ('\ufeff{"key": "a", "value": "1"}', "2, character 1: a byte order mark amid the file"),
        ("\x1a", "2, character 1: the byte 0x1a"),
        ("\0{", "2, character 1: a zero byte"),
        ('[{"key": "a", "value": "1"}]', "2, character 1: a JSON array; one object"),
        ('"a"', "2: text; one object"),
        ("5", "2: a number; one object"),
        ('{"a": "1", "b": "2"}', "2: an object without the fields key and value"),
        ("{}", "2: an object without the fields key and value"),
        ('{"key": "a"}', '2: the field "value" is missing'),
        ('{"Key": "a", "value": "1"}', '2: the field "Key" is to be named "key"'),
        ('{"key": "a", "value": "1", "ttl": 5}', '2: the field "ttl" is not known'),
        ('{"key": "a", "key": "b", "value": "1"}', '2: the field "key" comes twice'),
        ('{"key": "a", "value": "1", "v\\u0061lue": "2"}', '2: the field "value" comes twice'),
        ('{"key": "a", "value": {"b64": "YQ==", "b64": "Yg=="}}', '2: the "b64" of the value comes twice'),
        ('{"key": "a", "value": 1}', "2: the value is a number; it must be text"),
        ('{"key": "a", "value": ' + "9" * 5000 + "}", "2: the value is a number; it must be text"),
        ('{"key": 1.5, "value": "1"}', "2: the key is a number; it must be text"),
        ('{"key": "a", "value": null}', "2: the value is null; it must be text"),
        ('{"key": "a", "value": true}', "2: the value is true; it must be text"),
        ('{"key": "a", "value": ["1"]}', "2: the value is an array; it must be text"),
        ('{"key": "a", "value": {"x": 1}}', "2: the value is an object; it must be text"),
        ('{"key": "a", "value": NaN}', "2: the value is NaN, which JSON does not have; it must be text"),
        ('{"key": "a", "value": -Infinity}', "2: the value is -Infinity, which JSON does not have"),
        (r'{"key": "a", "value": "\ud83d"}', r"2: the value has \ud83d, which is half of a character"),
        (r'{"key": "\udc80", "value": "1"}', r"2: the key has \udc80, which is half of a character"),
        ('{"key": "a", "value": {"b64": "!!!"}}', '2: the "b64" of the value is no base64'),
        ('{"key": {"b64": "YQ"}, "value": "1"}', '2: the "b64" of the key is no base64'),
        ('{"key": "a", "value": {"b64": 5}}', '2: the "b64" of the value is a number; it must be text'),
        ('{"key": "", "value": "1"}', "2: the key is empty"),
        ('{"key": {"b64": ""}, "value": "1"}', "2: the key is empty"),
        pytest.param('{"key": "a", "value": {"more": ' + "[" * 100_000, "2: nested too deeply", id="too deep"),
    ],
)
def test_a_bad_json_line_is_told_with_its_place_and_what_is_wrong(line: str, words: str) -> None:
    told = problem(b'{"key":"ok","value":"1"}\n' + line.encode() + b"\n", Format.JSON_LINES)
    assert words in told
    assert told.startswith("line 2")
    assert "\n" not in told
    assert len(told) < 250


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b"a,b,c", "line 4: more than 2 columns; there must be two, key and value; a cell that holds the separator stands in"),
        (b"a,", None),
        (b"a", "line 4: 1 column; there must be two"),
        (b"a;1", "line 4: 1 column; there must be two"),
        (b"# more", "line 4: 1 column; there must be two, key and value (a comment? there are none)"),
        (b"\x1a", "line 4: 1 column; there must be two, key and value (the byte 0x1a, Ctrl-Z"),
        (b'"a"b,c', "line 4, character 4: something stands behind the quote that closes a cell"),
        (b'"a\nb" ,c', "line 5, character 3: something stands behind the quote that closes a cell; a quote in a cell is"
         ' written "" (the cell begins in line 4)'),
        (b'"open,c', "line 4, character 1: the quote that opens here is never closed"),
        (b'open,"c\nd,e\n', "line 4, character 6: the quote that opens here is never closed"),
        (b'a,5" disk', "line 4, character 4: a quote amid a cell"),
        (b'a, "x"', "line 4, character 4: a quote amid a cell"),
        (b'"a";"b"', "line 4, character 4: the columns seem to be separated by semicolons: begin the file"),
        (b'"a"\t"b"', "line 4, character 4: the columns seem to be separated by tabs: save it"),
        (b"a\rb,c", "line 4, character 2: a carriage return that ends no line"),
        (b"a,b\r\r", "line 4, character 4: a carriage return that ends no line"),
        (b"a,b\0c", "line 4, character 4: a zero byte"),
        ("é,caf\xe9".encode("latin-1"), "line 4, character 1: the byte 0xe9 is not UTF-8: save the file as UTF-8"),
        ("é".encode() + b",caf\xe9", "line 4, character 6: the byte 0xe9 is not UTF-8"),
        (b"\xef\xbb\xbfkey,value", "line 4, character 1: a byte order mark amid the file: were two files joined?"),
        (b'"",c', "line 4: the key is empty"),
        (b",", "line 4: the key is empty"),
    ],
)  # fmt: skip
def test_a_bad_csv_row_is_told_with_its_place_and_what_is_wrong(row: bytes, words: str | None) -> None:
    data = b'ok,"1\n2\n3"\n' + row + b"\n"
    if words is None:
        assert len(pairs(data, Format.CSV)) == 2
    else:
        assert words in problem(data, Format.CSV)


@pytest.mark.parametrize(
    "header",
    ["key,value", "Key,Value", "KEY,VALUE", "key, value", " key , value ", '"key","Value"', "sep=,\nkey,value"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_header_is_a_header_however_it_is_written(header: str, end: str) -> None:
    data = f"\ufeff{header}\na,1\n".replace("\n", end).encode()
    assert pairs(data, Format.CSV) == [(b"a", b"1")]


def test_blanks_beside_commas_are_kept_and_told() -> None:
    notes: list[str] = []
    (record,) = read_records(BytesIO(b"key, value\na, 1\n"), Format.CSV, notes.append)
    assert (record.key, record.value) == (b"a", b" 1")
    assert notes == ["blanks beside its commas are parts of keys and values"]


@pytest.mark.parametrize("first", ["key;value", "Key ; Value", "sep=;", "SEP=;\nkey;value", '"sep=;"\r\nkey;value'])
def test_semicolons_separate_where_the_file_says_so(first: str) -> None:
    assert pairs(f'{first}\na;1,5\n"b;c";2\n'.encode(), Format.CSV) == [(b"a", b"1,5"), (b"b;c", b"2")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("key\tvalue\na\t1\n", "line 1: the columns are separated by tabs"),
        ("sep=\t\na\t1\n", "line 1: the columns are separated by tabs"),
        ("key|value\n", "line 1: the columns are separated by bars"),
        ("sep=#\n", "line 1: the columns are separated by another character"),
        ("sep=;\nkey,value\n", "line 2: the header's columns are not separated as the line above it says"),
        ("a;1\nb;2\n", "line 1: the columns seem to be separated by semicolons: begin the file with the line"),
        ("a;1,5\nb;2,5\n", "line 1: the columns seem to be separated by semicolons, unless the comma does: begin"),
        ("a\t1\n", "line 1: the columns seem to be separated by tabs: save it"),
        ("id,name\n1,Ann\n", "line 1: this seems to be a header: call the columns key,value"),
        ("k,v\na,1\n", "line 1: this seems to be a header: call the columns key,value"),
        ("K; V\na; 1\n", "line 1: this seems to be a header"),
        ("v,name\n", "line 1: this seems to be a header"),
        ("\n\nValue, Key\n1,a\n", "line 3: this seems to be a header"),
        ("key,value,ttl\na,1,60\n", "line 1: more than 2 columns"),
        ("# generated\nkey,value\n", "line 1: 1 column"),
        ("key,value\ra,1\rb,2\r", "line 1, character 10: a carriage return that ends no line"),
    ],
)
def test_a_beginning_that_could_mean_something_else_is_not_guessed_at(data: str, words: str) -> None:
    assert words in problem(data.encode(), Format.CSV)


@pytest.mark.parametrize("row", [b"a,x; y", b"{a},[1]", b"a,x|y", b"id,Ann", b'"a;b",1'])
def test_a_first_row_that_is_plain_is_an_entry(row: bytes) -> None:
    assert len(pairs(row, Format.CSV)) == 1


def test_under_a_header_nothing_is_doubted() -> None:
    assert pairs(b"key,value\nid,name\na;1,5\n", Format.CSV) == [(b"id", b"name"), (b"a;1", b"5")]


def test_bytes_of_any_kind_stand_under_a_header_that_says_so() -> None:
    assert pairs(b"key,bytes\ncaf\xe9,\0\n", Format.CSV) == [(b"caf\xe9", b"\0")]
    assert "line 2, character 1: the byte 0xff" in problem(b"key,value\n\xff,1\n", Format.CSV)


@pytest.mark.parametrize(
    "encoding", ["iso2022_jp", "iso2022_jp_2", "iso2022_kr", "shift_jis", "euc_jp", "gb18030", "big5", "cp037"]
)
@pytest.mark.parametrize("form", Format)
def test_text_in_another_encoding_is_refused_without_a_guess_at_which(encoding: str, form: Format) -> None:
    row = "漢字,東京\n" if form is Format.CSV else '{"key": "漢字", "value": "a"}\n'
    if encoding == "cp037":
        row = row.replace("漢字", "déjà").replace("東京", "b")
    told = problem(row.encode(encoding), form)
    assert told.startswith("line 1, character ")
    assert "save the file as UTF-8" in told
    assert "Latin" not in told
    assert "bars" not in told


def test_what_is_taken_for_another_encoding_is_saved_as_bytes_and_colours_as_text() -> None:
    shift, colour = "東".encode("iso2022_jp"), b"\x1b[31mred"
    assert (is_text(shift), is_text(colour)) == (False, True)
    assert pairs(b"key,bytes\na," + shift + b"\n", Format.CSV) == [(b"a", shift)]
    assert pairs(b"key,value\na," + colour + b"\n", Format.CSV) == [(b"a", colour)]


TWO_ROWS = {Format.CSV: "key,value\na,1\nb,2\n", Format.JSON_LINES: '{"key":"a","value":"1"}\n'}


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_another_encoding_is_refused_and_named_whether_marked_or_not(form: Format, encoding: str, mark: str) -> None:
    text = mark + TWO_ROWS[form]
    told = [
        problem(part.encode(encoding), form) for part in (text, text.replace("\n", "\r\n"), text.rstrip(), text[:3])
    ]
    for line in told:
        assert line.startswith("line 1: the file ")
        assert encoding[:6].upper() in line
        assert "save it as UTF-8" in line


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04\x14\0\x06\0", "an Excel workbook or a ZIP archive"),
        (b"\x1f\x8b\x08\0", "compressed with gzip"),
        (bytes(5000), "begins with zero bytes"),
        (b"\0", "begins with zero bytes"),
    ],
)
@pytest.mark.parametrize("form", Format)
def test_what_is_no_text_is_refused_by_its_beginning(form: Format, data: bytes, words: str) -> None:
    assert words in problem(data, form)


@pytest.mark.parametrize("form", Format)
@given(data=st.binary(max_size=60))
def test_whatever_a_file_holds_it_is_read_or_refused_in_one_line(form: Format, data: bytes) -> None:
    told, found = [], []
    try:
        found = pairs(data, form)
    except BadRecord as error:
        told.append(str(error))
    assert all(key for key, _ in found)
    assert all(line.startswith("line ") and line.isprintable() for line in told)


def test_keys_and_values_above_their_limits_are_told() -> None:
    long_key = written(b"k" * (KEY_BYTES + 1), b"", Format.JSON_LINES)
    assert problem(long_key, Format.JSON_LINES) == "line 1: the key has 65,537 bytes; 65,536 are the most"
    long_value = written(b"k", b"v" * (VALUE_BYTES + 1), Format.CSV)
    assert "line 1" in problem(long_value, Format.CSV)
    assert pairs(written(b"k", b"v" * VALUE_BYTES, Format.CSV), Format.CSV) == [(b"k", b"v" * VALUE_BYTES)]


@pytest.mark.parametrize("form", Format)
def test_a_file_without_line_ends_is_not_read_into_memory(form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_BYTES", 1000)
    file = BytesIO(b"x" * 100_000)
    with pytest.raises(BadRecord, match="line 1: longer than any record"):
        list(read_records(file, form))
    assert file.tell() <= 1001


def test_a_cell_that_is_never_closed_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "VALUE_BYTES", 1000)
    file = BytesIO(b'a,"' + b"x\n" * 100_000)
    with pytest.raises(
        BadRecord, match="line 1, character 3: the quote that opens here is not closed within 1,000 bytes"
    ):
        list(read_records(file, Format.CSV))
    assert file.tell() <= 1100


def test_a_long_line_that_is_no_record_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "EXPLAINED_BYTES", 100)
    for line in (b'{"key":"a","value":[' + b"0," * 60 + b"0]}", b'{"key":"a","value":"%b","key":"b"}' % (b"x" * 90)):
        assert problem(line, Format.JSON_LINES).startswith("line 1: no record, and too long to say why; one object")
    assert pairs(b'{"key":"a","value":"%b"}' % (b"x" * 90), Format.JSON_LINES) == [(b"a", b"x" * 90)]


@pytest.mark.parametrize("data", [b" " * 200_000 + b"x", b'"' + b" " * 200_000, b"," * 200_000, b'""' * 100_000])
def test_a_first_line_that_is_long_is_refused_soon(data: bytes) -> None:
    """Patterns that try each of so many blanks against each other would take minutes."""
    assert problem(data, Format.CSV).startswith("line 1")


def test_a_bad_line_is_not_repeated_in_the_error() -> None:
    assert "hunter2" not in problem(b'{"key": "password", "value": ["hunter2"]}', Format.JSON_LINES)


def test_records_know_how_much_of_the_file_they_end() -> None:
    data = b"a,1\nb,2\n"
    assert [record.end for record in read_records(BytesIO(data), Format.CSV)] == [4, 8]
