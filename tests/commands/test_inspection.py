"""All of a node or a key in words."""

import time
from dataclasses import replace

import pytest

from kvtui.commands import Level, node_facts
from kvtui.commands.inspection import RANGES_LISTED, duration, key_facts, moment
from kvtui.commands.sizes import size
from kvtui.core.cluster import IT_IS_DOWN, Heard, ReplicaCopy
from kvtui.core.snapshot import ClusterSnapshot, NodeState, Progress, RangeView
from kvtui.core.version import NEVER, Version
from tests.commands.person import Opened
from tests.widgets import frozen


def told(picture: ClusterSnapshot, node: str) -> dict[str, tuple[str, Level]]:
    view = picture.node(node)
    assert view is not None
    return {fact.name: (fact.text, fact.level) for fact in node_facts(picture, view) if fact.name}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1024, "1.0 KiB"),
        (999 * 1024, "999 KiB"),
        (1_250_000, "1.2 MiB"),
        (64 * 1024**2, "64.0 MiB"),
        (3 * 1024**4, "3.0 TiB"),
    ],
)
def test_sizes_are_short(number: int, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (99, "99 s"), (150, "2 min"), (7_300, "2 h")])
def test_durations_are_as_exact_as_they_need_be(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_a_moment_of_another_day_has_its_date() -> None:
    noon = time.mktime((2026, 1, 1, 12, 0, 5, 0, 0, -1))
    assert moment(noon, noon + 60) == "12:00:05"
    assert moment(noon, noon + 86_400) == "2026-01-01 12:00:05"


def test_a_healthy_node_needs_no_attention() -> None:
    facts = told(frozen.healthy(), "B")
    assert {level for _, level in facts.values()} == {Level.INFO}
    assert facts["address"][0] == "127.0.0.1:5002"
    assert facts["process"][0] == "pid 4001, started here"
    assert facts["copies"][0] == "6,878 (806 KiB)"
    assert facts["share"][0] == "33.4% of all copies, quota 33.4%"
    assert facts["behind"][0] == "0 of 171 slots"
    assert facts["operations"][0] == "7,150/s"
    assert facts["latency"][0] == "p50 0.22  p99 1.04 ms"
    assert facts["ranges"][0].endswith("171 slots")


def test_a_node_in_trouble_says_what_and_how_bad() -> None:
    picture = frozen.one_down()
    facts = told(picture, "B")
    assert facts["state"][0].startswith("DOWN since")
    assert facts["state"][1] is Level.BAD
    assert facts["behind"] == ("31 of 171 slots may lack writes", Level.WARNING)
    assert facts["hints"] == ("118 keys missing here", Level.WARNING)
    assert facts["trouble"] == ("connection refused", Level.WARNING)
    assert facts["process"][0] == "started here, not running"
    nodes = tuple(
        replace(node, damaged=2, fault="paused", durable=False, leaving=True, weight=2) for node in picture.nodes
    )
    worse = told(replace(picture, nodes=nodes), "B")
    assert worse["damaged"] == ("2 entries, not served", Level.BAD)
    assert worse["command"] == ("paused", Level.WARNING)
    assert worse["storage"][1] is Level.WARNING
    assert worse["share"][0].endswith("weight 2")
    assert "is being emptied to leave" in worse["state"][0]


def test_a_node_off_its_quota_is_a_warning_and_its_move_has_a_pace() -> None:
    facts = told(frozen.joining(part=0.5), "C")
    assert facts["share"][1] is Level.WARNING
    assert facts["receiving"][0] == "85 of 170 slots, 21/s, 4 s left"
    stalled = replace(frozen.joining().nodes[2], receiving=Progress(1, 4))
    picture = replace(frozen.joining(), nodes=(stalled,))
    assert told(picture, "C")["receiving"][0] == "1 of 4 slots"


def test_ranges_are_listed_with_the_nodes_role_and_their_number_is_bounded() -> None:
    view = frozen.healthy().nodes[0]
    many = tuple(
        RangeView(at / 1024, (at + 1) / 1024, ("A", "B") if at % 2 else ("B", "A"), ("B",) if at == 1 else ("A", "B"))
        for at in range(1024)
    )
    facts = node_facts(replace(frozen.healthy(), ranges=many, slots=16_384), view)
    at = next(place for place, fact in enumerate(facts) if fact.name == "ranges")
    assert facts[at].text == "1,024, 16,384 slots"
    listed = [fact.text.strip() for fact in facts[at + 1 :]]
    assert listed[0] == "0.00 to   0.10 %, slots 0 to 15: replica 2"
    assert listed[1].endswith("slots 16 to 31: first replica, behind")
    assert len(listed) == RANGES_LISTED + 1
    assert listed[-1] == "… and 924 more"


def test_a_key_has_the_versions_of_its_replicas_and_who_lags() -> None:
    picture = frozen.healthy()
    location = frozen.located(picture, b"apple")
    copies = (ReplicaCopy("B", Version(2, 9)), ReplicaCopy("C", Version(1, 7), clean=False))
    ranges = tuple(replace(part, clean=("B",)) for part in picture.ranges)
    facts = key_facts(replace(picture, ranges=ranges), replace(location, replicas=copies))
    said = {fact.name or "second": (fact.text, fact.level) for fact in facts}
    assert said["replicas"] == ("B: version 2.9, clean", Level.INFO)
    assert said["second"] == ("C: version 1.7, older than 2.9, behind", Level.WARNING)


def test_a_key_is_deleted_absent_or_can_not_be_asked() -> None:
    picture = frozen.healthy()
    location = frozen.located(picture, b"apple")
    for copy, words in (
        (ReplicaCopy("B", Version(1, 3), deleted=True), "B: deleted at version 1.3, clean"),
        (ReplicaCopy("B", NEVER), "B: never had it, clean"),
        (ReplicaCopy("B", None, heard=Heard.NO_ANSWER, why="silent"), "B: no answer (silent), clean"),
        (ReplicaCopy("B", None, heard=Heard.DAMAGED, why="a sum is wrong"), "B: damaged (a sum is wrong), clean"),
        (
            ReplicaCopy("B", None, heard=Heard.NOT_ASKED, why="one clean answer was enough"),
            "B: not asked (one clean answer was enough), clean",
        ),
        (ReplicaCopy("B", None, heard=Heard.NOT_ASKED, why=IT_IS_DOWN), "B: not asked yet, clean"),
    ):
        facts = key_facts(picture, replace(location, replicas=(copy,)))
        assert words in [fact.text for fact in facts]
        assert "C: not asked yet, clean" in [fact.text for fact in facts]


def test_a_clean_replica_that_is_down_is_no_comfort() -> None:
    picture = frozen.healthy()
    nodes = tuple(replace(node, state=NodeState.DOWN) if node.id == "B" else node for node in picture.nodes)
    facts = key_facts(replace(picture, nodes=nodes), frozen.located(picture, b"apple"))
    down = next(fact for fact in facts if fact.text.startswith("B:"))
    assert (down.text, down.level) == ("B: not asked (it is down), clean", Level.WARNING)


def test_what_is_shown_of_a_key_says_when_it_can_not_be_served_and_for_whom_that_waits() -> None:
    picture = frozen.two_down()
    at = next(part for part in picture.ranges if part.waits_for)
    location = replace(frozen.located(picture, b"apple"), position=(at.start + at.stop) / 2)
    facts = {fact.name: (fact.text, fact.level) for fact in key_facts(picture, location)}
    assert facts["served"] == (f"not now: it waits for {at.waits_for[0]}", Level.BAD)
    assert facts["replicas"][0].startswith(f"{at.replicas[0]}: not asked (it is down), ")
    ranges = tuple(replace(part, waits_for=(), writes_wait_for=("A",)) for part in picture.ranges)
    facts = {fact.name: (fact.text, fact.level) for fact in key_facts(replace(picture, ranges=ranges), location)}
    assert facts["written"] == ("not now: that waits for A", Level.BAD)


@pytest.mark.anyio
async def test_where_there_is_no_inspector_the_command_says_its_lines(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("put a 123")
        said = await person.types("inspect n1")
        assert said[0] == "Node n1"
        facts = {line.split()[0]: line for line in said[1:] if line[2] != " "}
        assert "pid" in facts["process"]
        assert "1 (4 B)" in facts["copies"]
        assert "memory only" in facts["storage"]
        failed = await person.fails("inspect nobody")
        assert failed == ["there is no node nobody; there are: n1, n2"]
