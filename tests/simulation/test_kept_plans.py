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
}


@pytest.mark.parametrize("what", KEPT)
def test_does_not_happen_again(what: str) -> None:
    assert failure_of(KEPT[what]) == ""
