"""explain: requests on real nodes, told in aligned lines that no terminal cuts."""

from dataclasses import replace

import pytest

from kvtui.commands import Context, Level, parse, run
from kvtui.commands.explain import (
    KEY_SHOWN,
    WIDTH_LEAST,
    WIDTH_MOST,
    explanation_lines,
    location_of,
    milliseconds,
    text_bar,
)
from kvtui.core.explanation import Explanation
from kvtui.core.trace import Exchange, Purpose
from tests.commands.person import Opened
from tests.widgets import told
from tests.widgets.frozen import FrozenCluster, healthy

pytestmark = pytest.mark.anyio


async def test_a_put_is_carried_out_and_told_without_its_value(opened: Opened) -> None:
    async with opened(nodes=3, replication=2) as person:
        lines = await person.types("explain put apple secret words")
        assert lines[0] == "put apple"
        assert [line.split()[0] for line in lines[1:4]] == ["token", "slot", "replicas"]
        first, second = lines[3].split()[1::2]
        assert lines[3] == f"  replicas  {first} clean, {second} clean"
        assert [line.split()[:2] for line in lines[4:6]] == [[first, "put"], [second, "put"]]
        assert [line.index("|") for line in lines[4:6]] == [lines[4].index("|")] * 2
        assert "ok after " in lines[6]
        assert "12 bytes at version " in lines[6]
        assert lines[7].strip() == "2 of 2 clean replicas (S) have it; a write needs 1 (W)."
        assert not any("secret" in line for line in lines)
        assert await person.types("get apple") == ["apple -> secret words"]
        (location,) = person.locations
        assert (location.key, [copy.node for copy in location.replicas]) == (b"apple", [first, second])


async def test_a_get_and_a_del_are_told(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("put apple red")
        await person.types("rebalance")
        lines = await person.types("explain get apple")
        assert sum("get    |" in line for line in lines) == 1
        assert lines[-1].endswith("has every acknowledged write (it is clean): one answer is enough.")
        assert not any("red" in line for line in lines)
        deleted = await person.types("explain del apple")
        assert any("deleted at version" in line for line in deleted)
        absent = await person.types("explain get apple")
        assert any("not found, deleted at version" in line for line in absent)


async def test_a_request_that_fails_says_why_and_fails_the_command(opened: Opened) -> None:
    async with opened() as person:
        lines = await person.fails("explain get apple")
        assert "  replicas  none: the cluster has no nodes" in lines
        assert lines[-1].strip() == "There are no nodes yet; add one with: addnode A 5001."


@pytest.mark.parametrize(
    ("line", "why"),
    [("explain put apple", "value: missing"), ("explain get apple 1", "value: get takes none")],
)
async def test_a_value_belongs_to_a_put_alone(opened: Opened, line: str, why: str) -> None:
    async with opened(nodes=1) as person:
        (said,) = await person.fails(line)
        assert said.startswith(why)


async def test_a_cluster_that_can_not_tell_says_so() -> None:
    said: list[str] = []
    invocation = parse("explain get apple")
    assert invocation is not None
    assert not await run(invocation, Context(FrozenCluster(healthy()), lambda line: said.append(line.text)))
    assert said == ["explain: this cluster can't do that"]


def long_names(explanation: Explanation) -> Explanation:
    """The same with the longest ids, a long key, and a long reason."""
    names = {node: node * 32 for node in "ABCD"}
    holders = tuple(replace(holder, node=names[holder.node]) for holder in explanation.where.holders)
    where = replace(explanation.where, holders=holders, key="日".encode() * 90)
    exchanges = tuple(
        replace(exchange, node=names.get(exchange.node, ""), text=exchange.text and 9 * exchange.text)
        for exchange in explanation.exchanges
    )
    return replace(explanation, where=where, exchanges=exchanges)


@pytest.mark.parametrize("explanation", [told.PUT, told.REPAIRED, told.UNKNOWN], ids=["put", "get", "unknown"])
@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("width", [WIDTH_LEAST, 40, 51, 79, WIDTH_MOST, 200])
def test_no_line_is_longer_than_there_is_room(explanation: Explanation, long: bool, width: int) -> None:
    for line in explanation_lines(long_names(explanation) if long else explanation, width)[1:]:
        assert len(line.text) <= min(WIDTH_MOST, width), line.text


def test_a_repair_is_told_with_its_reasons_in_the_order_of_time() -> None:
    lines = explanation_lines(told.REPAIRED)
    texts = [line.text for line in lines]
    assert sum("doubt" in text for text in texts) == 2
    steps = [text.split()[1] for text in texts if "|" in text]
    assert steps[1:] == ["get", "get", "get", "repair", "repair"]
    damaged = next(line for line in lines if "error: the entry is" in line.text)
    assert damaged.level is Level.WARNING
    assert texts[-1].strip() == "B, C had an older one: the newest was written back first."


def test_levels_follow_the_outcome() -> None:
    def level(explanation: Explanation) -> Level:
        return next(line.level for line in explanation_lines(explanation) if line.text.startswith("  outcome"))

    assert level(told.PUT) is Level.GOOD
    assert level(told.UNKNOWN) is Level.BAD
    assert level(replace(told.REPAIRED, stale=True)) is Level.WARNING


def test_a_bar_stands_for_the_time_between_question_and_answer() -> None:
    assert text_bar(Exchange("A", Purpose.GET, 0.0, 1.0), 2.0) == "|==========          |"
    assert text_bar(Exchange("A", Purpose.GET, 1.0, 2.0), 2.0) == "|          ==========|"
    assert text_bar(Exchange("A", Purpose.GET, 1.0), 2.0) == "|          ..........|"
    assert text_bar(Exchange("A", Purpose.GET, 0.0, 0.0), 0.0) == "|=                   |"


def test_times_are_written_with_three_digits_or_so() -> None:
    assert [milliseconds(value) for value in (0.314, 12.34, 1532.4)] == ["0.31 ms", "12.3 ms", "1,532 ms"]


def test_a_location_has_the_versions_that_were_told() -> None:
    location = location_of(told.PUT)
    assert [(copy.node, copy.version, copy.clean, copy.receiving) for copy in location.replicas] == [
        ("A", told.AT, True, False),
        ("B", told.AT, True, False),
        ("C", None, False, False),
        ("D", None, False, True),
    ]
    assert location.start <= location.position < location.stop


def test_a_long_key_is_cut() -> None:
    first = explanation_lines(long_names(told.PUT))[0].text
    assert first == f"put {'日' * KEY_SHOWN}…"
