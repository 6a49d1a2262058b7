"""What the middle of the ring says while a ring has just begun."""

from dataclasses import replace

import pytest

from kvtui.commands.parsing import parse
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.first_steps import another_node, first_steps
from kvtui.widgets.tints import Line, Tints
from tests.widgets import frozen

TINTS = Tints(True, (10, 10, 10), (220, 220, 220), (90, 90, 255), (0, 200, 0), (200, 200, 0), (200, 0, 0))


def commands(lines: list[Line]) -> list[str]:
    return [text for line in lines for text, words in line if "accent" in words]


def drawn(picture: Picture, size: tuple[int, int]) -> str:
    drawing = Drawing(Settings(*size, TINTS))
    drawing.draw(picture, None)
    return "\n".join(strip.text for strip in drawing.strips)


@pytest.mark.parametrize(
    ("snapshot", "wanted"),
    [
        (frozen.healthy(["A"], keys=0, replication=1), ["put apple 123", "fill 1000", "addnode B 5002"]),
        (frozen.healthy(["A"], keys=7, replication=1), ["addnode B 5002"]),
        (frozen.healthy(["A", "B"], keys=0, replication=1), ["put apple 123", "fill 1000", "setreplica 2"]),
        (frozen.healthy(["A", "B"], keys=7, replication=1), ["setreplica 2"]),
        (frozen.healthy(["A", "B"], keys=7), []),
        (frozen.healthy(["n1", "n2", "n3"], keys=0), ["put apple 123", "fill 1000"]),
        (frozen.healthy(["A", "B", "C"], keys=7, replication=1), []),
        (replace(frozen.healthy(["A", "B"], keys=0), unavailable=4), []),
    ],
    ids=["one, empty", "one", "two, empty", "two, one copy", "two", "three, empty", "three, one copy", "keys unknown"],
)
def test_it_says_what_comes_next_and_then_nothing(snapshot: ClusterSnapshot, wanted: list[str]) -> None:
    assert commands(first_steps(snapshot, 30)) == wanted
    assert commands(first_steps(snapshot, 14)) == wanted, "without the words before them where there is little room"
    for command in wanted:
        assert parse(command), "and that can be typed"


@pytest.mark.parametrize(
    ("ids", "port", "command"),
    [
        (["A"], 5001, "addnode B 5002"),
        (["n1"], 41234, "addnode n2 0"),
        (["n9"], 5009, "addnode n10 5010"),
        (["Z"], 5001, "addnode n2 5002"),
        (["lab"], 5001, "addnode n2 5002"),
        (["é"], 5001, "addnode n2 5002"),
    ],
)
def test_another_node_is_called_like_those_that_are_there(ids: list[str], port: int, command: str) -> None:
    snapshot = frozen.healthy(ids, replication=1)
    assert another_node(replace(snapshot, nodes=tuple(replace(node, port=port) for node in snapshot.nodes))) == command


@pytest.mark.parametrize("size", [(20, 2), (20, 3), (38, 12), (36, 17), (62, 31), (88, 44)])
def test_an_empty_cluster_says_what_to_type_at_every_size(size: tuple[int, int]) -> None:
    text = drawn(Picture().with_snapshot(frozen.empty()), size)
    assert "addnode A 5001" in text
    assert "type" in text
    assert ("0 is any port" in text) == (size[0] > 36)


@pytest.mark.parametrize("size", [(36, 17), (62, 31)])
def test_after_the_first_node_it_goes_on(size: tuple[int, int]) -> None:
    text = drawn(Picture().with_snapshot(frozen.healthy(["A"], keys=0, replication=1)), size)
    assert "0 keys" in text
    assert "put apple 123" in text
    assert "addnode B 5002" in text


def test_a_key_that_was_looked_up_matters_more() -> None:
    snapshot = frozen.healthy(["A"], keys=1, replication=1)
    text = drawn(replace(Picture().with_snapshot(snapshot), located=frozen.located(snapshot, b"apple")), (62, 31))
    assert "apple" in text
    assert "addnode" not in text
