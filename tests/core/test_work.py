"""What there is to do, in which situation, and that doing it in any order loses nothing and ends as planned."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kvtui.core.graves import RIPE
from kvtui.core.placement import Placement, first_placement
from kvtui.core.quorum import write_quorum
from kvtui.core.records import (
    Behind,
    Cleaned,
    CutOver,
    Dual,
    Forgotten,
    Joined,
    LossAccepted,
    Opened,
    Placed,
    Planned,
    Record,
    Recovered,
    Seen,
    Wiped,
    encode_record,
    read_record,
)
from kvtui.core.topology import Topology, apply
from kvtui.core.work import CHUNK, Kind, Outlook, Work, unfinished, wanted
from tests.core.clusters import SLOTS, after, created, joined, member, placed_as, planned, settled

VERIFIED = bytes(SLOTS)
UNVERIFIED = b"\1" * SLOTS
AB = Placement(("A", "B"), ("A", "B"))


def towards(topology: Topology, nodes: str, replication: int = 1) -> Topology:
    """The topology with another plan."""
    return after(topology, Planned(planned(nodes, replication, len(topology.places)).to_record()))


def kinds(work: Iterable[Work]) -> list[Kind]:
    return [piece.kind for piece in work]


def covered(work: Iterable[Work]) -> list[int]:
    return sorted(slot for piece in work for slot in range(piece.start, piece.stop))


def only_planned(target: tuple[str, ...], place: Placement) -> Topology:
    """Every slot at ``place`` and planned as ``target``."""
    topology = joined(dict.fromkeys([*target, *place.replicas, *place.receiving, *place.garbage]))
    nodes = tuple((node, 1) for node in target)
    ring = planned(target, len(target)).to_record()
    order = {node: position for position, node in enumerate(target)}
    runs = ((SLOTS, *(order[node] for node in target)),)
    ring = type(ring)(ring.policy, len(target), nodes, runs, SLOTS)
    return placed_as(after(topology, Planned(ring)), place)


def test_nothing_is_wanted_when_all_is_as_planned_and_verified() -> None:
    topology = settled("ABC", 2)
    assert wanted(topology, "ABC", VERIFIED) == []
    assert unfinished(topology, VERIFIED) == ""


def test_a_ring_without_nodes_wants_nothing() -> None:
    assert wanted(created(), "", UNVERIFIED) == []
    assert unfinished(created(), UNVERIFIED) == ""


def test_slots_that_hold_nothing_are_placed_even_while_nobody_can_be_reached() -> None:
    topology = joined("AB", 2)
    work = wanted(topology, "", UNVERIFIED)
    assert set(kinds(work)) == {Kind.PLACE}
    assert covered(work) == list(range(SLOTS))
    assert all(
        topology.planned.table[slot] == piece.target for piece in work for slot in range(piece.start, piece.stop)
    )


def test_clean_replicas_are_compared_once_all_of_them_can_be_reached() -> None:
    topology = settled("AB", 2)
    assert wanted(topology, "A", UNVERIFIED) == []
    assert "could not be compared" in unfinished(topology, UNVERIFIED)
    work = wanted(topology, "AB", UNVERIFIED)
    assert set(kinds(work)) == {Kind.COMPARE}
    assert covered(work) == list(range(SLOTS))


def test_only_the_suspected_slots_are_compared() -> None:
    topology = settled("AB", 2)
    work = wanted(topology, "AB", bytes([0, 1, 1, 0, 0, 0, 0, 1]))
    assert covered(work) == [1, 2, 7]
    assert set(kinds(work)) == {Kind.COMPARE}
    assert all(topology.places[piece.start] == piece.place for piece in work)


def test_a_replica_that_is_behind_is_recovered_when_it_and_a_clean_one_can_be_reached() -> None:
    topology = only_planned(("A", "B"), Placement(("A", "B"), ("A",)))
    assert wanted(topology, "A", VERIFIED) == []
    assert wanted(topology, "B", VERIFIED) == []
    assert unfinished(topology, VERIFIED).startswith("B is behind")
    assert wanted(topology, "AB", VERIFIED) == [Work(Kind.RECOVER, 0, SLOTS, topology.places[0], "B")]


def test_each_replica_that_is_behind_is_recovered_by_itself() -> None:
    topology = only_planned(("A", "B", "C"), Placement(("A", "B", "C"), ("B",)))
    assert [(piece.kind, piece.node) for piece in wanted(topology, "ABC", VERIFIED)] == [
        (Kind.RECOVER, "A"),
        (Kind.RECOVER, "C"),
    ]


def test_a_replica_that_is_behind_and_about_to_go_is_not_recovered_but_replaced() -> None:
    topology = only_planned(("A", "C"), Placement(("A", "B"), ("A",)))
    assert wanted(topology, "ABC", VERIFIED) == [
        Work(Kind.MOVE, 0, SLOTS, topology.places[0], target=("A", "C")),
    ]


def test_a_slot_without_a_clean_copy_is_left_alone() -> None:
    topology = only_planned(("A", "B"), Placement(("A", "B"), (), garbage=("C",)))
    assert wanted(topology, "ABC", UNVERIFIED) == []
    assert "accept-loss" in unfinished(topology, UNVERIFIED)


def test_a_move_waits_for_its_newcomers() -> None:
    topology = only_planned(("A", "C"), AB)
    assert wanted(topology, "AB", VERIFIED) == []
    assert "wait to be moved" in unfinished(topology, VERIFIED)
    assert kinds(wanted(topology, "ABC", VERIFIED)) == [Kind.MOVE]


def test_a_move_does_not_leave_a_slot_to_a_replica_that_can_not_be_reached() -> None:
    """The last copy that could be reached was given up for one on a node that was down."""
    assert wanted(only_planned(("A",), AB), "B", VERIFIED) == []
    assert kinds(wanted(only_planned(("A",), AB), "AB", VERIFIED)) == [Kind.MOVE]
    three = Placement(("A", "B", "C"), ("A", "B", "C"))
    assert wanted(only_planned(("B", "C"), three), "AC", VERIFIED) == []


def test_a_move_needs_one_clean_source_and_not_all_of_them() -> None:
    topology = only_planned(("A", "C"), AB)
    assert kinds(wanted(topology, "AC", VERIFIED)) == [Kind.MOVE]
    assert kinds(wanted(topology, "BC", VERIFIED)) == [Kind.MOVE]
    assert wanted(topology, "C", VERIFIED) == []


def test_a_move_waits_until_who_stays_is_clean() -> None:
    topology = only_planned(("B", "C"), Placement(("A", "B"), ("A",)))
    assert kinds(wanted(topology, "ABC", VERIFIED)) == [Kind.RECOVER]
    assert wanted(topology, "AC", VERIFIED) == []


def test_fewer_copies_drop_a_replica_only_when_the_rest_are_clean() -> None:
    assert kinds(wanted(only_planned(("A",), AB), "AB", VERIFIED)) == [Kind.MOVE]
    assert wanted(only_planned(("A",), Placement(("A", "B"), ("B",))), "B", VERIFIED) == []


def test_a_move_that_was_begun_goes_on() -> None:
    topology = only_planned(("A", "C"), Placement(("A", "B"), ("A", "B"), ("C",), ("A", "C")))
    assert kinds(wanted(topology, "ABC", VERIFIED)) == [Kind.MOVE]


def test_a_move_that_is_not_planned_any_more_is_called_off() -> None:
    topology = only_planned(("A", "B"), Placement(("A", "B"), ("A", "B"), ("C",), ("A", "C")))
    assert unfinished(topology, VERIFIED) != ""
    (piece,) = wanted(topology, "AB", VERIFIED)
    assert (piece.kind, piece.target) == (Kind.MOVE, ("A", "B"))
    topology = after(topology, Dual(0, SLOTS, piece.target), CutOver(0, SLOTS))
    assert set(topology.places) == {Placement(("A", "B"), ("A", "B"), garbage=("C",))}


def test_a_node_that_left_is_cleared_when_it_can_be_reached() -> None:
    topology = only_planned(("A", "B"), AB._replace(garbage=("C", "D")))
    assert wanted(topology, "ABD", VERIFIED) == [Work(Kind.CLEAR, 0, SLOTS, topology.places[0], "D")]
    assert unfinished(topology, VERIFIED) == ""


def test_a_slot_that_begins_anew_is_cleared_of_its_earlier_life_and_placed_where_nothing_of_that_is_left() -> None:
    topology = only_planned(("A", "B"), Placement(garbage=("A", "C", "D")))
    place = topology.places[0]
    assert wanted(topology, "ABC", VERIFIED) == [
        Work(Kind.PLACE, 0, SLOTS, place, target=("A", "B")),
        Work(Kind.CLEAR, 0, SLOTS, place, "A"),
        Work(Kind.CLEAR, 0, SLOTS, place, "C"),
    ]
    topology = only_planned(("A",), Placement(garbage=("A",)))
    assert wanted(topology, "A", VERIFIED) == [Work(Kind.CLEAR, 0, SLOTS, topology.places[0], "A")]


def test_a_node_that_leaves_is_not_cleared_slot_by_slot() -> None:
    topology = after(only_planned(("A", "B"), AB._replace(garbage=("C", "D"))), Seen(member("D", leaving=True)))
    assert [piece.node for piece in wanted(topology, "ABCD", VERIFIED)] == ["C"]


def test_a_node_is_never_cleared_of_what_it_serves_or_receives() -> None:
    """A rebuilt log had a replica's part of a lost slot as garbage of another log."""
    topology = only_planned(("A", "C"), Placement(("A", "B"), ("A", "B"), ("C",), ("A", "C"), ("A", "C", "D")))
    cleared = [piece.node for piece in wanted(topology, "ABCD", VERIFIED) if piece.kind is Kind.CLEAR]
    assert cleared == ["D"]


def test_what_repairs_comes_before_what_moves() -> None:
    topology = after(
        settled("AB", 2),
        Placed(0, 1, Placement()),
        Placed(1, 2, Placement(("A", "B"), ("A",))),
        Placed(2, 3, Placement(("A", "C"), ("A", "C"), garbage=("B",))),
        Placed(3, 4, AB._replace(garbage=("C",))),
        Joined(member("C")),
    )
    work = wanted(topology, "ABC", bytes([0, 0, 0, 0, 1, 0, 0, 0]), bytes([0, 0, 0, 0, 0, 0, 0, RIPE]))
    order = list(Kind)
    ranks = [order.index(kind) for kind in kinds(work)]
    assert ranks == sorted(ranks)
    assert set(kinds(work)) == set(Kind)


def test_a_piece_is_no_longer_than_a_chunk_and_of_one_placement() -> None:
    slots = 4 * CHUNK
    topology = towards(settled("A", slots=slots), "AB", 2)
    work = wanted(topology, "AB", bytes(slots))
    assert all(0 < piece.stop - piece.start <= CHUNK for piece in work)
    assert covered(work) == list(range(slots))
    assert all(set(topology.places[piece.start : piece.stop]) == {piece.place} for piece in work)


def test_no_piece_lies_on_both_sides_of_a_multiple_of_a_chunk() -> None:
    slots = 4 * CHUNK
    topology = after(
        towards(settled("A", slots=slots), "AB", 2), Placed(CHUNK - 3, 3 * CHUNK + 5, Placement(("A",), ("A",)))
    )
    for piece in wanted(topology, "AB", bytes(slots)):
        assert piece.start // CHUNK == (piece.stop - 1) // CHUNK


A_CHANGE = st.tuples(
    st.sampled_from(["placed", "suspected", "buried", "usable", "planned"]),
    st.integers(0, 3 * CHUNK),
    st.integers(1, CHUNK),
    st.sampled_from(["A", "B", "AB", ""]),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(A_CHANGE, max_size=12))
def test_who_looks_again_sees_what_is_there_not_what_was(changes: list[tuple[str, int, int, str]]) -> None:
    slots = 4 * CHUNK
    topology, usable = settled("AB", 2, slots), "AB"
    unverified, graves = bytearray(slots), bytearray(slots)
    outlook = Outlook()
    for kind, start, length, names in changes:
        stop = start + length
        if kind == "placed":
            topology = after(topology, Placed(start, stop, Placement(tuple(names), tuple(names[:1]), garbage=("B",))))
        elif kind == "planned":
            topology = after(topology, Planned(topology.planned.replicate(1 + len(names) % 2).to_record()))
        elif kind == "usable":
            usable = names
        else:
            (unverified if kind == "suspected" else graves)[start:stop] = bytes([RIPE]) * length
        outlook.look(topology, usable, unverified, graves)
        assert list(outlook) == wanted(topology, usable, unverified, graves)
        for some in Kind:
            assert list(outlook.of(some)) == [piece for piece in outlook if piece.kind is some]


def test_to_look_again_finds_anew_only_what_changed() -> None:
    slots = 4 * CHUNK
    topology, unverified, outlook = settled("AB", 2, slots), bytearray(b"\1") * slots, Outlook()
    assert list(outlook) == []
    outlook.look(topology, "AB", unverified)
    before = {id(piece): piece for piece in outlook}
    unverified[CHUNK + 3] = 0
    outlook.look(topology, "AB", unverified)
    assert {piece.start // CHUNK for piece in outlook if id(piece) not in before} == {1}
    assert covered(outlook) == [slot for slot in range(slots) if slot != CHUNK + 3]


@pytest.mark.parametrize(
    ("one", "other", "overlap"), [((0, 4), (4, 8), False), ((0, 5), (4, 8), True), ((2, 3), (0, 8), True)]
)
def test_pieces_overlap_when_they_share_a_slot(one: tuple[int, int], other: tuple[int, int], overlap: bool) -> None:
    pieces = [Work(Kind.MOVE, *run, AB) for run in (one, other)]
    assert pieces[0].overlaps(pieces[1]) is overlap
    assert pieces[1].overlaps(pieces[0]) is overlap


class Cluster(RuleBasedStateMachine):
    """A cluster of one value a write: what the mover logs, in any order, between writes, losses and changes of plan.

    ``held`` is what each node has of each slot, ``acked`` the writes of it that were acknowledged. What the
    machine does to ``held`` is what a coordinator makes its nodes do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.topology = created()
        self.replay = created()
        self.down: set[str] = set()
        self.held: dict[str, list[set[int]]] = {}
        self.acked: list[set[int]] = [set() for _ in range(SLOTS)]
        self.wiped: list[bool] = [False] * SLOTS
        """Slots that lost a clean copy to a wipe since they were last whole: only these may be below their quorum."""
        self.unverified = bytearray(UNVERIFIED)
        self.writes = 0
        self.names = 0

    def log(self, *records: Record) -> None:
        self.topology = after(self.topology, *records)
        self.replay = after(self.replay, *(read_record(encode_record(record)) for record in records))

    @property
    def usable(self) -> set[str]:
        return set(self.topology.members) - self.down

    @property
    def staying(self) -> list[str]:
        return [name for name, node in self.topology.members.items() if not node.leaving]

    @property
    def work(self) -> list[Work]:
        return wanted(self.topology, self.usable, self.unverified)

    @initialize(nodes=st.integers(1, 3), replication=st.integers(1, 3))
    def begin(self, nodes: int, replication: int) -> None:
        self.log(Planned(self.topology.planned.replicate(replication).to_record()))
        for _ in range(nodes):
            self.join()

    @precondition(lambda self: len(self.topology.members) < 6)
    @rule()
    def join(self) -> None:
        self.names += 1
        name = f"n{self.names}"
        self.held[name] = [set() for _ in range(SLOTS)]
        self.log(Joined(member(name)), Planned(self.topology.planned.join(name).to_record()))

    @precondition(lambda self: len(self.staying) > 1)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.staying))
        self.log(Seen(member(name, leaving=True)), Planned(self.topology.planned.leave(name).to_record()))

    @rule(replication=st.integers(1, 4))
    def replicate(self, replication: int) -> None:
        self.log(Planned(self.topology.planned.replicate(replication).to_record()))

    @rule()
    def reopen(self) -> None:
        self.log(Opened(self.topology.epoch + 1, "again"))
        self.unverified[:] = UNVERIFIED

    @precondition(lambda self: self.usable)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A node stops answering: it is recorded as behind where others go on."""
        name = data.draw(st.sampled_from(sorted(self.usable)))
        self.down.add(name)
        self.exclude(name)

    @precondition(lambda self: self.down)
    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        self.down.discard(data.draw(st.sampled_from(sorted(self.down))))

    @precondition(lambda self: self.down)
    @rule(data=st.data())
    def come_back_wiped(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.down)))
        self.down.discard(name)
        for slot, place in enumerate(self.topology.places):
            self.wiped[slot] |= name in place.clean
        self.held[name] = [set() for _ in range(SLOTS)]
        self.log(Wiped(name, "new life", 0))

    @precondition(lambda self: self.down and self.writes)
    @rule(data=st.data())
    def come_back_with_other_data(self, data: st.DataObject) -> None:
        """A directory from a backup, or a lost tail: it holds anything that was ever written, wherever."""
        name = data.draw(st.sampled_from(sorted(self.down)))
        self.down.discard(name)
        for slot, place in enumerate(self.topology.places):
            self.wiped[slot] |= name in place.clean
        old = st.sets(st.integers(1, self.writes), max_size=3)
        self.held[name] = data.draw(st.lists(old, min_size=SLOTS, max_size=SLOTS))
        self.log(Wiped(name, "of a backup", 0, empty=False))

    @rule(data=st.data(), slot=st.integers(0, SLOTS - 1))
    def write(self, data: st.DataObject, slot: int) -> None:
        """As the write path: who can't be reached is excluded first, and all of S must store it."""
        for name in [node for node in self.topology.places[slot].clean if node in self.down]:
            self.exclude(name)
        place = self.topology.places[slot]
        if set(place.clean) & self.down or len(place.clean) < max(1, write_quorum(len(place.replicas))):
            return
        self.writes += 1
        for node in (*place.clean, *place.followers):
            if node in self.usable:
                self.held[node][slot].add(self.writes)
        self.acked[slot].add(self.writes)

    @precondition(lambda self: self.work)
    @rule(data=st.data())
    def do_some_work(self, data: st.DataObject) -> None:
        self.carry_out(data.draw(st.sampled_from(self.work)))

    @precondition(lambda self: self.topology.lost)
    @rule()
    def accept_loss(self) -> None:
        for start, stop in self.topology.lost:
            for slot in range(start, stop):
                usable = tuple(node for node in self.topology.places[slot].replicas if node in self.usable)
                if usable:
                    self.log(LossAccepted(slot, slot + 1, usable))
                    self.unverified[slot] = 1
                    self.acked[slot] &= set[int].intersection(*(self.held[node][slot] for node in usable))

    @rule()
    def forget_the_drained(self) -> None:
        for name, node in list(self.topology.members.items()):
            if node.leaving and not any(name in place.replicas + place.receiving for place in self.topology.places):
                self.log(Forgotten(name))
                self.down.discard(name)
                del self.held[name]

    def exclude(self, name: str) -> None:
        runs = self.topology.shrinkable(name)
        if runs:
            self.log(Behind(name, runs))
        for start, stop in runs:
            for place in self.topology.places[start:stop]:
                assert name not in place.clean
                assert len(place.clean) >= max(1, write_quorum(len(place.replicas)))

    def carry_out(self, piece: Work) -> None:
        slots = range(piece.start, piece.stop)
        match piece.kind:
            case Kind.PLACE:
                self.log(Placed(piece.start, piece.stop, first_placement(piece.place, piece.target)))
                self.unverified[piece.start : piece.stop] = bytes(len(slots))
            case Kind.CLEAR:
                assert piece.node in self.usable
                self.fill(piece.node, slots, {slot: set() for slot in slots})
                self.log(Cleaned(piece.node, piece.start, piece.stop))
            case Kind.COMPARE:
                assert set(piece.place.clean) <= self.usable
                for slot in slots:
                    newest = set.union(*(self.held[node][slot] for node in piece.place.clean))
                    for node in piece.place.clean:
                        self.held[node][slot] |= newest
                self.unverified[piece.start : piece.stop] = bytes(len(slots))
            case Kind.RECOVER:
                assert piece.node in self.usable
                self.fill(piece.node, slots, self.source(piece))
                self.log(Recovered(piece.node, piece.start, piece.stop))
            case Kind.MOVE if piece.place.target != piece.target:
                # Other things may happen before the newcomers are filled.
                self.log(Dual(piece.start, piece.stop, piece.target))
            case Kind.MOVE:
                # Who stays is clean: a move never takes away a clean copy and leaves one that is not.
                assert set(piece.target) <= {*piece.place.clean, *piece.place.receiving}
                for node in piece.place.receiving:
                    assert node in self.usable
                    self.fill(node, slots, self.source(piece))
                self.log(CutOver(piece.start, piece.stop))

    def source(self, piece: Work) -> dict[int, set[int]]:
        node = next(node for node in piece.place.clean if node in self.usable)
        return {slot: self.held[node][slot] for slot in range(piece.start, piece.stop)}

    def fill(self, node: str, slots: Iterable[int], content: dict[int, set[int]]) -> None:
        for slot in slots:
            self.held[node][slot] = set(content[slot])

    @invariant()
    def a_clean_replica_holds_every_acknowledged_write(self) -> None:
        for slot, place in enumerate(self.topology.places):
            for node in place.clean:
                assert self.held[node][slot] >= self.acked[slot], (slot, node, place)

    @invariant()
    def only_a_wipe_takes_clean_copies_below_the_quorum(self) -> None:
        for slot, place in enumerate(self.topology.places):
            whole = len(place.clean) >= max(1, write_quorum(len(place.replicas)))
            self.wiped[slot] &= not whole
            assert whole or self.wiped[slot] or not place.replicas, (slot, place)

    @invariant()
    def a_node_has_one_part_in_a_slot(self) -> None:
        for place in self.topology.distinct:
            parts = [*place.replicas, *place.receiving, *place.garbage]
            assert len(set(parts)) == len(parts)
            assert set(place.clean) <= set(place.replicas)
            assert set(place.receiving) == set(place.target) - set(place.replicas)

    @invariant()
    def what_a_node_holds_is_remembered(self) -> None:
        for slot, place in enumerate(self.topology.places):
            holders = {node for node, content in self.held.items() if content[slot]}
            assert holders <= {*place.replicas, *place.receiving, *place.garbage}

    @invariant()
    def the_log_gives_the_same_topology(self) -> None:
        assert self.replay == self.topology

    def teardown(self) -> None:
        """Once every node is back, all becomes as planned, every replica equal."""
        self.down.clear()
        self.accept_loss()
        for _ in range(40 * SLOTS):
            work = self.work
            if not work:
                break
            self.carry_out(work[0])
            self.a_clean_replica_holds_every_acknowledged_write()
        assert not self.work
        self.forget_the_drained()
        assert unfinished(self.topology, self.unverified) == ""
        for slot, (place, target) in enumerate(zip(self.topology.places, self.topology.planned.table, strict=True)):
            assert place == Placement(target, target)
            assert len({frozenset(self.held[node][slot]) for node in target}) <= 1
        self.what_a_node_holds_is_remembered()


Cluster.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestAnyOrderOfEvents = Cluster.TestCase


def test_a_cluster_settles_from_every_record_on() -> None:
    """The same, step by step, after each record that two joins log: what a crash there would leave behind."""
    log: list[Record] = []
    topology = settled("A", 1)

    def record(*records: Record) -> None:
        nonlocal topology
        log.extend(records)
        topology = after(topology, *records)

    def step(piece: Work) -> None:
        assert piece.kind in (Kind.MOVE, Kind.CLEAR)
        if piece.kind is Kind.CLEAR:
            record(Cleaned(piece.node, piece.start, piece.stop))
        elif piece.place.target != piece.target:
            record(Dual(piece.start, piece.stop, piece.target))
        else:
            record(CutOver(piece.start, piece.stop))

    def settle(usable: str) -> None:
        while work := wanted(topology, usable, VERIFIED):
            step(work[0])

    for nodes in ("AB", "ABC"):
        record(Joined(member(nodes[-1])), Planned(topology.planned.join(nodes[-1]).to_record()))
        settle(nodes)
    history = list(log)
    for length in range(1, len(history)):
        topology = after(settled("A", 1), *history[:length])
        settle("ABC")
        plan = topology.planned.table
        assert topology.places == tuple(Placement(on, on) for on in plan)
        assert unfinished(topology, VERIFIED) == ""
    assert any(isinstance(entry, CutOver) for entry in history)


def test_a_wiped_last_copy_is_told_and_nothing_else_is_done() -> None:
    topology = apply(only_planned(("A", "B"), Placement(("A", "B"), ("A",))), Wiped("A", "new life", 0))
    assert wanted(topology, "AB", UNVERIFIED) == []
    assert topology.lost == [(0, SLOTS)]


def test_a_purge_says_what_is_where_and_waits_for_who_is_suspected_or_away() -> None:
    topology = only_planned(("A", "B"), AB)
    ripe = bytes([RIPE] * 4 + [0] * (SLOTS - 4))
    assert wanted(topology, "AB", VERIFIED, ripe) == [Work(Kind.PURGE, 0, 4, AB)]
    assert wanted(topology, "A", VERIFIED, ripe) == []
    assert kinds(wanted(topology, "A", UNVERIFIED, ripe)) == []
    assert kinds(wanted(topology, "AB", UNVERIFIED, ripe)) == [Kind.COMPARE]


def test_why_it_is_not_as_planned_is_told_in_words() -> None:
    lost = only_planned(("A", "B"), Placement(("A", "B"), ()))
    assert (
        unfinished(lost, VERIFIED)
        == "8 slots (0-7) have no clean copy left; start the nodes that held them, or: accept-loss"
    )
    moving = only_planned(("A", "C"), AB)
    assert unfinished(moving, VERIFIED, "AB") == "slots wait to be moved until C can be reached"
    assert unfinished(only_planned(("A", "B"), AB), UNVERIFIED) == "A, B could not be compared"
    behind = only_planned(("A", "B"), Placement(("A", "B"), ("A",)))
    assert unfinished(behind, VERIFIED, "B") == "8 slots (0-7) can't be served and wait for A", "not: done"
    assert unfinished(behind, VERIFIED, "A") == "B is behind and can't be reached"
    assert unfinished(behind, VERIFIED, "AB") == "B is behind and not made equal yet"
    assert unfinished(only_planned(("A",), Placement(("A",), ("A",))), UNVERIFIED) == ""
