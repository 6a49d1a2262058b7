"""Scenarios of rebuilt tables: small histories of coordinators that went on apart, told as what nodes have noted of them."""

from kvtui.core.cluster import ClusterError
from kvtui.core.placement import Placement
from kvtui.core.rebuilding import rebuild
from kvtui.core.records import Behind, Counted
from kvtui.core.version import Version
from tests.core.clusters import after, placed_as, settled
from tests.core.test_rebuilding import found
from tests.core.test_testimony import apart, placed, start, taken_over

ALL = [(0, 8)]


def the_newest_note_decides_whatever_came_of_it() -> None:
    before = start(Placement(("A", "B"), ("A", "B")))
    sleeper = after(before, Behind("A", ALL))
    rebuilt = rebuild([found("B", before, granted=(2, "next")), found("C", sleeper, Version(1, 20))])
    assert (placed(rebuilt).clean, rebuilt.lost) == ((), 8), "a newer coordinator may have served it"


def what_was_noted_beyond_a_note_does_not_matter() -> None:
    before = start(Placement(("A", "C"), ("A", "C")), "ABCD")
    newer, sleeper = taken_over(before), placed_as(after(before, Behind("A", ALL)), Placement(("C", "D"), ("C", "D")))
    nodes = [found("A", newer, Version(2, 30)), found("B", newer, Version(2, 30))]
    nodes += [found(name, sleeper, Version(1, 34), granted=(1, before.coordinator)) for name in "CD"]
    assert placed(rebuild(nodes)).clean == ("C", "D"), "A had fallen behind before the newer one was obeyed by all"


def a_rebuilt_table_needs_no_newcomers() -> None:
    moving = placed_as(settled("ABC"), Placement(("A",), ("A",), ("B",), ("B",)))
    try:
        rebuild([found("A", moving), found("C", moving)])
    except ClusterError:
        return
    raise AssertionError("B may hold it by now, and was not asked for")


def where_a_newer_note_needs_who_is_gone_an_older_one_decides() -> None:
    before = start(Placement(("A", "B"), ("A", "B")))
    newer = placed_as(taken_over(before), Placement(("C",), ("C",)))
    rebuilt = rebuild([found("A", before), found("B", newer, Version(2, 20))], ["C"])
    assert rebuilt.lost == 8


def two_that_went_on_apart_are_not_asked_for() -> None:
    rebuilt = rebuild(apart(2))
    assert (rebuilt.lost, rebuilt.disputed) == (8, 8)


def of_two_that_speak_the_smaller_one_decides() -> None:
    two_that_went_on_apart_are_not_asked_for()


def who_lost_data_is_as_good_as_whole() -> None:
    topology = after(settled("AB", 2), Counted("B", 9))
    rebuilt = rebuild([found("A", topology), found("B", topology, counter=8)], ["B"])
    assert rebuilt.lost == 8


def who_is_no_replica_holds_nothing() -> None:
    topology = settled("ABC", 2)
    rebuilt = rebuild([found(name, topology) for name in "ABC"])
    for place in rebuilt.topology.places:
        assert set(place.garbage) == set("ABC") - set(place.replicas)


def nodes_of_later_epochs_are_not_topped() -> None:
    topology = settled("AB", 2)
    nodes = [found("A", topology, granted=(7, "seventh")), found("B", topology, granted=(7, "seventh"))]
    assert rebuild(nodes).topology.epoch > 7
