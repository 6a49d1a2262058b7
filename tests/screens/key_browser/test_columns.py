"""The table's columns, and the facts above a value, in every width."""

import pytest
from rich.cells import cell_len

from kvtui.core.cluster import Heard, Location, Outcome, Read, ReplicaCopy
from kvtui.core.version import NEVER, Version
from kvtui.screens.key_browser.columns import PADDING, bytes_in_words, columns, replicas_of
from kvtui.screens.key_browser.facts import facts
from kvtui.screens.key_browser.reading import Inspected
from kvtui.screens.key_browser.value import present
from tests.widgets import frozen

COPIES = (
    ReplicaCopy("A", Version(4, 18)),
    ReplicaCopy("B", Version(4, 17), clean=False),
    ReplicaCopy("C", None, heard=Heard.NO_ANSWER),
    ReplicaCopy("D", Version(4, 18), deleted=True),
)


def told(read: Read, width: int = 60, copies: tuple[ReplicaCopy, ...] = COPIES) -> list[str]:
    location = Location(b"a", 2**63, 0.5, 0.4, 0.6, copies)
    presented = None if read.value is None else present(read.value, width)
    rows = facts(Inspected(b"a", read, location), presented, {}, width)
    return ["".join(text for text, _ in row).rstrip() for row in rows]


def test_columns_fill_the_width_and_never_exceed_it() -> None:
    for width in range(5, 250):
        shared = columns(width, 9)
        used = [part for part in (shared.key, shared.size, shared.version, shared.replicas) if part]
        assert sum(used) + PADDING * len(used) == max(width, 3)


def test_the_columns_go_one_after_the_other_where_there_is_little_room() -> None:
    assert columns(78, 9).replicas
    assert columns(37, 9).version
    assert not columns(37, 9).replicas
    assert not columns(26, 9).version
    assert columns(26, 9).size


def test_sizes_are_short_words() -> None:
    sizes = {0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1_048_550: "1.0 MiB", 16 * 1024 * 1024: "16.0 MiB"}
    assert {size: bytes_in_words(size) for size in sizes} == sizes
    assert max(len(bytes_in_words(size)) for size in range(0, 1_100_000, 97)) <= 9


def test_replicas_are_those_of_the_range_that_the_key_falls_into() -> None:
    snapshot = frozen.healthy()
    for number in range(50):
        key = b"key %d" % number
        assert replicas_of(snapshot, key) == tuple(copy.node for copy in frozen.located(snapshot, key).replicas)
    assert replicas_of(frozen.empty(), b"a") == ()


def test_each_replica_is_told_with_what_it_holds() -> None:
    lines = told(Read(Outcome.OK, b"abc", Version(4, 18), "A"))
    assert lines == [
        "value     3 bytes, text",
        "version   4.18, read from A",
        "replicas  A version 4.18",
        "          B version 4.17, older than 4.18, behind",
        "          C no answer, clean   D deleted at version 4.18",
        "token     0x8000000000000000, 50.00 % round the ring",
    ]


def test_what_can_not_be_read_is_gone_or_stale_is_said() -> None:
    assert told(Read(Outcome.FAILED, None, NEVER, text="no answer"))[0] == "value     can't be read: no answer"
    assert told(Read(Outcome.OK, None, Version(4, 19), "A"))[0] == "value     none: the key is not there"
    assert "stale, it may lack newer writes" in told(Read(Outcome.OK, b"x", Version(4, 1), "B", stale=True))[1]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"a" * 200, "200 bytes, text"),
        (b"a\nb", "3 bytes, text, 2 lines"),
        (b"a\nb\n\n", "5 bytes, text, 2 lines; 2 newlines at its end"),
        (b"a\n", "2 bytes, text; 1 newline at its end"),
        (b"a\r", "2 bytes, text in quotes, for what can't be seen"),
    ],
)
def test_a_line_of_the_panel_is_told_from_a_line_of_the_value(value: bytes, words: str) -> None:
    assert told(Read(Outcome.OK, value, Version(4, 18), "A"))[0] == f"value     {words}"


def test_facts_fit_every_width() -> None:
    for width in range(35, 200):
        lines = told(Read(Outcome.OK, b"\x00" * 9000, Version(4, 18), "A"), width)
        assert max(map(cell_len, lines)) <= width
        assert any("4,904" in line for line in lines)
