"""Who may join, who has come back, and that nobody is told to delete what may be the last copy."""

from dataclasses import replace

import msgspec
import pytest

from kvtui.core.cluster import ClusterError, OwnData
from kvtui.core.identities import check_returned, check_stranger, out_of_reach
from kvtui.core.placement import Placement
from kvtui.core.protocol import Facts
from kvtui.core.records import Member
from kvtui.core.refusals import check_spare
from kvtui.core.topology import Topology
from tests.core.clusters import joined, member, placed_as, settled

ADDRESS = "127.0.0.1:6001"
OURS = "c0ffee"
DELETING = ("wipe", "delete", "emptied")


def refused(
    topology: Topology, facts: Facts, own_data: OwnData = OwnData.REFUSE, usable: str = "AB", cautious: bool = False
) -> str:
    with pytest.raises(ClusterError) as refusal:
        check_stranger(topology, usable, cautious, facts, ADDRESS, own_data)
    return str(refusal.value)


@pytest.mark.parametrize("own_data", list(OwnData))
def test_a_member_s_data_at_another_address_is_told_to_be_that_member_s_and_nothing_else(own_data: OwnData) -> None:
    """It was said to hold keys of its own, to import or to wipe: it was the only copy."""
    told = refused(settled("AB"), Facts(cluster=OURS, data_id="data of B", keys=5), own_data, usable="A")
    assert f"addnode B {ADDRESS}" in told
    assert not any(word in told for word in DELETING)


def test_a_member_that_kvtui_starts_is_not_taken_from_there() -> None:
    topology = settled("AB")
    local = msgspec.structs.replace(topology.members["B"], started_here=True)
    told = refused(_with(topology, local), Facts(cluster=OURS, data_id="data of B", keys=5), usable="A")
    assert told.endswith("start B")
    with pytest.raises(ClusterError, match="start B"):
        check_returned(local, 0, Facts(cluster=OURS, data_id="data of B"), None, ADDRESS, OURS)


@pytest.mark.parametrize("own_data", list(OwnData))
@pytest.mark.parametrize("cautious", [False, True])
def test_what_a_former_member_holds_is_kept_while_a_clean_copy_is_out_of_reach(
    own_data: OwnData, cautious: bool
) -> None:
    """It was said to be old, to be deleted, whatever was left elsewhere."""
    former = Facts(cluster=OURS, data_id="left long ago", keys=5)
    usable = "AB" if cautious else "A"
    told = refused(settled("AB"), former, own_data, usable=usable, cautious=cautious)
    assert "may be the last copy" in told
    assert not any(word in told for word in DELETING)


def test_a_former_member_joins_again_emptied_where_every_key_is_elsewhere() -> None:
    former = Facts(cluster=OURS, data_id="left long ago", keys=5)
    assert "to wipe them" in refused(settled("AB"), former)
    assert "to wipe them" in refused(settled("AB"), former, OwnData.IMPORT)
    check_stranger(settled("AB"), "AB", False, former, ADDRESS, OwnData.WIPE)


def test_another_cluster_s_node_is_told_the_way_out() -> None:
    """It was refused for ever, although nobody else could use it either."""
    for own_data in OwnData:
        told = refused(settled("AB"), Facts(cluster="beef", data_id="theirs", keys=5), own_data)
        assert f"in a new state directory: kvtui recover {ADDRESS}" in told
        assert not any(word in told for word in DELETING)


def test_slots_are_out_of_reach_whose_clean_replicas_all_are() -> None:
    topology = placed_as(joined("ABC"), Placement(("A", "B"), ("A",)))
    assert out_of_reach(topology, "ABC", False) == ""
    assert "8 slots" in out_of_reach(topology, "BC", False)
    assert out_of_reach(joined("AB"), "", False) == ""


def returned(known: int = 10, there: Facts | None = None, **facts: object) -> None:
    came = {"cluster": OURS, "data_id": "data of B", "counter": 10, "keys": 5, **facts}
    check_returned(member("B"), known, Facts(**came), there, ADDRESS, OURS)  # type: ignore[arg-type]


def test_a_node_is_back_when_its_data_is_with_all_that_it_acknowledged() -> None:
    returned()
    returned(counter=11)
    returned(there=Facts(data_id="of somebody else"))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"data_id": "other"}, "holds other data"),
        ({"cluster": ""}, "belongs to no cluster"),
        ({"counter": 9}, "has lost writes of B, or is an older copy"),
        ({"there": Facts(data_id="data of B")}, "one of them is a copy"),
    ],
)
def test_what_is_not_the_node_or_not_all_of_it_is_not_taken_for_it(facts: dict[str, object], reason: str) -> None:
    with pytest.raises(ClusterError, match=reason) as refusal:
        returned(**facts)  # type: ignore[arg-type]
    assert not any(word in str(refusal.value) for word in DELETING)


def test_what_is_left_of_lost_slots_is_not_removed_with_its_node() -> None:
    topology = placed_as(joined("AB"), Placement(("A", "B"), ()))
    with pytest.raises(ClusterError, match="B may hold what is left of them"):
        check_spare(topology, "B")
    check_spare(placed_as(joined("AB"), Placement(("A", "B"), ("A",))), "B")


def _with(topology: Topology, changed: Member) -> Topology:
    return replace(topology, members={**topology.members, changed.id: changed})
