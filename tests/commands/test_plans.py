"""plan: what a change would do, told in aligned lines; nothing is changed by it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from kvtui.commands import CommandError, Context, Level, parse, run
from kvtui.commands.plans import WIDTH_LEAST, WIDTH_MOST, change_of, plan_lines, seconds_words
from kvtui.core.change import AddNode, Change, RemoveNode, SetPolicy, SetReplication, SetWeight
from kvtui.core.plan import Plan
from tests.commands.person import Opened
from tests.widgets import told
from tests.widgets.frozen import FrozenCluster, healthy

pytestmark = pytest.mark.anyio


def typed(line: str) -> Change:
    invocation = parse(line)
    assert invocation is not None
    return change_of(invocation)


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("plan add D", AddNode("D")),
        ("plan add D 3", AddNode("D", 3)),
        ("plan remove B", RemoveNode("B")),
        ("plan setreplica 3", SetReplication(3)),
        ("plan policy balanced", SetPolicy("balanced")),
        ("plan policy Classic 8", SetPolicy("classic", 8)),
        ("plan weight A 2", SetWeight("A", 2)),
    ],
)
def test_each_change_is_typed_as_its_command_is(line: str, change: Change) -> None:
    assert typed(line) == change
    assert str(change) in line.lower().replace("plan add d", "plan add D").replace("remove b", "remove B").replace(
        "weight a", "weight A"
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("plan setreplica many", 'a number of copies, not "many"'),
        ("plan policy round", 'balanced or classic, not "round"'),
        ("plan policy balanced 8", "Usage: plan policy balanced|classic [vnodes]"),
        ("plan remove B 2", "Usage: plan remove <id>"),
        ("plan weight A", "number: missing. Usage: plan weight <id> <weight>"),
    ],
)
def test_what_is_no_change_is_refused_with_the_usage_of_its_kind(line: str, why: str) -> None:
    with pytest.raises(CommandError) as refused:
        typed(line)
    assert why in refused.value.text


async def test_a_plan_says_what_the_change_then_does(opened: Opened) -> None:
    async with opened(nodes=3, replication=2) as person:
        for number in range(30):
            await person.types(f"put key{number} {number}")
        before = await person.types("show")
        lines = await person.types("plan setreplica 3")
        assert lines[0] == "Plan: setreplica 3 (nothing is changed)"
        assert lines[1].startswith("  moves    64 copies of slots (33.3% of all), about 30 copies of keys, ")
        assert lines[2] == "  copies   2 -> 3 of every key; a write needs 1 -> 2 (W)"
        assert sum(line.startswith("  copy ") for line in lines) == 6
        assert await person.types("show") == before
        await person.types("setreplica 3")
        await person.types("rebalance")
        assert "nothing: all stays where it is" in (await person.types("plan setreplica 3"))[1]


async def test_a_change_that_would_be_refused_is_told_and_fails(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        lines = await person.fails("plan remove n9")
        assert lines == ["Plan: remove n9 (nothing is changed)", "  refused  there is no node n9; nodes: n1"]


async def test_a_cluster_that_can_not_plan_says_so() -> None:
    said: list[str] = []
    invocation = parse("plan add D")
    assert invocation is not None
    assert not await run(invocation, Context(FrozenCluster(healthy()), lambda line: said.append(line.text)))
    assert said == ["plan: this cluster can't do that"]


def renamed(plan: Plan) -> Plan:
    """The same with ids as long as they may be."""
    longer: Callable[[str], str] = lambda node: node * 32  # noqa: E731 - used twice, here alone
    nodes = tuple(replace(node, node=longer(node.node)) for node in plan.nodes)
    flows = tuple(replace(flow, source=longer(flow.source), receiver=longer(flow.receiver)) for flow in plan.flows)
    return replace(plan, nodes=nodes, flows=flows, bytes=123_456_789_012, seconds=123_456.0)


@pytest.mark.parametrize("change", [AddNode("D"), RemoveNode("B"), SetReplication(3), SetWeight("A", 4)], ids=str)
@pytest.mark.parametrize("width", [WIDTH_LEAST, 40, 51, 79, WIDTH_MOST, 200])
def test_no_line_is_longer_than_there_is_room(change: Change, width: int) -> None:
    plan = told.plan(change, "B")
    for line in plan_lines(plan, width)[1:] + plan_lines(renamed(plan), width)[1:]:
        assert len(line.text) <= min(WIDTH_MOST, width), line.text


def test_a_table_has_each_node_before_and_after() -> None:
    lines = [line.text for line in plan_lines(told.plan())]
    start = next(place for place, line in enumerate(lines) if line.startswith("  node"))
    assert lines[start + 4].split() == ["D", "0.0%", "->", "25.0%", "+128", "0", "->", "128"]
    assert lines[start + 1].split()[:8] == ["A", "33.4%", "->", "25.0%", "-43", "171", "->", "128"]
    assert "about 1 s at the rate of the last moves" in " ".join(" ".join(lines).split())


def test_what_to_know_comes_with_its_level() -> None:
    levels = [line.level for line in plan_lines(told.plan(RemoveNode("B"), "B")) if line.text.startswith("  note")]
    assert levels == [Level.WARNING, Level.WARNING]


def test_many_nodes_and_pairs_are_cut_to_those_that_change_most() -> None:
    letters = "".join(chr(ord("A") + place) for place in range(25))
    lines = [line.text for line in plan_lines(told.plan(AddNode("new"), nodes=letters))]
    assert any(line.startswith("  … and 6 nodes that change less") for line in lines)
    assert any(line.startswith("  new ") for line in lines)
    assert sum(line.startswith("  copy ") for line in lines) == 9
    assert len(lines) < 50


def test_times_in_few_digits() -> None:
    assert [seconds_words(seconds) for seconds in (0.2, 75, 200, 9_000)] == ["1 s", "75 s", "3 min", "2.5 h"]
