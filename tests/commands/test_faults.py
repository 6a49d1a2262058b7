"""Faults by command, on real nodes: what becomes of the node, of the data, and how it ends."""

import os
import signal
from pathlib import Path

import pytest

from kvtui.commands import Context, parse, run
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.snapshot import NodeState
from tests.commands.person import Opened, Person
from tests.live import lone_node, until_state

pytestmark = pytest.mark.anyio


def process_of(person: Person, node: str) -> int:
    view = person.cluster.snapshot().node(node)
    assert view is not None
    assert view.pid is not None
    return view.pid


def until_stopped(pid: int) -> None:
    """A signal that was sent is carried out soon, not at once: the system says when."""
    told = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
    assert told is not None
    assert told.si_status == signal.SIGSTOP


async def test_a_killed_node_is_down_until_it_is_started(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("put apple 1")
        assert await person.types("kill n2") == ["Node killed: n2; bring it back with: start n2"]
        await until_state(person.cluster, "n2", NodeState.DOWN)
        await person.types("put apple 2")
        assert "not running" in (await person.fails("kill n2"))[0]
        await person.types("start n2")
        await person.types("rebalance")
        assert await person.types("get apple") == ["apple -> 2"]


async def test_a_paused_node_answers_nothing_until_it_is_resumed(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("pause n2")
        until_stopped(process_of(person, "n2"))
        assert "paused already" in (await person.fails("pause n2"))[0]
        assert "resume n2" in (await person.fails("start n2"))[0]
        await until_state(person.cluster, "n2", NodeState.DOWN)
        assert (await person.types("show"))[2].endswith("status=DOWN, paused): silent for 1.5 s")
        await person.types("put apple 1")
        assert await person.types("resume n2") == ["Node resumed: n2"]
        await until_state(person.cluster, "n2", NodeState.UP)
        assert await person.fails("resume n2") == ["n2 is not paused"]


async def test_a_node_that_is_cut_off_comes_back_when_the_partition_is_healed(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        await person.types("put apple 1")
        await person.types("cut n2")
        await until_state(person.cluster, "n2", NodeState.DOWN)
        view = person.cluster.snapshot().node("n2")
        assert view is not None
        assert (view.fault, view.pid is not None) == ("cut off", True)
        await person.types("put apple 2")
        assert "cut off already" in (await person.fails("cut n2"))[0]
        assert await person.types("heal") == ["Healed: n2"]
        await until_state(person.cluster, "n2", NodeState.UP)
        await person.types("rebalance")
        assert await person.types("get apple") == ["apple -> 2"]
        assert await person.types("heal") == ["Nothing to heal"]


async def test_a_slow_node_delays_writes_by_as_much(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        assert await person.types("slow n2 150") == ["Node slowed by 150 ms each way: n2"]
        written = await person.cluster.put(b"apple", b"1")
        assert max(answer.milliseconds for answer in written.replicas) >= 300
        assert (await person.types("show"))[2].endswith(", slowed by 150 ms)")
        assert await person.types("slow n2 0") == ["Node no longer slowed: n2"]
        written = await person.cluster.put(b"apple", b"2")
        assert max(answer.milliseconds for answer in written.replicas) < 150
        assert "not possible" in (await person.fails("slow n2 60001"))[0]


async def test_a_wiped_node_is_filled_again_and_the_last_clean_copy_is_not_wiped(tmp_path: Path) -> None:
    settings = Settings(tmp_path, nodes=2, replication=2, slots=64)
    async with open_cluster(settings) as cluster:
        person = Person(cluster)
        await person.types("put apple 1")
        assert await person.types("wipe n2") == ["Node wiped: n2; it begins anew, empty, with: start n2"]
        assert not (tmp_path / "nodes" / "n2").exists()
        (line,) = await person.fails("wipe n1")
        assert line.startswith("n1 has the last clean copy of 64 slots (0-31, 32-63): wiping it would lose them")
        assert await person.types("get apple") == ["apple -> 1"]
        await person.types("start n2")
        await person.types("rebalance")
        await person.types("stop n1")
        assert await person.types("get apple") == ["apple -> 1"]


async def test_a_node_whose_directory_is_a_link_leaves_and_the_cluster_opens_again(tmp_path: Path) -> None:
    """ "A defect of kvtui stopped it", and again at every opening."""
    settings = Settings(tmp_path / "state", nodes=3, replication=2, slots=64)
    elsewhere = tmp_path / "elsewhere"
    async with open_cluster(settings) as cluster:
        await Person(cluster).types("put apple 1")
    data = tmp_path / "state" / "nodes" / "n3"
    data.rename(elsewhere)
    (elsewhere / "thesis.tex").write_text("years")
    data.symlink_to(elsewhere)
    async with open_cluster(settings) as cluster:
        assert await Person(cluster).types("removenode n3") == [
            "Rebalancing after removing node n3...",
            "Node removed: n3",
            f"{data} still holds thesis.tex, which no node made",
        ]
    for _ in range(2):
        async with open_cluster(settings) as cluster:
            assert await Person(cluster).types("get apple") == ["apple -> 1"]
            assert [view.id for view in cluster.snapshot().nodes] == ["n1", "n2"]
    assert [entry.name for entry in elsewhere.iterdir()] == ["thesis.tex"]


async def test_nodes_that_others_started_are_left_alone(opened: Opened) -> None:
    async with opened(nodes=1) as person, lone_node(None) as (_, port):
        await person.types(f"addnode A {port}")
        for line in ("kill A", "pause A", "resume A", "slow A 10", "cut A", "wipe A --yes"):
            assert await person.fails(line) == ["A was not started by kvtui: do that where it runs"]
        assert await person.fails("kill B") == ["there is no node B; nodes: n1, A"]


async def test_what_is_paused_ends_with_the_cluster() -> None:
    lines: list[str] = []
    async with open_cluster(Settings(None, nodes=1, slots=64)) as cluster:
        context = Context(cluster, lambda line: lines.append(line.text))
        invocation = parse("pause n1")
        assert invocation is not None
        assert await run(invocation, context)
        view = cluster.snapshot().node("n1")
        assert view is not None
        pid = view.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
