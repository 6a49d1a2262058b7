"""Whatever a terminal sends: what is no input is dropped, what is around it is kept, and nothing ends the reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message

from kvtui.terminal_input import PASTE_MOST, PASTE_PAUSE_SECONDS, PAUSE_SECONDS, Kind, TerminalInput, Unit
from kvtui.terminal_messages import TerminalMessages


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def joined(units: list[Unit]) -> list[tuple[Kind, str]]:
    """Units with neighbouring texts put together: where reads were cut tells nothing."""
    found: list[tuple[Kind, str]] = []
    for unit in units:
        if found and unit.kind is Kind.TEXT is found[-1][0]:
            found[-1] = (Kind.TEXT, found[-1][1] + unit.text)
        else:
            found.append((unit.kind, unit.text))
    return found


def text_of(*parts: bytes) -> str:
    """The text in what came in these parts, after a pause."""
    clock = Clock()
    terminal = TerminalInput(clock)
    units = [unit for part in parts for unit in terminal.feed(part)]
    clock.now += PASTE_PAUSE_SECONDS
    return "".join(unit.text for unit in [*units, *terminal.tick()] if unit.kind is Kind.TEXT)


@pytest.mark.parametrize(
    "dropped",
    [
        pytest.param(b"\xe9", id="a latin-1 character"),
        pytest.param(b"\xf0\xe1", id="8-bit Alt"),
        pytest.param(b"\xf0\x9f\x98", id="a character cut off"),
        pytest.param(b"\xed\xa0\x80", id="a surrogate"),
        pytest.param(b"\x1b[M !!", id="an X10 mouse report"),
        pytest.param(b"\x1b[M \xff\xc0", id="an X10 mouse report beyond column 95"),
        pytest.param(b"\x1b[M\x1b\x1b[", id="an X10 mouse report of control bytes"),
        pytest.param(b"\x1b[1114112u", id="a key beyond Unicode"),
        pytest.param(b"\x1b[55296u", id="a key that is a surrogate"),
        pytest.param(b"\x1b[97;1;1114112u", id="a text beyond Unicode"),
        pytest.param(b"\x1b[" + b"9" * 5000 + b"u", id="a number without an end"),
        pytest.param(b"\x1b[" + b"1;" * 500 + b"m", id="parameters without an end"),
        pytest.param(b"\x1b[48;99999;99999;0;0t", id="a made-up size"),
        pytest.param(b"\x1b[48;24;80;0;0t", id="a size without pixels"),
        pytest.param(b"\x1b[12\xff", id="a sequence with a byte that is none"),
        pytest.param(b"\x1b[?1;2\x1b[12;\x1b]11;rgb:0/0/0\x07", id="sequences cut off by others"),
        pytest.param(b"\x1b]52;c;aGk=\x1b\\", id="a string nobody asked for"),
        pytest.param(b"\x1bP" + b"x" * 9000 + b"\x1b\\", id="a long string"),
        pytest.param(b"\x1b[?997;1n", id="an unknown report"),
        pytest.param(b"\x1b[200~\xff\x1b[201~", id="a paste of nothing valid"),
    ],
)
def test_what_is_no_input_is_dropped_and_what_is_around_it_is_kept(dropped: bytes) -> None:
    data = b"put a" + dropped + b" 1\r"
    assert text_of(data) == "put a 1\r"
    assert text_of(*(data[at : at + 1] for at in range(len(data)))) == "put a 1\r"
    typed = TerminalMessages().feed(data)
    assert "".join(key.character or "" for key in typed if isinstance(key, events.Key)) == "put a 1\r"


@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from([b"\x1b[", b"\x1b[<0;", b"\x1b[200~", b"\x1b]", b"\x1bO"]))
    )
)
def test_no_bytes_end_the_reader_and_after_a_pause_keys_are_keys_again(parts: list[bytes]) -> None:
    messages = TerminalMessages()
    clock = Clock()
    messages._input._clock = clock
    for part in parts:
        messages.feed(part)
    clock.now += PASTE_PAUSE_SECONDS
    messages.tick()
    assert not messages._input.unfinished
    keys = [message for message in messages.feed(b"\x1b[Aget b\r") if isinstance(message, events.Key)]
    assert [key.key for key in keys] == ["up", "g", "e", "t", "space", "b", "enter"]


@given(st.binary(max_size=200).map(lambda data: data.replace(b"\xff", b"\x1b[")), st.lists(st.integers(0, 200)))
def test_where_reads_are_cut_changes_nothing(data: bytes, cuts: list[int]) -> None:
    whole, cut = TerminalInput(Clock()), TerminalInput(Clock())
    at, units = 0, []
    for end in [*sorted(cuts), len(data)]:
        units += cut.feed(data[at:end])
        at = max(at, end)
    assert joined(units) == joined(whole.feed(data))


def test_every_key_that_textual_knows_is_that_key() -> None:
    others = []
    for sequence in sorted({*ANSI_SEQUENCES_KEYS} - {"\x1b\x1b"}):  # Esc, pressed twice
        parser = XTermParser()
        expected = [*parser.feed(sequence)] or [*parser.feed("")]
        if keys(TerminalMessages(), sequence.encode()) != [read(message) for message in expected]:
            others.append(sequence)
    assert others == []


@pytest.mark.parametrize(
    ("data", "pressed"),
    [
        (b"\x1b", ["escape"]),
        (b"\x1b\x1b", ["escape", "escape"]),
        (b"\x1b\x1b[A", ["escape", "up"]),
        (b"\x1bb", ["ctrl+left"]),
        (b"\x1ba", ["alt+a"]),
        (b"\x1b[", ["left_square_bracket"]),
        (b"\x1bO", ["alt+shift+o"]),
        (b"\x1b]", ["right_square_bracket"]),
        ("\x1bé".encode(), ["alt+é"]),
        (b"\x1b\xffa", ["escape", "a"]),
        (b"\x1b[1;\r", ["enter"]),
        (b"\x00", ["ctrl+@"]),
        (b"\x1b[97;5u", ["ctrl+a"]),
    ],
)
def test_keys_with_esc(data: bytes, pressed: list[str]) -> None:
    assert [key for key, _ in keys(TerminalMessages(), data)] == pressed


def test_a_paste_keeps_its_text_alone() -> None:
    pasted = TerminalMessages().feed(b"\x1b[200~a\xffb\x00\x1b[31mc\r\nd\x1b[201~e")
    assert isinstance(pasted[0], events.Paste)
    assert pasted[0].text == "ab[31mc\r\nd"
    assert isinstance(pasted[1], events.Key)


def test_a_paste_without_an_end_is_over_after_a_pause_and_bounded() -> None:
    clock = Clock()
    terminal = TerminalInput(clock)
    terminal.feed(b"\x1b[200~")
    for _ in range(5):
        terminal.feed(b"x" * PASTE_MOST)
    assert len(terminal._begun) < PASTE_MOST + 100
    clock.now += 2 * PAUSE_SECONDS
    assert terminal.tick() == []
    clock.now += PASTE_PAUSE_SECONDS
    (paste,) = terminal.tick()
    assert len(paste.text) <= PASTE_MOST + 10
    assert joined(terminal.feed(b"a")) == [(Kind.TEXT, "a")]


def keys(messages: TerminalMessages, data: bytes) -> list[tuple[str, str]]:
    clock = Clock()
    messages._input._clock = clock
    found = messages.feed(data)
    clock.now += PAUSE_SECONDS
    return [read(message) for message in [*found, *messages.tick()]]


def read(message: Message) -> tuple[str, str]:
    if isinstance(message, events.Key):
        return message.key, message.character or ""
    return type(message).__name__, ""
