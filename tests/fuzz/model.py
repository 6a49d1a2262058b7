"""What a node may serve: read from the frames that were sent, without the node's own code."""

import json
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

from kvtui.core.protocol import B64, Blob, Reply

_LONG_NUMBER = 400


class Wrong(Exception):
    """The node did what it must not do."""


class Members(list[tuple[str, Any]]):
    """A JSON object as it was written: names may come twice, and the last one counts."""

    def last(self, name: str, default: Any = None) -> Any:
        return next((value for own, value in reversed(self) if own == name), default)


def _number(text: str) -> int:
    return int(text) if len(text) < _LONG_NUMBER else 0


_decoder = json.JSONDecoder(object_pairs_hook=Members, parse_int=_number, strict=False)


Uploads = dict[str, set[bytes]]
"""What each value under way on a connection may have consisted of at any time: not every answer tells what became of it."""


def members(line: bytes) -> Members | None:
    """The object of a line, or None if it is none."""
    try:
        return _parsed(line)
    except RecursionError:
        # The node reads a little deeper than this does: what mutants nest deeply is a last member that means nothing.
        return _parsed(line[: line.rfind(b',"x":')] + b"}")


def _parsed(line: bytes) -> Members | None:
    try:
        # What is not UTF-8 may stand where nobody looks: in members that the protocol does not know.
        found = _decoder.decode(line.decode(errors="surrogateescape"))
    except ValueError:
        return None
    return found if isinstance(found, Members) else None


def leading(line: bytes) -> bytes:
    """The first object of a line on which more may follow: all that an unframed request may have been."""
    try:
        text = line.decode(errors="surrogateescape").lstrip(" \t\r\n")
        return text[: _decoder.raw_decode(text)[1]].encode(errors="surrogateescape")
    except (ValueError, RecursionError):
        return b""


def bytes_of(blob: Any) -> bytes | None:
    """A key or value as it stood in a frame; None when it is none."""
    try:
        if isinstance(blob, str):
            return blob.encode()
        if isinstance(blob, Members):
            return b64decode(blob.last("b64"), validate=True)
    except (ValueError, TypeError):
        pass
    return None


def _served(blob: Blob) -> bytes:
    return b64decode(blob.b64) if isinstance(blob, B64) else blob.encode()


def _values(value: Any, upload: Any, uploads: Uploads) -> set[bytes]:
    """What a write may have stored: its upload if it names one, else its own value."""
    if isinstance(upload, str) and upload:
        return set(uploads.get(upload, ()))
    own = bytes_of(value)
    return set() if own is None else {own}


def _lists(entries: Any) -> list[list[Any]]:
    return [entry for entry in entries if isinstance(entry, list) and entry] if isinstance(entries, list) else []


def _learn_piece(frame: Members, uploads: Uploads) -> None:
    name, offset, data = frame.last("upload"), frame.last("offset"), bytes_of(frame.last("data"))
    if isinstance(name, str) and data is not None:
        before = {b""} if offset == 0 else {part for part in uploads.get(name, ()) if len(part) == offset}
        uploads.setdefault(name, set()).update(part + data for part in before)


@dataclass(slots=True)
class Exchange:
    """What was sent on one connection, line by line, and what came back: the first reply is the first line's."""

    lines: list[bytes]
    replies: list[Reply]
    unframed: bool = False
    """Nothing came before the first line, so that a part of it may have been taken for a request without a newline."""


@dataclass(slots=True)
class Written:
    """Every value that a node may have taken, by key."""

    writable: bool = True
    """Whether mutants may write; else the node takes nothing from them."""
    values: dict[bytes, set[bytes]] = field(default_factory=dict)
    notes: set[str] = field(default_factory=lambda: {""})
    cleared: list[tuple[int, int]] = field(default_factory=list)
    """Slots that frames cleared."""
    left: bool = False
    """Whether a frame may have told the node to leave its cluster."""

    def add(self, key: bytes, value: bytes) -> None:
        self.values.setdefault(key, set()).add(value)

    def take(self, exchanges: list[Exchange]) -> None:
        """Learn from what happened at the same time, then judge it. Raises Wrong."""
        for exchange in exchanges if self.writable else ():
            self._learn(exchange)
        for exchange in exchanges:
            for line, reply in zip(exchange.lines, exchange.replies, strict=False):
                self._judge(line, reply)
            if len(exchange.replies) > len(exchange.lines):
                raise Wrong(f"{len(exchange.replies)} replies to {len(exchange.lines)} lines")

    def _learn(self, exchange: Exchange) -> None:
        uploads: Uploads = {}
        if exchange.unframed and exchange.lines:
            self._learn_line(leading(exchange.lines[0]), None, {})
        for number, line in enumerate(exchange.lines):
            reply = exchange.replies[number] if number < len(exchange.replies) else None
            self._learn_line(line, reply, uploads)

    def _learn_line(self, line: bytes, reply: Reply | None, uploads: Uploads) -> None:
        """A request without a reply may have been carried out; one that was refused was not."""
        frame = members(line)
        if frame is None or (reply is not None and reply.status == "error"):
            return
        match frame.last("op"):
            case "put":
                self._add_all(frame.last("key"), _values(frame.last("value", ""), frame.last("upload"), uploads))
            case "put_many":
                for entry in _lists(frame.last("entries")):
                    upload = entry[4] if len(entry) > 4 else ""
                    self._add_all(entry[0], _values(entry[3], upload, uploads) if len(entry) > 3 else set())
            case "put_run" if isinstance(frame.last("keys"), list) and isinstance(frame.last("values"), list):
                for key, value in zip(frame.last("keys"), frame.last("values"), strict=False):
                    self._add_all(key, _values(value, "", uploads))
            case "piece":
                _learn_piece(frame, uploads)
            case "note" if isinstance(frame.last("text", ""), str):
                self.notes.add(frame.last("text", ""))
            case "clear" if isinstance(frame.last("start"), int) and isinstance(frame.last("stop"), int):
                self.cleared.append((frame.last("start"), frame.last("stop")))
            case "leave":
                self.left = True

    def _add_all(self, blob: Any, values: set[bytes]) -> None:
        key = bytes_of(blob)
        if key is not None and values:
            self.values.setdefault(key, set()).update(values)

    def _judge(self, line: bytes, reply: Reply) -> None:
        if reply.status == "error":
            if not reply.code or not reply.msg or "\n" in reply.msg or "Traceback" in reply.msg:
                raise Wrong(f"no clear refusal: {reply}")
            return
        frame = members(line)
        if frame is None:
            raise Wrong(f"a line that is no JSON object was carried out: {line[:200]!r}: {reply.status}")
        if reply.id != frame.last("id"):
            raise Wrong(f"the reply to {frame.last('id')} says {reply.id}")
        key = bytes_of(frame.last("key"))
        if reply.value is not None:
            self._judge_value(key, _served(reply.value), part=frame.last("op") == "fetch")
        for entry in reply.entries or ():
            if entry.value is not None:
                self._judge_value(_served(entry.key), _served(entry.value))
        for name, value in (reply.data or {}).items():
            self._judge_value(name.encode(), _served(value))
        if reply.note is not None and reply.note not in self.notes:
            raise Wrong("a note was served that was not written")

    def _judge_value(self, key: bytes | None, value: bytes, *, part: bool = False) -> None:
        written = self.values.get(key, set()) if key is not None else set()
        if value not in written and not (part and any(value in whole for whole in written)):
            raise Wrong(f"{key!r}: a value was served that was not written: {value[:100]!r}")
