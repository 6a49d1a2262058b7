"""Plans that once showed a defect, made small and written out: a seed changes its meaning with the plans, these do not."""

from typing import Final

import pytest

from kvtui.check import Kind
from kvtui.core.read_mode import ReadMode
from tests.simulation.plan import Fault, FaultKind, Plan, Step
from tests.simulation.story import failure_of

KEPT: Final = {
    "a large value read from a slow node, piece by piece, was called late": Plan(
        seed=940000030,
        attached=False,
        nodes=1,
        replication=2,
        slots=16,
        policy="balanced",
        quorum=2,
        reads=ReadMode.STRICT,
        secret=False,
        grace=0.0,
        revive=False,
        faults=(
            Fault(FaultKind.SLOW, 0.813, 2.493, 11, 0.87, flag=False),
            Fault(FaultKind.SLOW, 5.283, 8.266, 19, 0.7758, flag=True),
        ),
        clients=(
            (Step(0.65, Kind.PUT, 1, large=True),),
            (),
            (),
            (Step(0.89, Kind.PUT, 0, large=False), Step(3.056, Kind.GET, 1, large=False)),
        ),
    ),
    "a value was written back to a node that had left its slot and been cleared": Plan(
        seed=811034209,
        attached=False,
        nodes=4,
        replication=3,
        slots=8,
        policy="balanced",
        quorum=0,
        reads=ReadMode.AVAILABLE,
        secret=False,
        grace=0.0,
        revive=False,
        faults=(
            Fault(FaultKind.LEAVE, 0.164, 0.375, 10, 0.4087, flag=True),
            Fault(FaultKind.BURST, 0.34, 2.306, 49, 0.3957, flag=True),
            Fault(FaultKind.JOIN, 3.19, 0.96, 23, 0.9729, flag=False),
            Fault(FaultKind.LEAVE, 3.301, 2.045, 30, 0.086, flag=True),
            Fault(FaultKind.PARTITION, 3.603, 0.778, 4, 0.7038, flag=False),
            Fault(FaultKind.CUT, 3.737, 1.185, 39, 0.5007, flag=False),
            Fault(FaultKind.JOIN, 4.064, 0.937, 27, 0.6591, flag=True),
        ),
        clients=((), (), (), ()),
    ),
    "a sleeper made a wiped node equal to one that could note nothing, and an older copy of its log trusted that one": Plan(
        seed=811046340,
        attached=True,
        nodes=2,
        replication=2,
        slots=16,
        policy="classic",
        quorum=0,
        reads=ReadMode.AVAILABLE,
        secret=False,
        grace=0.0,
        revive=False,
        faults=(
            Fault(FaultKind.FULL_DISK, 1.5, 5.859, 37, 0.179, flag=False),
            Fault(FaultKind.WIPE, 1.675, 0.206, 0, 0.7181, flag=False),
            Fault(FaultKind.TAKEOVER, 1.851, 2.097, 3, 0.3323, flag=True),
        ),
        clients=((), (), (), (Step(3.795, Kind.PUT, 1, large=False),)),
    ),
    "a table was rebuilt from what a sleeper noted on the one node that the newer coordinator had not reached": Plan(
        seed=811058579,
        attached=True,
        nodes=3,
        replication=2,
        slots=8,
        policy="balanced",
        quorum=1,
        reads=ReadMode.AVAILABLE,
        secret=False,
        grace=0.0,
        revive=False,
        faults=(
            Fault(FaultKind.FULL_DISK, 0.61, 1.916, 48, 0.9936, flag=False),
            Fault(FaultKind.TAKEOVER, 1.141, 1.617, 13, 0.7706, flag=False),
            Fault(FaultKind.FORCE, 1.976, 1.27, 14, 0.1549, flag=False),
            Fault(FaultKind.KILL, 2.59, 4.973, 22, 0.2401, flag=False),
        ),
        clients=(
            (),
            (),
            (Step(1.684, Kind.GET, 4, large=False), Step(0.494, Kind.DELETE, 0, large=False, more=4)),
            (Step(0.714, Kind.PUT, 4, large=False, more=3), Step(0.388, Kind.PUT, 4, large=False, more=3)),
        ),
    ),
    "a rebuilt table left entries on a node with other data, marked by nobody": Plan(
        seed=7000898,
        attached=True,
        nodes=4,
        replication=2,
        slots=8,
        policy="balanced",
        quorum=0,
        reads=ReadMode.STRICT,
        secret=False,
        grace=2.0,
        revive=False,
        faults=(
            Fault(FaultKind.WIPE, 0.082, 2.985, 41, 0.5616, flag=True),
            Fault(FaultKind.JOIN, 0.594, 4.583, 4, 0.4671, flag=True),
            Fault(FaultKind.JOIN, 1.482, 0.442, 1, 0.0741, flag=True),
            Fault(FaultKind.FULL_DISK, 1.688, 1.902, 30, 0.176, flag=False),
            Fault(FaultKind.WIPE, 1.96, 1.161, 33, 0.1355, flag=False),
            Fault(FaultKind.MUTE, 2.621, 2.968, 21, 0.18, flag=False),
            Fault(FaultKind.TAKEOVER, 2.982, 2.271, 53, 0.5569, flag=True),
            Fault(FaultKind.LEAVE, 4.578, 0.195, 30, 0.6039, flag=False),
            Fault(FaultKind.TAKEOVER, 5.434, 1.02, 35, 0.4037, flag=False),
        ),
        clients=(
            (Step(0.337, Kind.PUT, 2, large=False),),
            (),
            (
                Step(0.459, Kind.GET, 3, large=False),
                Step(0.301, Kind.GET, 3, large=False, more=2),
                Step(0.331, Kind.PUT, 3, large=False),
                Step(0.175, Kind.PUT, 2, large=False),
                Step(0.032, Kind.GET, 4, large=False),
                Step(0.24, Kind.GET, 1, large=False),
                Step(0.135, Kind.PUT, 3, large=False, more=2),
                Step(0.349, Kind.PUT, 0, large=False),
                Step(0.543, Kind.GET, 0, large=False),
            ),
            (),
        ),
    ),
    "who was verified stored what a clean replica refused, and counted beside it": Plan(
        seed=20022,
        attached=True,
        nodes=3,
        replication=2,
        slots=8,
        policy="balanced",
        quorum=0,
        reads=ReadMode.STRICT,
        secret=False,
        grace=0.0,
        revive=False,
        faults=(
            Fault(FaultKind.FAILED_SYNC, 1.09, 0.731, 2, 0.16906280548078478, flag=False),
            Fault(FaultKind.TAKEOVER, 2.064, 2.631, 59, 0.19259722023107284, flag=False),
            Fault(FaultKind.COPIES, 2.139, 1.864, 32, 0.30391753129069743, flag=True),
        ),
        clients=(
            (),
            (
                Step(1.584, Kind.DELETE, 4, large=False),
                Step(0.449, Kind.GET, 0, large=False),
                Step(0.137, Kind.GET, 0, large=False),
            ),
            (),
            (),
        ),
        low=("notes", "placements"),
    ),
}


@pytest.mark.parametrize("what", KEPT)
def test_does_not_happen_again(what: str) -> None:
    assert failure_of(KEPT[what]) == ""
