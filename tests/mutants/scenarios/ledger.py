"""Scenarios of the ledger: on a log in memory, without nodes."""

from kvtui.core import ledger as ledger_module
from kvtui.core.cluster import Outcome
from kvtui.core.ledger import SUSPECTED_ANEW, Counting, Ledger
from kvtui.core.metadata_log import MetadataLog
from kvtui.core.placement import Placement, begin_move
from kvtui.core.records import Behind, Created, Joined, Opened, Placed
from kvtui.core.ring import Balanced, Ring
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.snapshot import NodeState
from kvtui.core.unheard import discredited
from kvtui.core.version import Version
from tests.core.clusters import member
from tests.core.test_unheard import open_a_copy_that_only_a_wiped_node_knew_to_be_old
from tests.mutants.scenarios.constants import lowered
from tests.simulation.harness import SimCluster, settled

SLOTS = 8


def _ledger(home: str = "", **placed: Placement) -> Ledger:
    log = MetadataLog(MemoryEngine())
    log.append(Created("c0ffee", "default", Ring.empty(Balanced(), 1, SLOTS).to_record()), Opened(1, "coordinator"))
    for node in ("n1", "n2", "n3"):
        log.append(Joined(member(node)))
    log.append(*(Placed(0, SLOTS, place) for place in placed.values()))
    ledger = Ledger(log, home=home)
    ledger.unverified = bytearray(SLOTS)
    return ledger


def a_repair_spoils_no_verification() -> None:
    ledger = _ledger()
    touched, elsewhere = Counting("n2", 2, 4), Counting("n2", 4, 6)
    ledger.counting = [touched, elsewhere]
    ledger.spoil(3)
    assert touched.spoiled
    assert not elsewhere.spoiled


def the_overflow_of_suspicions_suspects_one_key() -> None:
    ledger = _ledger()
    with lowered(ledger_module, UNCERTAIN_KEYS=3):
        for number in range(5):
            ledger.suspect_key(b"key %d" % number, number, Version(1, number))
    for number in range(5):
        assert b"key %d" % number in ledger.uncertain or ledger.unverified[number]


def an_older_write_that_succeeds_clears_a_newer_suspicion() -> None:
    ledger = _ledger()
    ledger.suspect_key(b"key", 0, Version(1, 9))
    ledger.overruled(b"key", Version(1, 5))
    assert b"key" in ledger.uncertain
    ledger.overruled(b"key", Version(1, 9))
    assert b"key" not in ledger.uncertain


def an_older_suspicion_takes_the_place_of_a_newer_one() -> None:
    ledger = _ledger()
    ledger.suspect_key(b"key", 0, Version(1, 9))
    ledger.suspect_key(b"key", 0, Version(1, 5))
    ledger.overruled(b"key", Version(1, 7))
    assert b"key" in ledger.uncertain


def a_suspicion_that_overflows_during_a_comparison_is_lost() -> None:
    ledger = _ledger()
    # As a comparison marks the slot that it is about.
    ledger.unverified[3] = 1
    with lowered(ledger_module, UNCERTAIN_KEYS=0):
        ledger.suspect_key(b"key", 3, Version(1, 9))
    assert ledger.unverified[3] == SUSPECTED_ANEW


def a_verification_does_not_cover_its_first_slot() -> None:
    counting = Counting("n2", 2, 5)
    assert [slot for slot in range(SLOTS) if counting.covers((slot,))] == [2, 3, 4]
    assert counting.covers((0, 2, 7))


def an_old_copy_of_the_log_lets_go_of_who_does_not_obey() -> None:
    ledger = _ledger("elsewhere", both=Placement(("n1", "n2"), ("n1", "n2")))
    assert ledger.cautious
    ledger.exclude("n2", [(0, SLOTS)])
    assert {place.clean for place in ledger.topology.places} == {("n1", "n2")}
    ledger.grant("n2")
    ledger.exclude("n2", [(0, SLOTS)])
    assert {place.clean for place in ledger.topology.places} == {("n1",)}


async def whom_a_wiped_node_alone_left_behind_counts_on() -> None:
    async with SimCluster(nodes=0, attached=True, replication=2, slots=SLOTS) as cluster:
        await open_a_copy_that_only_a_wiped_node_knew_to_be_old(cluster)
        await cluster.revive("n2")
        await cluster.until(lambda now: all(view.state is NodeState.UP for view in now.nodes))
        assert (await cluster.get(b"key")).outcome is Outcome.FAILED


def a_returning_node_that_was_wiped_knew_nothing() -> None:
    ledger = _ledger("elsewhere", back=Placement(("n1", "n2"), ("n1",), returning=("n2",)))
    assert discredited(ledger.topology, "n2") == [Behind("n1", [(0, SLOTS)])]
    assert discredited(ledger.topology, "n3") == []


def what_a_node_missed_is_never_forgotten() -> None:
    ledger = _ledger(both=Placement(("n1", "n2"), ("n1",)))
    ledger.hint("n2", [b"key"])
    ledger.append(Placed(0, 1, Placement(("n1",), ("n1",))))
    assert ledger.hints == {"n2": {b"key"}}
    ledger.append(Placed(0, SLOTS, Placement(("n1",), ("n1",))))
    assert ledger.hints == {}


def newcomers_need_not_obey() -> None:
    _not_served_before_the_other_obeys(begin_move(Placement(("n1",), ("n1",)), ("n2",)))


def who_is_made_equal_need_not_obey() -> None:
    _not_served_before_the_other_obeys(Placement(("n1", "n2"), ("n1",), returning=("n2",)))


def _not_served_before_the_other_obeys(place: Placement) -> None:
    ledger = _ledger("elsewhere", placed=place)
    ledger.grant("n1")
    assert not ledger.may_place(ledger.topology.places[0])
    assert ledger.route(0).clean == ()
    assert ledger.route(0).missing == ("n2",)
    ledger.grant("n2")
    assert ledger.may_place(ledger.topology.places[0])


def a_log_is_at_home_once_one_node_obeys() -> None:
    ledger = _ledger("elsewhere")
    for node in ("n1", "n2"):
        ledger.grant(node)
        assert ledger.cautious
        assert ledger.topology.home == ""
    ledger.grant("n3")
    assert not ledger.cautious
    assert ledger.topology.home == "elsewhere"


async def a_batch_takes_one_version_for_all_its_keys() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        keys = [b"key %d" % number for number in range(4)]
        await cluster.put_many([(key, b"of the batch") for key in keys])
        for key in reversed(keys):
            assert (await cluster.put(key, b"anew")).outcome is Outcome.OK
        assert [(await cluster.get(key)).value for key in keys] == [b"anew"] * 4


async def routes_are_kept_when_a_link_is_lost() -> None:
    async with SimCluster(nodes=2, replication=2, slots=1) as cluster:
        assert (await cluster.put(b"key", b"old")).outcome is Outcome.OK
        first, second = cluster.coordinator.topology.places[0].replicas
        cluster.kill(first)
        await cluster.until(lambda snapshot: snapshot.behind == 1)
        assert (await cluster.put(b"key", b"new")).outcome is Outcome.OK
        assert (await cluster.get(b"key")).value == b"new"
        await cluster.revive(first)
        await cluster.until(settled)
        assert (await cluster.put(b"key", b"newest")).outcome is Outcome.OK
        cluster.kill(second)
        assert (await cluster.get(b"key")).value == b"newest"


def missing_keys_are_counted_without_a_limit() -> None:
    ledger = _ledger()
    with lowered(ledger_module, HINTS=10):
        for number in range(100):
            ledger.hint("n2", [b"key %d" % number])
    assert len(ledger.hints["n2"]) == 10
