"""Keys, values and answers in words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.commands.address import Address, parse_address
from kvtui.commands.context import Line
from kvtui.commands.keys import location_lines
from kvtui.commands.original import answer_words, rebalanced
from kvtui.commands.reachable import keys_words
from kvtui.commands.ring import all_stats, average, distinct_lines
from kvtui.commands.trouble import trouble_lines
from kvtui.commands.wording import SHOWN_CHARACTERS, from_bytes, harmless, shown, shown_value, to_bytes, whole
from kvtui.core.cluster import Heard, Location, Rebalanced, ReplicaAnswer, ReplicaCopy
from kvtui.core.events import Level
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView
from kvtui.core.version import NEVER, Version


@given(st.binary())
def test_any_bytes_survive_being_text(data: bytes) -> None:
    assert to_bytes(from_bytes(data)) == data


@given(st.binary(max_size=2000))
def test_whatever_a_key_holds_it_stays_on_its_line_and_drives_no_terminal(data: bytes) -> None:
    for text in (whole(data), shown(data)):
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
        text.encode()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"apple", "apple"),
        ("grün🍏".encode(), "grün🍏"),
        (b"a\nb\tc", '"a\\nb\\tc"'),
        (b"\x1b[2J", '"\\x1b[2J"'),
        (b"\xff\xfe", '"\\xff\\xfe"'),
        ("left‮right".encode(), '"left\\u202eright"'),
        (b"C:\\new", "C:\\new"),
    ],
)
def test_what_cannot_be_shown_comes_as_an_escape(data: bytes, text: str) -> None:
    assert whole(data) == text


def test_a_sentence_of_somebody_else_can_not_drive_the_terminal() -> None:
    assert harmless('a\x1b[2J\u202eb "q" C:\\new') == 'a\\x1b[2J\\u202eb "q" C:\\new'


def test_a_long_value_is_cut_within_a_sentence_and_whole_as_an_answer() -> None:
    data = b"x" * 1_000_000
    assert shown(data) == shown_value(data) == '"' + "x" * SHOWN_CHARACTERS + '"… (1,000,000 bytes)'
    assert whole(data) == data.decode()
    assert shown("é".encode() * SHOWN_CHARACTERS) == "é" * SHOWN_CHARACTERS


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ReplicaAnswer("A", "ok"), '{"status":"ok"}'),
        (ReplicaAnswer("A", "not_found"), '{"status":"not_found"}'),
        (ReplicaAnswer("A", "error", 'disk "full"'), '{"status":"error","msg":"disk \\"full\\""}'),
        (ReplicaAnswer("A", "silent"), "no answer"),
        (ReplicaAnswer("A", "silent", "it is down"), "no answer (it is down)"),
        (ReplicaAnswer("A", "unasked", "it is down"), "not asked (it is down)"),
    ],
)
def test_a_replicas_answer_reads_as_it_was_on_the_wire(answer: ReplicaAnswer, words: str) -> None:
    assert answer_words(answer) == words


def test_a_location_tells_token_range_and_the_version_on_each_replica() -> None:
    copies = (
        ReplicaCopy("A", Version(4, 12)),
        ReplicaCopy("B", Version(4, 3), clean=False),
        ReplicaCopy("C", NEVER, clean=False, receiving=True),
        ReplicaCopy("D", None, heard=Heard.NO_ANSWER),
        ReplicaCopy("E", Version(4, 12), deleted=True),
        ReplicaCopy("F", None, heard=Heard.NOT_ASKED, why="it is down"),
        ReplicaCopy("G", None, clean=False, heard=Heard.DAMAGED),
        ReplicaCopy("H", Version(4, 9)),
    )
    lines = location_lines(Location(b"apple", 1 << 62, 0.25, 0.2, 0.5, copies))
    assert [line.text for line in lines] == [
        "Key apple",
        "  token     0x4000000000000000, 25.00 % round the ring",
        "  range     20.00 % to 50.00 %",
        "  replicas  A B C D E F G H",
        "  A: version 4.12",
        "  B: version 4.3, older than 4.12, behind",
        "  C: never had it, being filled",
        "  D: no answer, clean",
        "  E: deleted at version 4.12",
        "  F: not asked (it is down), clean",
        "  G: damaged, behind",
        "  H: version 4.9, older than 4.12",
    ]
    assert [line.level is Level.WARNING for line in lines[4:]] == [
        False, True, False, True, False, True, True, True
    ]  # fmt: skip


def test_a_location_on_an_empty_ring_says_so() -> None:
    assert location_lines(Location(b"k", 0, 0.0, 0.0, 1.0, ()))[-1].text == "  replicas  none: the cluster has no nodes"


@pytest.mark.parametrize(
    ("copies", "nodes", "text"), [(2, 2, "1"), (3, 2, "1.5"), (0, 0, "0"), (0, 3, "0"), (10, 3, "3.3")]
)
def test_the_average_is_whole_where_it_is(copies: int, nodes: int, text: str) -> None:
    assert average(copies, nodes) == text


def node(name: str, keys: int, state: NodeState = NodeState.UP) -> NodeView:
    return NodeView(name, "127.0.0.1", 5001, state, keys=keys)


def picture(*nodes: NodeView, keys: int = 0, behind: int = 0, lost: int = 0) -> ClusterSnapshot:
    copies = sum(view.keys for view in nodes)
    return ClusterSnapshot(
        name="lab",
        epoch=4,
        policy="balanced",
        slots=16384,
        replication=2,
        copies_each=2,
        write_quorum=1,
        nodes=nodes,
        copies=copies,
        keys=keys,
        behind=behind,
        lost=lost,
    )


def test_stats_tell_the_balance_that_the_screen_shows() -> None:
    """They told that of keys, which with few of them is chance, under the same name."""
    uneven = picture(replace(node("A", 10), share=0.75), replace(node("B", 10), share=0.25))
    assert "Balance (fullest node's share / mean): 1.50" in [line.text for line in all_stats(uneven)]
    assert "Balance: -" in [line.text for line in all_stats(picture())]


def test_what_is_not_served_has_lines_only_where_there_is_something() -> None:
    """``stats`` and ``show`` said nothing of it."""
    away = replace(picture(node("A", 8), node("B", 8, NodeState.DOWN), keys=20), unavailable=5, waits_for=("B",))
    told = trouble_lines(replace(away, unreachable_keys=12))
    assert [(line.text, line.level) for line in told] == [
        ("5 slots can't be served: they wait for B", Level.BAD),
        ("20 of 32 keys can be reached", Level.BAD),
    ]
    distinct, why = distinct_lines(replace(away, unreachable_keys=12, copies=16))
    assert distinct == Line("Distinct Keys: 20 of 32 can be reached", Level.BAD, asked=True)
    assert why.text == "(Total Keys counts every copy, Distinct Keys each key once)"
    assert [line.text for line in distinct_lines(picture(node("A", 1), keys=1))] == ["Distinct Keys: 1"]
    assert keys_words(replace(away, unreachable_keys=None)) == "20 keys can be reached"
    assert (
        keys_words(replace(away, unreachable_keys=12, unreachable_sure=False)) == "20 of about 32 keys can be reached"
    )
    assert keys_words(replace(away, unavailable=0, lost=3)) == "20 keys can be reached"
    worse = replace(
        away, unavailable=0, lost=1, unwritable=2, writes_wait_for=("B",), moves_waiting=1, moves_wait_for=("B",)
    )
    assert [line.text for line in trouble_lines(worse)] == [
        "1 slot lost: no clean copy of its keys is left",
        "20 keys can be reached",
        "2 slots take no writes: they wait for B",
        "1 slot is to move, and waits for B",
    ]
    stuck = replace(away, unavailable=0, lost=3, moves_lost=3)
    assert trouble_lines(stuck)[-1].text == "3 slots are to move, and are lost: accept-loss lets them"


def test_all_stats_point_at_what_needs_attention() -> None:
    calm = all_stats(picture(node("A", 1), node("B", 1), keys=1))
    assert all(line.level is Level.INFO for line in calm)
    assert trouble_lines(picture(node("A", 1), keys=1)) == []
    worried = all_stats(picture(node("A", 1), node("B", 1, NodeState.DOWN), behind=3, lost=2))
    levels = {line.text: line.level for line in worried}
    assert levels["Nodes up: 1 of 2"] is Level.WARNING
    assert levels["Copies of slots behind: 3"] is Level.WARNING
    assert levels["Slots lost: 2"] is Level.BAD


@pytest.mark.parametrize(
    ("text", "address", "back"),
    [
        ("5001", Address("127.0.0.1", 5001), "127.0.0.1:5001"),
        ("localhost:5001", Address("localhost", 5001), "localhost:5001"),
        ("[::1]:5001", Address("::1", 5001), "[::1]:5001"),
        ("0", Address("127.0.0.1", 0), "127.0.0.1:0"),
    ],
)
def test_addresses(text: str, address: Address, back: str) -> None:
    assert parse_address(text) == address
    assert str(address) == back


def test_a_rebalance_names_the_first_keys_in_the_originals_words_and_counts_the_rest() -> None:
    done = Rebalanced(copied=((b"apple", "B"),), removed=((b"banana", "A"),), copies=3, removals=1)
    assert [line.text for line in rebalanced(done)] == [
        "[Rebalance] Copied key 'apple' to B",
        "[Rebalance] Made 2 more copies",
        "[Rebalance] Removed key 'banana' from A",
        "[Coordinator] Rebalance complete.",
    ]
