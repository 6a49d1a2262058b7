"""A line of JSON lines becomes a key and a value, or it is told what is wrong with it.

Where it is no record, it is decoded again with Python's own decoder, which shows the pairs of an object as they stand, and says
where that begins what it can't read.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any, Final

import msgspec

from kvtui.commands.records.lines import JOINED, BadRecord, not_utf8
from kvtui.commands.wording import quoted
from kvtui.core.malformed import MALFORMED
from kvtui.core.protocol import Blob, from_blob

EXPECTED: Final = 'one object {"key": …, "value": …} a line is expected'
EXPLAINED_BYTES: Final = 1024 * 1024
"""Of a longer line it is not said what is wrong: its parts could take many times as much memory."""
_BLANK: Final = " \t\r\n"
_FIELDS: Final = ("key", "value")
_ESCAPES: Final = {"\t": "\\t", "\b": "\\b", "\f": "\\f", "\r": "\\r", "\0": "\\u0000"}
_SHOWN: Final = 40
"""Characters of a field's name that are shown."""
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    key: Blob
    value: Blob


class _Object(list[tuple[str, Any]]):
    """The pairs of an object, as they stand."""


class _Unread:
    """A number, or a word such as NaN: no value of a record, so that it is not looked at."""

    def __init__(self, text: str) -> None:
        self.word = text if text.strip("-").isalpha() else ""


_records = msgspec.json.Decoder(_Row)
_anything = json.JSONDecoder(
    object_pairs_hook=_Object, parse_int=_Unread, parse_float=_Unread, parse_constant=_Unread, strict=True
)


def pair_of(line: bytes, number: int) -> tuple[bytes, bytes]:
    """Key and value of the line with that number. Raises BadRecord."""
    try:
        row = _records.decode(line)
        pair = from_blob(row.key), from_blob(row.value)
    except (*MALFORMED, ValueError):
        pass
    else:
        if _strings(line) == 2 + sum(1 if isinstance(part, str) else 2 for part in (row.key, row.value)):
            return pair
    if len(line) > EXPLAINED_BYTES:
        raise BadRecord(number, f"no record, and too long to say why; {EXPECTED}")
    return _explained(line, number)


def _strings(line: bytes) -> int:
    """How many strings stand in a line of JSON. A name that comes twice is one more than its last value shows."""
    return sum(1 for _ in _STRING.finditer(line))


def _explained(line: bytes, number: int) -> tuple[bytes, bytes]:
    """The same as ``pair_of``, part by part."""
    try:
        text = line.decode().rstrip(_BLANK)
    except UnicodeDecodeError as error:
        raise not_utf8(number, line, error) from None
    begin = len(text) - len(text.lstrip(_BLANK))
    _check_beginning(text[begin : begin + 2], number, begin + 1)
    try:
        found, end = _anything.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        at = min(error.pos, len(text))
        before = text[:at].rstrip(_BLANK)
        # Pythons differ in which of two neighbours they mean.
        if error.msg.startswith("Invalid \\escape") and text[at : at + 1] != "\\":
            at -= 1
        elif error.msg.startswith("Expecting") and before.endswith(",") and text[at : at + 1] in ("}", "]"):
            at = len(before) - 1
        raise BadRecord(number, _complaint(error.msg, text, at), at + 1) from None
    except RecursionError:
        raise BadRecord(number, f"nested too deeply; {EXPECTED}") from None
    _check_rest(text, end, number)
    return _pair(found, number)


def _check_beginning(start: str, number: int, character: int) -> None:
    """What the first characters already show."""
    if start[0] == "[":
        problem = f"a JSON array; {EXPECTED} (jq -c '.[]' makes lines of an array)"
    elif start[0] == "\x1e":
        problem = "the record separator 0x1e of JSON text sequences; lines need none"
    elif start[0] == "#" or start == "//":
        problem = "a comment; JSON has none"
    elif start[0] == "\ufeff":
        problem = JOINED
    elif start[0] == "\0":
        problem = "a zero byte; the file is no text, or not in UTF-8"
    elif start[0] == "\x1a":
        problem = "the byte 0x1a (Ctrl-Z), with which old programs end files: delete it"
    else:
        return
    raise BadRecord(number, problem, character)


def _check_rest(text: str, end: int, number: int) -> None:
    """Nothing may follow the object."""
    rest = text[end:]
    left = rest.lstrip(_BLANK)
    if not left:
        return
    at = end + len(rest) - len(left) + 1
    if left[0] == ",":
        problem = "a comma after the object; lines are not separated by commas"
    elif left[0] == "{":
        old = " (old line ends, CR alone, are not read: save it with LF)" if "\r" in rest[: at - end] else ""
        problem = f"a second object; one a line is expected{old}"
    else:
        problem = "something follows the object; nothing else may stand on its line"
    raise BadRecord(number, problem, at)


def _complaint(message: str, text: str, at: int) -> str:
    """What the decoder could not read at a place, in words; by what stands there, where its own words differ between Pythons."""
    there, before = text[at : at + 1], text[:at].rstrip(_BLANK)
    if message.startswith("Unterminated string"):
        return "a string that does not end on its line: a line break in it is written \\n"
    if message.startswith("Invalid control character"):
        how = _ESCAPES.get(there, f"\\u{ord(there):04x}")
        return f"a control character (0x{ord(there):02x}) in a string: write it as {how}"
    if message.startswith("Invalid \\"):
        return "a backslash that begins no escape: one that is meant is written \\\\"
    if not text[at:].strip(_BLANK):
        return "the object does not end on its line: is the file cut off, or spread over several lines (jq -c . puts it on one)?"
    if there == "'":
        return "single quotes: JSON has double quotes"
    if there == ",":
        return "a comma too many"
    word = re.match(r"[\w$-]+", text[at:])
    if word is None:
        return f"not JSON ({message[0].lower()}{message[1:]})"
    if before.endswith(("{", ",")):
        return "a name without double quotes"
    if before.endswith(":"):
        return "text without double quotes"
    return f"not JSON; {EXPECTED}"


def _pair(found: object, number: int) -> tuple[bytes, bytes]:
    if not isinstance(found, _Object):
        raise BadRecord(number, f"{_kind(found)}; {EXPECTED}")
    fields: dict[str, Any] = {}
    for name, part in found:
        if name in fields:
            raise BadRecord(number, f"the field {_quoted(name)} comes twice")
        fields[name] = part
    _check_names(fields, number)
    return _blob(fields["key"], "key", number), _blob(fields["value"], "value", number)


def _check_names(fields: dict[str, Any], number: int) -> None:
    absent = [field for field in _FIELDS if field not in fields]
    others = [name for name in fields if name not in _FIELDS]
    if not absent and not others:
        return
    alike = next((name for name in others if name.strip().casefold() in absent), None)
    if alike is not None:
        meant = alike.strip().casefold()
        problem = f"the field {_quoted(alike)} is to be named {_quoted(meant)}"
    elif len(absent) == len(_FIELDS):
        problem = (
            f"an object without the fields key and value; {EXPECTED} (jq -c 'to_entries[]' makes such lines of a map)"
        )
    elif absent:
        problem = f"the field {_quoted(absent[0])} is missing; {EXPECTED}"
    else:
        problem = f"the field {_quoted(others[0])} is not known; {EXPECTED}, and nothing else in it"
    raise BadRecord(number, problem)


def _blob(found: object, field: str, number: int) -> bytes:
    """The bytes that a field's value stands for."""
    if isinstance(found, str):
        try:
            return found.encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(found[error.start]):04x}"
            problem = f"the {field} has {half}, which is half of a character: it has no UTF-8"
            raise BadRecord(number, problem) from None
    if isinstance(found, _Object) and [name for name, _ in found] == ["b64", "b64"]:
        raise BadRecord(number, f'the "b64" of the {field} comes twice')
    if not isinstance(found, _Object) or [name for name, _ in found] != ["b64"]:
        wanted = 'text in double quotes, or {"b64": …} for bytes that are not UTF-8'
        raise BadRecord(number, f"the {field} is {_kind(found)}; it must be {wanted}")
    ((_, coded),) = found
    try:
        if not isinstance(coded, str):
            raise BadRecord(number, f'the "b64" of the {field} is {_kind(coded)}; it must be text')
        return b64decode(coded, validate=True)
    except (Base64Error, ValueError) as error:
        if isinstance(error, BadRecord):
            raise
        raise BadRecord(number, f'the "b64" of the {field} is no base64 (A-Z a-z 0-9 + /, = at the end)') from None


def _kind(found: object) -> str:
    match found:
        case None:
            return "null"
        case bool():
            return "true" if found else "false"
        case str():
            return "text"
        case list() if isinstance(found, _Object):
            return "an object"
        case list():
            return "an array"
        case _Unread(word=word) if word:
            return f"{word}, which JSON does not have"
        case _:
            return "a number"


def _quoted(name: str) -> str:
    return quoted(name if len(name) <= _SHOWN else name[:_SHOWN] + "…")
