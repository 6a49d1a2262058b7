"""Turns valid frames into what a broken or hostile client might send. The same seed gives the same bytes."""

import json
import random
from collections.abc import Callable
from typing import Any

from kvtui.core.protocol import FRAME_BYTES, INLINE_BYTES, KEY_BYTES
from tests.fuzz.corpus import Corpus, Frame

ODD_NUMBERS = (-1, 0, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**30, 1.5, -0.0, 1e308)
ODD_VALUES: tuple[Any, ...] = (
    *ODD_NUMBERS,
    None,
    True,
    "",
    "\x00",
    "é" * 50,
    [],
    [[]],
    {},
    {"b64": ""},
    {"b64": "?"},
    {"b64": 5},
    {"b64": "YQ==", "more": 1},
    {"b65": "YQ=="},
    ["a", [1, 1], 1, "b"],
    ["a", [-1, 2**64], 1, "b", "u1", "one too many"],
    "k" * (KEY_BYTES + 1),
    "v" * (INLINE_BYTES + 1),
)
ODD_TEXT = (
    rb'"\ud800"',
    rb'"\ud83d\ude00"',
    rb'"\u0000"',
    rb'"\x"',
    rb'"\u12"',
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"1" * 5000,
    b"0x10",
    b"007",
    b"'a'",
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\x80"',
    b"tru",
    b"",
)
GARBAGE = (
    b"",
    b"\n\n",
    b"\r\n",
    b" \t \n",
    b"\x0b\n",
    b"\x00",
    b"\x00\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"}",
    b"{",
    b"[]\n",
    b"null\n",
    b'"\n',
)
DEEP = 20_000
"""How many brackets a deeply nested frame opens, at most."""


class Mutator:
    """An endless source of frames, most of them broken in one of many ways."""

    def __init__(self, seed: int, *, versioned: bool) -> None:
        self._chance = random.Random(f"fuzz:{seed}")
        self._corpus = Corpus(self._chance, versioned=versioned)
        self._kinds: list[Callable[[], bytes]] = []
        for weight, kind in (
            (200, self._valid),
            (150, self._flipped),
            (80, self._cut),
            (60, self._inserted),
            (60, self._duplicated),
            (80, self._spliced),
            (50, self._joined),
            (250, self._odd_field),
            (60, self._odd_text),
            (50, self._odd_members),
            (40, self._badly_ended),
            (40, self._garbage),
            (10, self._nested),
            (3, self._long_list),
        ):
            self._kinds += [kind] * weight

    def frame(self) -> bytes:
        """The next frame; whether and where newlines are in it is part of the mutation."""
        if self._chance.random() < 0.0002:
            return self._oversized()
        return self._chance.choice(self._kinds)()

    def _line(self) -> bytes:
        return _text(self._corpus.frame())

    def _valid(self) -> bytes:
        return self._line() + b"\n"

    def _flipped(self) -> bytes:
        line = bytearray(self._line())
        for _ in range(self._chance.choice([1, 1, 2, 8])):
            line[self._chance.randrange(len(line))] ^= 1 << self._chance.randrange(8)
        return bytes(line) + b"\n"

    def _cut(self) -> bytes:
        line = self._line()
        start, stop = sorted(self._chance.choices(range(len(line) + 1), k=2))
        return self._chance.choice([line[:stop], line[start:], line[:start] + line[stop:]]) + b"\n"

    def _inserted(self) -> bytes:
        line = self._line()
        at = self._chance.randrange(len(line) + 1)
        odd = self._chance.choice(GARBAGE) or self._chance.randbytes(self._chance.randrange(1, 30))
        return line[:at] + odd + line[at:] + b"\n"

    def _duplicated(self) -> bytes:
        line = self._line()
        start, stop = sorted(self._chance.choices(range(len(line) + 1), k=2))
        part = line[start:stop]
        return self._chance.choice(
            [(line + b"\n") * 3, line[:stop] + part * self._chance.randrange(1, 50) + line[stop:] + b"\n"]
        )

    def _spliced(self) -> bytes:
        first, second = self._line(), self._line()
        head = first[: self._chance.randrange(len(first) + 1)]
        return head + second[self._chance.randrange(len(second) + 1) :] + b"\n"

    def _joined(self) -> bytes:
        """Two requests on one line, or one on several."""
        if self._chance.random() < 0.5:
            return self._line() + self._chance.choice([b"", b" ", b",", b"\r", b"\x00"]) + self._line() + b"\n"
        return self._line().replace(b",", b",\n", self._chance.randrange(1, 3)) + b"\n"

    def _odd_field(self) -> bytes:
        """A field of another type, or beyond its range, or without its name."""
        frame = self._corpus.frame()
        place = self._place(frame)
        if place is None:
            return _text(frame) + b"\n"
        holder, name = place
        roll = self._chance.random()
        if roll < 0.1:
            del holder[name]
        elif roll < 0.2 and isinstance(holder, dict):
            holder[self._chance.choice(["", "Op", "value", "key", "upload", "version", "\x00"])] = holder.pop(name)
        elif roll < 0.5 and isinstance(holder[name], int):
            holder[name] = self._chance.choice(ODD_NUMBERS)
        else:
            holder[name] = self._chance.choice(ODD_VALUES)
        return _text(frame) + b"\n"

    def _place(self, frame: Frame) -> tuple[Any, Any] | None:
        """Some field of ``frame``, or of what is in it."""
        holder: Any = frame
        name: Any = self._chance.choice(list(frame))
        while isinstance(holder[name], dict | list) and holder[name] and self._chance.random() < 0.7:
            holder = holder[name]
            name = self._chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        return holder, name

    def _odd_text(self) -> bytes:
        """A value that is not JSON, or JSON only just."""
        frame = self._corpus.frame()
        name = self._chance.choice(list(frame))
        frame[name] = "\ufffc"
        return _text(frame).replace('"\ufffc"'.encode(), self._chance.choice(ODD_TEXT)) + b"\n"

    def _odd_members(self) -> bytes:
        """Names given twice, unknown names, another order."""
        members = list(self._corpus.frame().items()) + self._chance.choices(list(self._corpus.frame().items()), k=2)
        self._chance.shuffle(members)
        return b"{" + b",".join(_text(name) + b":" + _text(value) for name, value in members) + b"}\n"

    def _badly_ended(self) -> bytes:
        return self._line() + self._chance.choice(
            [b"", b"\r", b"\r\n", b"\n\n\n", b"\x00\n", b" \n", b"\x0c\n", b"}\n"]
        )

    def _garbage(self) -> bytes:
        if self._chance.random() < 0.5:
            return self._chance.choice(GARBAGE)
        return self._chance.randbytes(self._chance.randrange(1, 200)) + self._chance.choice([b"", b"\n"])

    def _nested(self) -> bytes:
        depth = self._chance.randrange(1, DEEP)
        opened, closed = self._chance.choice([(b"[", b"]"), (b'{"a":', b"}"), (b"[", b"")])
        inner = opened * depth + b"1" + closed * depth
        return self._line()[:-1] + b',"x":' + inner + b"}\n"

    def _long_list(self) -> bytes:
        length = self._chance.choice([4096, 4097, 20_000])
        return (
            _text(
                self._chance.choice(
                    [
                        {"op": "get_many", "keys": ["key 1"] * length},
                        {"op": "counts", "ranges": [[0, 16]] * length},
                        {"op": "drop", "entries": [["key 1", [0, 1]]] * length},
                        {"op": "put_many", "entries": [["key 1", [0, 0], -1]] * length},
                    ]
                )
            )
            + b"\n"
        )

    def _oversized(self) -> bytes:
        """About as long as a line may be, below the limit or above it."""
        length = FRAME_BYTES + self._chance.choice([-200, 1, 100_000])
        return b'{"op":"put","key":"key 1","value":"' + b"x" * (length - 40) + b'"}   \n'


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
