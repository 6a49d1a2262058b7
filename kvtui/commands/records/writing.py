"""Keys and values as they stand in a file."""

from __future__ import annotations

from typing import Final

import msgspec

from kvtui.commands.records.lines import BYTE_ORDER_MARK, SHIFTED
from kvtui.commands.records.reading import Format
from kvtui.core.protocol import Blob, to_blob

_SPECIAL: Final = (b",", b'"', b"\r", b"\n")


class _Row(msgspec.Struct):
    key: Blob
    value: Blob


_encoder = msgspec.json.Encoder()


def written(key: bytes, value: bytes, form: Format) -> bytes:
    """One record as it stands in a file, its newline included."""
    if form is Format.JSON_LINES:
        return _encoder.encode(_Row(to_blob(key), to_blob(value))) + b"\n"
    return _cell(key) + b"," + _cell(value) + b"\n"


def head(form: Format, *, text: bool = True) -> bytes:
    """What comes before the first record, as long whether all that follows ``is_text`` or not."""
    if form is Format.JSON_LINES:
        return b""
    return b"key,value\n" if text else b"key,bytes\n"


def is_text(data: bytes) -> bool:
    """Whether a CSV file may hold it and still be a text file: it is UTF-8, without a zero, and taken for no other
    encoding."""
    if 0 in data or SHIFTED.search(data) is not None:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cell(data: bytes) -> bytes:
    """In quotes where it would be misread without them, here or by programs that drop blanks at the ends."""
    plain = data and not data.startswith(BYTE_ORDER_MARK) and data.strip(b" \t") == data
    if plain and not any(special in data for special in _SPECIAL):
        return data
    return b'"' + data.replace(b'"', b'""') + b'"'
