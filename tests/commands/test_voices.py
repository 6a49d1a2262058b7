"""An answer in two voices: the original's lines for the shell, sentences that name nodes, outcome and time for the dashboard."""

from dataclasses import replace

import pytest

from kvtui.commands import Context, Level, Line, Voice, original, parse, plain, run
from kvtui.commands.nodes import started
from kvtui.commands.rising import number_set, slots_move, to_come
from kvtui.core.cluster import Outcome, Read, Rebalanced, ReplicaAnswer, Written
from kvtui.core.snapshot import Progress
from kvtui.core.version import Version
from tests.core.test_guarantee_watch import ONE, RISING, TWO
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster

A, B = ReplicaAnswer("A", "ok", milliseconds=0.31), ReplicaAnswer("B", "ok", milliseconds=123.4)
SILENT = ReplicaAnswer("B", "silent")


def written(*answers: ReplicaAnswer, existed: bool = True) -> Written:
    return Written(Outcome.OK, Version(1, 1), answers, existed)


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def test_a_put_in_both_voices() -> None:
    assert texts(original.stored(b"apple", b"123", written(A, B), "")) == [
        "Replicas for key apple: A B",
        '[A] PUT apple = 123 -> {"status":"ok"}',
        '[B] PUT apple = 123 -> {"status":"ok"}',
    ]
    assert texts(plain.stored(b"apple", b"123", written(A, B), "")) == ["put apple = 123 → A ✓ 0.3 ms  B ✓ 123 ms"]


def test_a_replica_that_said_nothing_is_seen_and_makes_the_line_a_warning() -> None:
    (line,) = plain.stored(b"apple", b"123", written(A, SILENT), "")
    assert line == Line("put apple = 123 → A ✓ 0.3 ms  B ✗ no answer", Level.WARNING)


def test_a_node_that_keeps_nothing_comes_back_empty_and_that_is_said() -> None:
    kept = plain.brought_back(TWO, "n1", "with what it holds")
    assert kept == Line("start n1 brings it back with what it holds", Level.GOOD)
    gone = plain.brought_back(replace(TWO, durable=False), "n1", "with what it holds")
    assert gone == Line("start n1 brings it back empty: with --memory a node keeps nothing when it ends", Level.WARNING)


def test_a_node_that_runs_again_says_what_it_has_to_do() -> None:
    whole, *others = frozen.healthy().nodes
    for view, words in (
        (whole, "A has all that it is to have"),
        (replace(whole, behind=7), "A is made equal to the others in the background: 7 slots to look at"),
        (replace(whole, share=0.0), "A is a replica of nothing now: it gets its share of the ring in the background"),
    ):
        assert started("A", replace(frozen.healthy(), nodes=(view, *others))).text == words


def test_a_long_value_is_shown_shortly_where_it_was_put() -> None:
    (text,) = texts(plain.stored(b"k", b"v" * 1000, written(A), ""))
    assert text == f'put k = "{"v" * 40}"… (1,000 bytes) → A ✓ 0.3 ms'


def test_a_value_that_looks_like_an_answer_is_in_quotes() -> None:
    (text,) = texts(plain.stored(b"k", "1 → A ✓ 0.3 ms".encode(), written(B), ""))
    assert text == 'put k = "1 → A ✓ 0.3 ms" → B ✓ 123 ms'


def test_a_delete_and_a_get_in_the_dashboards_voice() -> None:
    assert texts(plain.deleted(b"k", written(A, existed=False))) == ["del k → A ✓ 0.3 ms; it was not there"]
    assert texts(plain.found(b"k", Read(Outcome.OK, b"1", Version(1, 1), "A", 0.2))) == ["get k = 1 ← A 0.2 ms"]
    assert texts(plain.found(b"k", Read(Outcome.OK, None, Version(1, 1), "A", 0.2))) == ["get k not found ← A 0.2 ms"]
    assert texts(plain.found(b"k", Read(Outcome.OK, b"not found", Version(1, 1)))) == ["get k = not found"]


@pytest.mark.parametrize(
    ("done", "text"),
    [
        (Rebalanced((), (), 0, 0), "rebalance: done; nothing had to be copied; all replicas are equal"),
        (
            Rebalanced(((b"apple", "B"),), ((b"fig", "A"),), 1, 1),
            "rebalance: done; 1 copy made (apple to B), 1 copy removed (fig from A); all replicas are equal",
        ),
        (Rebalanced(((b"apple", "B"),), (), 2, 0), "rebalance: done; 2 copies made; all replicas are equal"),
    ],
)
def test_a_rebalance_in_the_dashboards_voice(done: Rebalanced, text: str) -> None:
    assert texts(plain.rebalanced(done)) == [text]


def test_a_put_while_copies_rise_says_that_they_follow() -> None:
    """It said "Replicas for key apple: n1", as if that were all."""
    more = to_come(1, RISING)
    assert more == "a second copy follows in the background"
    assert texts(original.stored(b"apple", b"1", written(A), more))[0] == f"Replicas for key apple: A ({more})"
    assert texts(plain.stored(b"apple", b"1", written(A), more)) == [f"put apple = 1 → A ✓ 0.3 ms; {more}"]
    assert to_come(2, RISING) == "" == to_come(1, ONE)
    assert to_come(1, replace(RISING, copies_each=3)) == "2 more copies follow in the background"
    some = replace(RISING, moves_waiting=10, moves_wait_for=("n2",))
    assert to_come(1, some) == "a second copy follows in the background, or once n2 can be reached"
    assert to_come(1, replace(some, moves_waiting=16_000)) == "a second copy follows once n2 can be reached"


def test_setreplica_says_what_moves_or_that_nothing_does() -> None:
    nodes = tuple(frozen.healthy().nodes)
    one, rising, two = (replace(picture, nodes=nodes, keys=20_000) for picture in (ONE, RISING, TWO))
    assert texts(number_set(2, one, rising)) == [
        "16,000 slots (about 19,531 keys) get a second copy in the background; reads and writes go on"
    ]
    falling = replace(two, replication=1, copies_each=1)
    assert texts(number_set(1, two, falling)) == [
        "16,384 slots (20,000 keys) give up copies in the background; reads and writes go on"
    ]
    assert texts(number_set(2, two, two)) == ["Nothing changes: every key is to have 2 copies already"]
    (still,) = texts(number_set(2, rising, rising))
    assert still.startswith(
        "Nothing changes: every key is to have 2 copies already; 16,000 slots (about 19,531 keys) still move"
    )
    away = replace(two, clean_copies=((1, 16_384),))
    (now,) = texts(number_set(2, away, away))
    assert now.endswith("already; now: every acknowledged write on 1 node only; no stale reads")
    assert number_set(2, one, two) == []
    few = replace(two, nodes=nodes[:2], replication=4)
    assert texts(number_set(4, two, few)) == ["Every key has 2 copies; add nodes to reach 4"]


@pytest.mark.parametrize(
    ("waiting", "when"),
    [
        (0, "in the background"),
        (30, "in the background, 30 of them once n3 can be reached"),
        (100, "once n3 can be reached"),
    ],
)
def test_moves_that_wait_say_for_whom(waiting: int, when: str) -> None:
    moving = replace(TWO, moving=Progress(0, 100), moves_waiting=waiting, moves_wait_for=("n3",) if waiting else ())
    assert texts(slots_move(moving)) == [f"100 slots move {when}; reads and writes go on"]
    assert slots_move(TWO) == []


def test_the_front_end_chooses_the_voice() -> None:
    for voice, heard in ((Voice.ORIGINAL, "[A]"), (Voice.PLAIN, "A ✓")):
        said: list[Line] = []
        context = Context(FrozenCluster(frozen.healthy()), said.append, voice=voice)
        context.answer([Line("[A]")], [Line("A ✓")])
        assert texts(said) == [heard]


def test_stats_and_show_in_the_dashboards_voice() -> None:
    picture = frozen.one_down()
    assert plain.counts(replace(frozen.healthy(), keys=10_332, copies=20_664)).text == (
        "3 nodes; 10,332 keys; 20,664 copies, 6,888 a node"
    )
    lines = [plain.node(view) for view in picture.nodes]
    assert lines[0].text == "A at 127.0.0.1:5001 holds 7,003 copies"
    assert lines[1] == Line("B at 127.0.0.1:5002 is DOWN and held 6,878 copies: connection refused", Level.WARNING)


class Rising(FrozenCluster):
    """One copy of every key, of two that are wanted."""

    def _replicas(self) -> tuple[str, ...]:
        return ("A",)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("voice", "said"),
    [
        (Voice.ORIGINAL, "Replicas for key apple: A (a second copy follows in the background)"),
        (Voice.PLAIN, "put apple = 1 → A ✓ 0.3 ms; a second copy follows in the background"),
    ],
)
async def test_put_looks_how_many_copies_there_are_to_be(voice: Voice, said: str) -> None:
    lines: list[Line] = []
    invocation = parse("put apple 1")
    assert invocation is not None
    assert await run(invocation, Context(Rising(frozen.healthy()), lines.append, voice=voice))
    assert lines[0].text == said
