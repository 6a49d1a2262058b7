"""What a terminal sends, taken apart: text, keys with Alt, control sequences, pastes. Bytes that are none of these are dropped, and
everything around them is kept.

A terminal is nothing to rely on: it may send another encoding than UTF-8, reports of a mouse in any bytes, numbers without an end,
and half a sequence when a line is bad. Nothing here raises, waits for more than a pause, or holds more than its limits.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

ESCAPE: Final = 0x1B
SEQUENCE_MOST: Final = 32
"""Bytes of the longest control sequence; a longer one is dropped to its end."""
STRING_MOST: Final = 4096
"""Bytes of the longest string that a terminal may send (an answer to a question nobody asked)."""
PASTE_MOST: Final = 1024 * 1024
"""Bytes of the longest paste; the rest of a longer one is dropped."""
PAUSE_SECONDS: Final = 0.1
"""Without a byte for so long, a sequence begun is over: Esc alone was pressed, or its rest is lost."""
PASTE_PAUSE_SECONDS: Final = 3.0
"""So long a paste may stand still; then its end is lost, and keys are keys again."""

_PASTE_BEGINS: Final = b"\x1b[200~"
_PASTE_ENDS: Final = b"\x1b[201~"
_MOUSE_BYTES: Final = 3
_CODE_POINTS: Final = 0x110000
_SURROGATES: Final = range(0xD800, 0xE000)
_NUMBER: Final = re.compile(rb"\d+")
_DIGITS_MOST: Final = 7
_OF_KEYS: Final = b"u~ABCDEFHPQRS"
"""Ends of sequences whose numbers are code points."""
_SIZE_REPORT: Final = re.compile(rb"\x1b\[48;[\d;:]*t")
"""How large the screen is: the system says that, and never wrongly."""
_RXVT_SHIFTED: Final = re.compile(rb"\x1b\[\d+\$")
"""Keys whose sequence ends as no other does."""


class Kind(Enum):
    """What a unit of input is."""

    TEXT = auto()
    """Characters, each a key of its own."""
    ESCAPE = auto()
    """The key Esc."""
    ALT = auto()
    """A character typed with Alt."""
    SEQUENCE = auto()
    """A whole control sequence, ESC included."""
    PASTE = auto()
    """Text that was pasted."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of input."""

    kind: Kind
    text: str


class _State(Enum):
    GROUND = auto()
    ESCAPE = auto()
    CONTROL = auto()
    """After ``ESC [`` or ``ESC O``."""
    OVERLONG = auto()
    """In a control sequence that is too long."""
    CONSOLE = auto()
    """After ``ESC [ [``: Linux' own function keys."""
    MOUSE = auto()
    """After ``ESC [ M``: three bytes follow, of any value."""
    STRING = auto()
    PASTE = auto()


_STRINGS: Final = frozenset(b"]PX^_")


class TerminalInput:
    """Takes bytes as they come and gives units. ``clock``: seconds, for pauses."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._state = _State.GROUND
        self._decoder = getincrementaldecoder("utf-8")("ignore")
        self._begun = bytearray()
        self._last = 0.0
        self._units: list[Unit] = []

    @property
    def unfinished(self) -> bool:
        """Whether a sequence has begun that is not whole yet."""
        return self._state is not _State.GROUND

    def feed(self, data: bytes) -> list[Unit]:
        """The units that are whole now."""
        self._last = self._clock()
        at = 0
        while at < len(data):
            if self._state is _State.GROUND:
                at = self._text(data, at)
            elif self._state is _State.PASTE:
                at = self._pasted(data, at)
            else:
                at += self._step(data[at])
        return self._taken()

    def tick(self) -> list[Unit]:
        """What a pause ends; nothing where there was none yet."""
        patience = PASTE_PAUSE_SECONDS if self._state is _State.PASTE else PAUSE_SECONDS
        if self._state is _State.GROUND or self._clock() - self._last < patience:
            return []
        begun = bytes(self._begun)
        if self._state is _State.PASTE:
            self._add(Kind.PASTE, self._text_of(begun))
        elif self._state is _State.ESCAPE:
            self._add(Kind.ESCAPE, "\x1b")
        elif len(begun) == 2 and self._state in (_State.CONTROL, _State.STRING):
            self._add(Kind.ALT, chr(begun[1]))
        self._ground()
        return self._taken()

    def _taken(self) -> list[Unit]:
        units, self._units = self._units, []
        return units

    def _add(self, kind: Kind, text: str) -> None:
        if text:
            self._units.append(Unit(kind, text))

    def _ground(self) -> None:
        self._state = _State.GROUND
        self._begun.clear()
        self._decoder.reset()

    def _begin(self, state: _State) -> None:
        self._state = state
        self._begun[:] = [ESCAPE]
        self._decoder.reset()

    def _text(self, data: bytes, at: int) -> int:
        """Take text up to the next ESC; how far."""
        end = data.find(ESCAPE, at)
        self._add(Kind.TEXT, self._decoder.decode(data[at : end if end >= 0 else len(data)]))
        if end < 0:
            return len(data)
        self._begin(_State.ESCAPE)
        return end + 1

    def _pasted(self, data: bytes, at: int) -> int:
        searched = max(0, len(self._begun) - len(_PASTE_ENDS) + 1)
        before = len(self._begun)
        self._begun += data[at:]
        end = self._begun.find(_PASTE_ENDS, searched)
        if end < 0:
            if len(self._begun) > PASTE_MOST + len(_PASTE_ENDS):
                del self._begun[PASTE_MOST : -len(_PASTE_ENDS)]
            return len(data)
        self._add(Kind.PASTE, self._text_of(bytes(self._begun[: min(end, PASTE_MOST)])))
        self._ground()
        return at + end + len(_PASTE_ENDS) - before

    @staticmethod
    def _text_of(data: bytes) -> str:
        text = data.decode("utf-8", "ignore")
        return "".join(char for char in text if char.isprintable() or char in "\t\n\r" or char > "\x9f")

    def _step(self, byte: int) -> int:
        """Go on within a sequence; 1 if ``byte`` is taken, 0 if it is to be looked at again."""
        match self._state:
            case _State.ESCAPE:
                return self._after_escape(byte)
            case _State.CONTROL:
                return self._control(byte)
            case _State.OVERLONG:
                return self._overlong(byte)
            case _State.STRING:
                return self._string(byte)
        # Bytes that are counted, whatever they are.
        self._begun.append(byte)
        if self._state is _State.CONSOLE:
            self._sequence()
        elif len(self._begun) == len(b"\x1b[M") + _MOUSE_BYTES:
            self._ground()
        return 1

    def _after_escape(self, byte: int) -> int:
        if self._decoder.getstate()[0] or byte >= 0x80:
            return self._alt(byte)
        if byte == ESCAPE:
            self._add(Kind.ESCAPE, "\x1b")
            return 1
        self._begun.append(byte)
        if byte in b"[O":
            self._state = _State.CONTROL
        elif byte in _STRINGS:
            self._state = _State.STRING
        else:
            self._add(Kind.ALT, chr(byte))
            self._ground()
        return 1

    def _alt(self, byte: int) -> int:
        """A character of several bytes with Alt; where it comes to nothing, Esc was pressed."""
        whole = self._decoder.decode(bytes([byte])) if byte >= 0x80 else ""
        if whole:
            self._add(Kind.ALT, whole)
        elif byte >= 0x80 and self._decoder.getstate()[0]:
            return 1
        else:
            self._add(Kind.ESCAPE, "\x1b")
        self._ground()
        return int(byte >= 0x80)

    def _control(self, byte: int) -> int:
        if 0x20 <= byte <= 0x3F:
            self._begun.append(byte)
            if byte == ord("$") and _RXVT_SHIFTED.fullmatch(self._begun):
                self._sequence()
            elif len(self._begun) >= SEQUENCE_MOST:
                self._state = _State.OVERLONG
        elif 0x40 <= byte <= 0x7E:
            first = len(self._begun) == 2
            self._begun.append(byte)
            if first and self._begun == b"\x1b[M":
                self._state = _State.MOUSE
            elif first and self._begun == b"\x1b[[":
                self._state = _State.CONSOLE
            else:
                self._sequence()
        else:
            return self._broken_off()
        return 1

    def _overlong(self, byte: int) -> int:
        if 0x20 <= byte <= 0x3F:
            return 1
        self._ground()
        return int(0x40 <= byte <= 0x7E)

    def _string(self, byte: int) -> int:
        """Up to BEL or ``ESC \\``; nobody asked, so nothing is made of it."""
        if byte == 0x07 or (byte == ord("\\") and self._begun[-1] == ESCAPE):
            self._ground()
            return 1
        if self._begun[-1] == ESCAPE:  # another sequence begins: this one was cut off
            self._begin(_State.ESCAPE)
            return 0
        if byte < 0x20 and byte != ESCAPE:
            return self._broken_off()
        if len(self._begun) < STRING_MOST or byte == ESCAPE:
            self._begun.append(byte)
        return 1

    def _broken_off(self) -> int:
        """A byte that can't be in the sequence: what has begun is dropped, or was a key with Alt."""
        if len(self._begun) == 2:
            self._add(Kind.ALT, chr(self._begun[1]))
        self._ground()
        return 0

    def _sequence(self) -> None:
        """A sequence is whole."""
        sequence = bytes(self._begun)
        self._ground()
        if sequence == _PASTE_BEGINS:
            self._state = _State.PASTE
        elif _sound(sequence):
            self._add(Kind.SEQUENCE, sequence.decode("ascii", "ignore"))


def _sound(sequence: bytes) -> bool:
    """Whether the numbers of a sequence can be what they are there for."""
    if _SIZE_REPORT.fullmatch(sequence):
        return False
    for digits in _NUMBER.findall(sequence):
        if len(digits) > _DIGITS_MOST or int(digits) >= _CODE_POINTS:
            return False
        if sequence[-1] in _OF_KEYS and int(digits) in _SURROGATES:
            return False
    return True
