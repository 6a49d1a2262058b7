"""What a table rebuilt from notes trusts, and what it does not; where several coordinators noted: ``test_testimony``."""

from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from zlib import compress

import pytest

from kvtui.core import rebuilding
from kvtui.core.cluster import ClusterError
from kvtui.core.notes import NoteDamaged, read_note, write_note
from kvtui.core.placement import Placement
from kvtui.core.protocol import Facts
from kvtui.core.rebuilding import HOME, Found, rebuild
from kvtui.core.records import Behind, Counted, Member, Opened
from kvtui.core.topology import Topology
from kvtui.core.version import NEVER, Version
from kvtui.node.store import _NOTE
from tests.core.clusters import after, member, placed_as, settled
from tests.simulation.engine import FaultyDisk
from tests.simulation.harness import SimCluster
from tests.simulation.loop import run_virtual

NOTED = Version(1, 9)


def found(
    node: str,
    topology: Topology,
    noted: Version = NOTED,
    *,
    data_id: str = "",
    counter: int = 0,
    cluster: str = "c0ffee",
    granted: tuple[int, str] | None = None,
) -> Found:
    """A node that obeys whoever wrote its note, if nobody else."""
    epoch, coordinator = granted or (topology.epoch, topology.coordinator)
    facts = Facts(
        cluster=cluster,
        data_id=data_id or f"data of {node}",
        counter=counter,
        noted=noted,
        epoch=epoch,
        coordinator=coordinator,
    )
    return Found("127.0.0.1", 6001, facts, write_note(topology) if noted != NEVER else "")


def test_a_note_says_the_whole_topology() -> None:
    topology = after(settled("ABC", 2), Behind("A", [(0, 4)]))
    assert read_note(write_note(topology)) == topology


TOO_DEEP = b64encode(compress(b'[{"type":"opened","more":' + b"[" * 100_000)).decode()
NOT_UTF8 = b64encode(compress(b'[{"type":"opened","coordinator":"\xff"}]')).decode()


@pytest.mark.parametrize("text", ["", "%", "AAAA", "eJwrSS0uAQAEXQHB", pytest.param(TOO_DEEP, id="too deep"), NOT_UTF8])
def test_a_damaged_note_is_refused_in_words(text: str) -> None:
    with pytest.raises(NoteDamaged):
        read_note(text)


def test_the_newest_note_is_the_table_with_an_epoch_above_all() -> None:
    older, newer = settled("AB", 2), after(settled("AB", 2), Behind("B", [(0, 8)]))
    rebuilt = rebuild([found("B", older), found("A", newer, Version(1, 12))])
    assert rebuilt.topology.places == newer.places
    assert rebuilt.topology.epoch == 2
    assert (rebuilt.present, rebuilt.missing, rebuilt.lost) == (("A", "B"), (), 0)


def test_a_member_outside_every_clean_set_need_not_be_found() -> None:
    topology = after(settled("AB", 2), Behind("B", [(0, 8)]))
    rebuilt = rebuild([found("A", topology)])
    assert (rebuilt.missing, rebuilt.lost) == (("B",), 0)


def test_a_missing_member_of_a_clean_set_is_asked_for_by_name() -> None:
    with pytest.raises(ClusterError, match=r"8 slots .* B .* was not found.*--without B"):
        rebuild([found("A", settled("AB", 2))])


def test_all_members_that_are_missing_are_asked_for_together() -> None:
    topology = settled("ABC", 3)
    with pytest.raises(ClusterError) as refused:
        rebuild([found("A", topology), found("C", after(topology, Counted("C", 40)), Version(1, 10), counter=39)])
    assert str(refused.value) == (
        "8 slots may have their newest writes on nodes that are missing: B (127.0.0.1:5001) was not found;"
        " C: 127.0.0.1:6001 has lost data. Start them and name their addresses, or go on with those slots lost:"
        " --without B --without C"
    )


def test_slots_whose_newest_writes_may_be_elsewhere_are_lost_and_never_empty() -> None:
    rebuilt = rebuild([found("A", settled("AB", 2))], ["B"])
    assert rebuilt.lost == 8
    assert set(rebuilt.topology.places) == {Placement(("A", "B")), Placement(("B", "A"))}


def test_a_newcomer_that_may_have_been_cut_over_to_is_needed() -> None:
    moving = placed_as(settled("ABC"), Placement(("A",), ("A",), ("B",), ("B",)))
    with pytest.raises(ClusterError, match=r"B .* was not found"):
        rebuild([found("A", moving), found("C", moving)])


def test_a_node_that_lost_data_since_is_as_good_as_missing() -> None:
    topology = settled("AB", 2)
    with pytest.raises(ClusterError, match=r"B .* was not found"):
        rebuild([found("A", topology), found("B", topology, data_id="another life")])


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([], "^no node was found; name their addresses, or give the --state that holds their data$"),
        (
            [("A", NEVER, "c0ffee")],
            "^none of the nodes has a note of who holds what; it can't be rebuilt from them$",
        ),
        ([("A", NOTED, "")], "belongs to no cluster"),
        ([("A", NOTED, "c0ffee"), ("B", NOTED, "")], "belongs to no cluster; leave it out"),
        ([("A", NOTED, "c0ffee"), ("B", NOTED, "decaf")], "different clusters"),
        ([("A", NOTED, "c0ffee"), ("B", NOTED, "decaf"), ("C", NOTED, "facade")], "different clusters"),
    ],
)
def test_what_can_not_be_rebuilt_is_refused_in_words(nodes: list[tuple[str, Version, str]], words: str) -> None:
    topology = settled("AB", 2)
    with pytest.raises(ClusterError, match=words):
        rebuild([found(node, topology, noted, cluster=cluster) for node, noted, cluster in nodes])


def test_going_on_without_a_node_that_never_was_is_refused() -> None:
    topology = settled("AB", 2)
    with pytest.raises(ClusterError, match="Z is no node of this cluster; its nodes: A, B"):
        rebuild([found("A", topology), found("B", topology)], ["Z"])


def test_the_note_of_a_coordinator_on_an_old_copy_is_not_the_newest_although_its_epoch_is() -> None:
    """It was taken for the table: who had fallen behind since the copy was clean in it."""
    old = settled("AB", 2)
    copy = after(old, Opened(9, "on the copy", ends=((1, 9),)))
    going_on = after(old, Behind("B", [(0, 8)]))
    nodes = [found("B", copy, Version(9, 11)), found("A", going_on, Version(1, 14))]
    rebuilt = rebuild(nodes)
    assert {place.clean for place in rebuilt.topology.places} == {("A",)}
    assert rebuilt.topology.epoch > 9


def test_an_old_copy_that_nothing_contradicts_is_the_newest() -> None:
    old = settled("AB", 2)
    copy = after(old, Opened(9, "on the copy", ends=((1, 9),)), Behind("B", [(0, 8)]))
    rebuilt = rebuild([found("B", old, Version(1, 9)), found("A", copy, Version(9, 12))])
    assert {place.clean for place in rebuilt.topology.places} == {("A",)}


def test_members_are_where_and_as_they_were_found_and_the_log_is_at_home_nowhere() -> None:
    topology = after(settled("AB", 2), Behind("B", [(0, 8)]))
    here = replace(found("A", topology, counter=7), host="127.0.0.9", port=7001, name="a")
    rebuilt = rebuild([here]).topology
    assert rebuilt.members == {
        "A": Member(id="A", host="127.0.0.9", port=7001, data_id="data of A", counter=7, started_here=True),
        "B": member("B"),
    }
    assert rebuilt.home == HOME


def test_whoever_a_node_obeys_or_a_note_knows_of_is_known_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    topology = after(settled("AB", 2), Opened(2, "next"))
    nodes = [found("A", topology, Version(2, 12), granted=(3, "third")), found("B", topology, Version(2, 12))]
    assert rebuild(nodes).topology.openings == ((1, "coordinator"), (2, "next"), (3, "third"))
    monkeypatch.setattr(rebuilding, "OPENINGS_KEPT", 2)
    assert rebuild(nodes).topology.openings == ((2, "next"), (3, "third"))


def test_a_move_whose_newcomers_were_found_goes_on() -> None:
    moving = placed_as(settled("ABC"), Placement(("A",), ("A",), ("B",), ("B",)))
    rebuilt = rebuild([found(name, moving) for name in "ABC"])
    assert set(rebuilt.topology.places) == {Placement(("A",), ("A",), ("B",), ("B",), ("C",))}


def test_whoever_is_no_replica_is_cleared_because_the_note_may_be_older_than_what_it_received() -> None:
    """Entries of a move that the note did not know of stayed on a node for good."""
    topology = settled("ABC", 2)
    rebuilt = rebuild([found(name, topology) for name in "ABC"])
    for place in rebuilt.topology.places:
        assert set(place.garbage) == set("ABC") - set(place.replicas)


def test_a_node_and_a_copy_of_it_are_not_taken_for_one() -> None:
    """The one that was named last counted, however old."""
    topology = settled("AB", 2)
    both = [found("A", topology, counter=7), found("A", topology, counter=9), found("B", topology)]
    with pytest.raises(ClusterError, match="hold the same data: one is a copy of the other; leave out the older one"):
        rebuild(both)


def test_a_node_whose_data_any_note_knows_to_have_got_further_has_lost_some() -> None:
    """Only the newest note's counter counted: it may be of a coordinator that never reached the node."""
    topology = after(settled("AB", 2), Counted("B", 40))
    newer = after(settled("AB", 2), Opened(2, "next", ends=((1, 9),)))
    nodes = [found("A", topology), found("B", newer, Version(2, 11), counter=39)]
    with pytest.raises(ClusterError, match=r"B: .* has lost data.*--without B"):
        rebuild(nodes)


def test_a_node_with_a_damaged_note_may_have_known_more() -> None:
    """It was taken for one that never had a note."""
    topology = settled("AB", 2)
    damaged = replace(found("B", topology, NEVER), damaged=True)
    with pytest.raises(ClusterError, match=r"B: .* has a damaged note \(it fails its checksum\)\. .*--without B"):
        rebuild([found("A", topology), damaged])
    with pytest.raises(ClusterError, match=r"has a damaged note .*can't be rebuilt"):
        rebuild([damaged])


def test_what_nodes_note_after_they_were_asked_is_more_than_the_rebuilt_log_knows() -> None:
    """A coordinator that still ran went on, and the rebuilt log was opened as if it knew of that."""
    topology = settled("AB", 2)
    rebuilt = rebuild([found("A", topology, Version(1, 12)), found("B", topology)]).topology
    opened = after(rebuilt, Opened(rebuilt.epoch + 1, "opener", HOME, ends=(*rebuilt.ends, (rebuilt.epoch, 20))))
    assert not opened.outdated_by(Version(1, 12))
    assert opened.outdated_by(Version(1, 13))


def test_a_note_that_fails_its_checksum_on_its_node_is_not_taken_for_none() -> None:
    async def main() -> None:
        async with SimCluster(
            nodes=0, attached=True, replication=2, slots=8, make_disk=lambda _: FaultyDisk()
        ) as cluster:
            for name in ("n1", "n2"):
                await cluster.join(name)
            await cluster.call(lambda coordinator: coordinator.rebalance())
            disk = cluster.disks.disk(cluster.data_of("n2"))
            assert isinstance(disk, FaultyDisk)
            disk.flip(_NOTE, -1)
            cluster.crash()
            # What it remembers of the note is gone with its process.
            cluster.kill("n2")
            await cluster.revive("n2")
            with pytest.raises(ClusterError, match=r"n2: .* has a damaged note"):
                await cluster.recover(Path("rebuilt"))

    run_virtual(main)
