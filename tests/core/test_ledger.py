"""What the coordinator is not certain of: bounded, and never forgotten too early."""

import pytest

from kvtui.core import ledger as ledger_module
from kvtui.core.cluster import ClusterError
from kvtui.core.ledger import SUSPECTED_ANEW, Counting, Ledger, LogFull
from kvtui.core.link import Link
from kvtui.core.metadata_log import MetadataLog
from kvtui.core.placement import Placement
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import (
    Counted,
    Created,
    CutOver,
    Forgotten,
    Joined,
    LossAccepted,
    Opened,
    Placed,
    Record,
    Recovered,
    Tuned,
)
from kvtui.core.remote_node import RemoteNode
from kvtui.core.seams.clock import LoopClock
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.version import Version
from tests.core.clusters import SLOTS, member, planned
from tests.simulation.engine import FaultyDisk

EMPTY = Placement()


AB = Placement(("A", "B"), ("A", "B"))


def ledger(place: Placement = EMPTY, disk: FaultyDisk | None = None, told: list[str] | None = None) -> Ledger:
    """A ledger of members A and B on a disk, which says in ``told`` why it stops, and whether there is space."""
    log = MetadataLog(MemoryEngine() if disk is None else disk.open())
    members = (Joined(member(name)) for name in "AB")
    log.append(Created("c0ffee", "default", planned("").to_record()), *members, Placed(0, SLOTS, place))
    told = [] if told is None else told
    known = Ledger(log, told.append, told.append)
    known.nodes.update({name: RemoteNode(name, "127.0.0.1", 5001) for name in "AB"})
    return known


def clean_of(known: Ledger) -> list[tuple[str, ...]]:
    return [place.clean for place in known.topology.places]


def test_a_newer_write_overrules_an_unknown_one() -> None:
    known = ledger()
    known.suspect_key(b"key", 0, Version(1, 5))
    known.overruled(b"key", Version(1, 6))
    assert not known.uncertain


def test_an_older_write_does_not_settle_a_newer_unknown_one() -> None:
    """An older write, still waiting for a newcomer, ended well after a newer one ended unknown: the suspicion was dropped."""
    known = ledger()
    known.suspect_key(b"key", 0, Version(1, 6))
    known.suspect_key(b"key", 0, Version(1, 4))
    known.overruled(b"key", Version(1, 5))
    assert known.uncertain == {b"key": Version(1, 6)}


def test_beyond_the_limit_whole_slots_are_suspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "UNCERTAIN_KEYS", 2)
    known = ledger()
    known.unverified[:] = bytes(SLOTS)
    for number, key in enumerate((b"a", b"b", b"c", b"a")):
        known.suspect_key(key, number, Version(1, number + 1))
    assert known.uncertain == {b"a": Version(1, 4), b"b": Version(1, 2)}
    assert list(known.unverified) == [0, 0, SUSPECTED_ANEW, 0, 0, 0, 0, 0]


def test_hints_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "HINTS", 3)
    known = ledger()
    for number in range(10):
        known.hint("A", (b"key %d" % number,))
    assert len(known.hints["A"]) == 3


def test_versions_grow_and_leave_room_for_a_batch() -> None:
    known = ledger()
    assert [known.next_version(), known.next_version(3), known.next_version()] == [
        Version(0, 1),
        Version(0, 2),
        Version(0, 5),
    ]


def test_a_node_is_excluded_only_where_others_go_on() -> None:
    known = ledger(Placement(("A", "B"), ("A", "B")))
    known.exclude("A", [(0, 3), (6, 8)])
    assert [place.clean for place in known.topology.places] == [("B",)] * 3 + [("A", "B")] * 3 + [("B",)] * 2
    known.exclude("B", [(0, SLOTS)])
    assert [place.clean for place in known.topology.places] == [("B",)] * 3 + [("A",)] * 3 + [("B",)] * 2


def test_who_was_lost_while_the_log_was_full_is_behind_once_there_is_space() -> None:
    """It was behind in memory alone: the next one to open the log took it for clean."""
    disk, told = FaultyDisk(), list[str]()
    known = ledger(AB, disk, told)
    disk.free = 0
    known.exclude("A", [(0, 3)])
    assert clean_of(known) == [("A", "B")] * SLOTS
    assert told == [f"the metadata log takes no more records: {why}" for why in [known.full.partition(": ")[2]]]
    assert "no space for" in known.full
    disk.free = None
    known.check_space()
    assert clean_of(known) == [("B",)] * SLOTS
    assert told[1:] == [""]
    assert known.full == ""


def test_who_is_back_or_no_member_any_more_is_not_behind_when_there_is_space_again() -> None:
    disk = FaultyDisk()
    known = ledger(Placement(("A", "B", "C"), ("A", "B", "C")), disk)
    disk.free = 0
    for name in ("C", "A", "B"):
        known.exclude(name, [(0, SLOTS)])
    known.nodes["A"].link = Link(LoopClock(), lambda _link, _why: None)
    disk.free = None
    known.append(Forgotten("B"))
    known.check_space()
    assert clean_of(known) == [("A", "C")] * SLOTS


def test_each_member_that_was_lost_meanwhile_is_behind_then() -> None:
    disk = FaultyDisk()
    known = ledger(Placement(("C", "A", "B"), ("C", "A", "B")), disk)
    disk.free = 0
    del known.nodes["A"]
    for name in ("A", "B"):
        known.exclude(name, [(0, SLOTS)])
    disk.free = None
    known.check_space()
    assert clean_of(known) == [("C", "A")] * SLOTS


def test_a_record_without_space_is_refused_in_words() -> None:
    disk = FaultyDisk()
    known = ledger(AB, disk)
    disk.free = 0
    with pytest.raises(LogFull, match=r"it can't be logged, so nothing changed: no space for .* make space there"):
        known.append(Forgotten("B"))
    assert "B" in known.topology.members


def test_a_coordinator_serves_and_logs_at_first() -> None:
    assert (ledger().stopped, ledger().full) == ("", "")


def test_a_log_that_fails_stops_the_coordinator_in_words() -> None:
    disk, told = FaultyDisk(), list[str]()
    known = ledger(AB, disk, told)
    disk.syncs_until_failure = 0
    with pytest.raises(ClusterError, match=r"^the state directory can't be written, so kvtui stops: .+") as refused:
        known.append(Forgotten("B"))
    assert told == [known.stopped] == [str(refused.value)]


def test_whether_there_is_space_is_asked_with_a_record_that_says_nothing_new_and_that_nobody_notes() -> None:
    """To note it on all nodes would cost each of them a write whenever space is asked for."""
    known, seen = ledger(AB), list[Record]()
    known.on_records = seen.extend
    before = known.topology
    known.check_space()
    assert seen == [Counted("A", before.members["A"].counter)]
    assert known.topology == before


def test_asking_for_space_changes_no_setting_of_a_cluster_without_nodes() -> None:
    known = ledger()
    known.append(Forgotten("A"), Forgotten("B"), Tuned(2, ReadMode.AVAILABLE, 7))
    before = known.topology
    known.check_space()
    assert known.topology == before


def test_how_far_nodes_got_is_logged_once() -> None:
    known = ledger(AB)
    known.nodes["A"].known_counter = 7
    known.log_progress("AB")
    assert [known.topology.members[name].counter for name in "AB"] == [7, 0]
    before = known.logged
    known.log_progress("AB")
    assert known.logged == before


def test_why_it_stopped_is_told_once_and_the_first_reason_stays() -> None:
    told = list[str]()
    known = ledger(told=told)
    known.stop("first")
    known.stop("second")
    assert (known.stopped, told) == ("first", ["first"])


def test_a_slot_that_is_suspected_anew_wakes_whoever_looks_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "UNCERTAIN_KEYS", 0)
    known = ledger()
    known.unverified[:] = bytes(SLOTS)
    before = known.revision
    known.suspect_key(b"a", 3, Version(1, 1))
    assert known.revision == before + 1
    known.suspect_key(b"b", 3, Version(1, 2))
    assert known.revision == before + 1


def test_the_very_write_that_ended_unknown_is_overruled_once_all_have_it() -> None:
    known = ledger()
    known.suspect_key(b"key", 0, Version(1, 5))
    known.overruled(b"key", Version(1, 5))
    assert not known.uncertain


@pytest.mark.parametrize(
    ("slots", "covered"), [((2,), True), ((3,), True), ((4,), False), ((1,), False), ((1, 3, 9), True)]
)
def test_what_is_verified_covers_its_slots_alone(slots: tuple[int, ...], covered: bool) -> None:
    assert Counting("A", 2, 4).covers(slots) is covered


@pytest.mark.parametrize("quorum", [0, 2])
def test_the_route_of_a_slot_is_that_of_its_placement_and_is_kept_until_something_changes(quorum: int) -> None:
    known = ledger(AB)
    known.append(Tuned(quorum, known.topology.reads, 0))
    known.cautious = False
    known.nodes["A"].link = link = Link(LoopClock(), lambda _link, _why: None)
    route = known.route(3)
    assert [hop.node for hop in route.clean] == ["A"]
    assert route.clean[0].link is link
    assert (route.missing, route.least) == (("B",), max(1, quorum))
    assert known.route(3) is route
    known.append(Placed(3, 4, Placement(("B",), ("B",))))
    assert known.route(3).missing == ("B",)
    assert known.route(2).clean == route.clean


def test_what_may_be_an_old_copy_is_none_once_all_members_obey() -> None:
    known = ledger(AB)
    known.append(Opened(3, "this one", ends=((2, 7),)))
    known.cautious = True
    before = known.logged
    known.grant("A")
    assert (known.cautious, known.logged, known.topology.ends) == (True, before, ((2, 7),))
    known.grant("B")
    assert (known.cautious, known.topology.ends) == (False, ())


@pytest.mark.parametrize(("cautious", "ends"), [(True, ()), (False, ((2, 7),)), (False, ())])
def test_that_all_members_obey_is_logged_where_that_says_anything_new(
    cautious: bool, ends: tuple[tuple[int, int], ...]
) -> None:
    known = ledger(AB)
    known.append(Opened(3, "this one", ends=ends))
    known.cautious = cautious
    before = known.logged
    for name in "AB":
        known.grant(name)
    assert (known.cautious, known.topology.ends) == (False, ())
    assert (known.logged > before) is (cautious or bool(ends))


def test_what_may_be_an_old_copy_stays_so_until_it_is_logged_that_it_is_none() -> None:
    """Whoever opened it next, where another coordinator may have gone on, would have thought it at home."""
    disk = FaultyDisk()
    known = ledger(AB, disk)
    known.append(Opened(3, "this one", "where it came from"))
    known.cautious = True
    disk.free = 0
    for name in "AB":
        known.grant(name)
    assert known.cautious
    disk.free = None
    known.check_space()
    assert not known.cautious
    assert known.topology.home == ""


@pytest.mark.parametrize(
    ("cautious", "granted", "given_up"), [(False, "", True), (True, "", False), (True, "A", False), (True, "B", True)]
)
def test_who_is_away_before_it_was_made_equal_is_not_wondered_about(
    cautious: bool, granted: str, given_up: bool
) -> None:
    """Except by what may be an old copy: who has not granted it may be clean by another."""
    known = ledger(Placement(("A", "B"), ("A",), returning=("B",)))
    known.cautious = cautious
    known.granted.update(granted)
    before = known.logged
    known.give_up_return("A")
    assert known.logged == before
    known.give_up_return("B")
    assert {place.returning for place in known.topology.places} == {() if given_up else ("B",)}


@pytest.mark.parametrize("quorum", [0, 2])
def test_what_may_be_an_old_copy_serves_no_slot_before_all_who_count_obey(quorum: int) -> None:
    known = ledger(AB)
    known.append(Tuned(quorum, known.topology.reads, 0))
    known.append(Placed(0, 2, Placement(("A",), ("A",))))
    known.cautious = True
    known.nodes["A"].link = Link(LoopClock(), lambda _link, _why: None)
    known.granted.add("A")
    assert [hop.node for hop in known.route(0).clean] == ["A"]
    closed = known.route(2)
    assert (closed.clean, closed.missing, closed.least) == ((), ("B",), max(1, quorum))
    assert [hop.node for hop in closed.behind] == ["A"]
    known.granted.add("B")
    assert known.route(2).clean


def test_a_slot_that_nobody_holds_is_placed_once_every_member_obeys() -> None:
    known = ledger()
    known.cautious = True
    known.granted.add("A")
    assert not known.may_place(known.topology.places[0])
    known.granted.add("B")
    assert known.may_place(known.topology.places[0])


def test_what_may_be_an_old_copy_leaves_nobody_behind_who_may_obey_another() -> None:
    known = ledger(AB)
    known.cautious = True
    known.granted.add("B")
    known.exclude("A", [(0, SLOTS)])
    assert clean_of(known) == [("A", "B")] * SLOTS
    known.exclude("B", [(0, SLOTS)])
    assert clean_of(known) == [("A",)] * SLOTS


def test_a_member_that_was_logged_as_behind_is_not_so_again_when_there_is_space() -> None:
    """It may be clean again by then: only what could not be logged is still to be."""
    disk = FaultyDisk()
    known = ledger(AB, disk)
    known.exclude("A", [(0, SLOTS)])
    known.append(Placed(0, SLOTS, AB))
    disk.free = 0
    with pytest.raises(LogFull):
        known.append(Forgotten("A"))
    disk.free = None
    known.check_space()
    assert clean_of(known) == [("A", "B")] * SLOTS


def test_no_run_of_no_slots_is_logged() -> None:
    known = ledger(AB)
    known.append(Placed(2, 4, Placement(("B",), ("B",))))
    before = known.logged
    known.exclude("A", [(2, 4)])
    assert known.logged == before


def test_what_is_to_be_compared_is_compared_again_whatever_comparison_is_under_way() -> None:
    known = ledger()
    known.unverified[:] = b"\0\1\1" + bytes(SLOTS - 3)
    known.suspect(0, 2)
    assert list(known.unverified) == [SUSPECTED_ANEW, SUSPECTED_ANEW, 1] + [0] * (SLOTS - 3)


def test_who_comes_to_be_clean_anew_is_told_however_that_came() -> None:
    """What such a node acknowledged before may be gone: a write that is still under way does not count on it."""
    known = ledger(Placement(("A", "B"), ("B",), receiving=("C",), target=("B", "C")))
    told = list[tuple[tuple[str, ...], int, int]]()
    known.on_clean = lambda nodes, start, stop: told.append((tuple(nodes), start, stop))
    known.append(Recovered("A", 0, 2))
    known.append(CutOver(2, 4))
    known.append(Placed(4, 6, Placement(("A", "B"), ())))
    known.append(LossAccepted(4, 6, ("B",)))
    known.append(LossAccepted(5, 6, ()))
    assert told == [(("A",), 0, 2), (("C",), 2, 4), (("B",), 4, 6), ((), 5, 6)]
    assert set(known.remade) == {"A", "B", "C"}


@pytest.mark.parametrize(
    "place",
    [
        Placement(("A", "B"), ("A",), (), (), (), ("B",)),
        Placement(("A",), ("A",), ("B",), ("B",)),
    ],
)
def test_what_may_be_an_old_copy_serves_no_slot_before_those_obey_who_may_have_become_clean(place: Placement) -> None:
    """A returning or receiving node may serve the slot by now, for another coordinator."""
    known = ledger(place)
    known.cautious = True
    known.granted.add("A")
    assert not known.may_place(place)
    known.granted.add("B")
    assert known.may_place(place)


def test_who_has_stopped_logs_nothing_any_more() -> None:
    known = ledger()
    logged = known.logged
    known.stop("another coordinator took over")
    with pytest.raises(ClusterError, match="another coordinator took over"):
        known.append(Tuned(1, ReadMode.STRICT))
    # Nor where nobody waits for it, as when space is looked for.
    assert not known.record(Tuned(1, ReadMode.STRICT))
    with pytest.raises(ClusterError, match="another coordinator took over"):
        known.check_space()
    assert known.logged == logged
