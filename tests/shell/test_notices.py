"""What a person at the prompt is told unasked."""

from dataclasses import replace

import pytest

from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView
from kvtui.shell.notices import notices


def picture(lost: int = 0, **states: NodeState) -> ClusterSnapshot:
    nodes = tuple(NodeView(name, "127.0.0.1", 1, state) for name, state in states.items())
    return ClusterSnapshot(
        name="lab",
        epoch=1,
        policy="balanced",
        slots=16384,
        replication=2,
        copies_each=2,
        write_quorum=1,
        nodes=nodes,
        lost=lost,
    )


WAITING = replace(picture(), unavailable=7, waits_for=("A",))
UP, SUSPECT, DOWN = NodeState.UP, NodeState.SUSPECT, NodeState.DOWN


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (picture(A=UP), picture(A=DOWN), ["Node A is down"]),
        (picture(A=SUSPECT), picture(A=DOWN), ["Node A is down"]),
        (picture(A=DOWN), picture(A=UP), ["Node A is up again"]),
        (picture(A=UP), picture(A=SUSPECT), []),
        (picture(A=SUSPECT), picture(A=UP), []),
        (picture(), picture(A=UP), []),
        (picture(A=UP), picture(), []),
        (
            picture(),
            picture(1),
            ["1 slot lost: no clean copy is left; start the nodes that held them (help accept-loss)"],
        ),
        (picture(1), picture(1), []),
        (picture(1), picture(), ["No slot is lost any more"]),
        (picture(), WAITING, ["7 slots can't be served: they wait for A"]),
        (WAITING, WAITING, []),
        (WAITING, picture(), ["No slot waits to be served any more"]),
        (
            picture(),
            replace(picture(), unwritable=1, writes_wait_for=("A",)),
            ["1 slot takes no writes: it waits for A"],
        ),
    ],
)
def test_nodes_that_go_and_come_back_and_loss(
    before: ClusterSnapshot, after: ClusterSnapshot, lines: list[str]
) -> None:
    assert [line.text for line in notices(before, after)] == lines


def test_a_coordinator_that_stopped_says_why_once() -> None:
    stopped = replace(picture(), stopped="another coordinator took this cluster over")
    assert [line.text for line in notices(picture(), stopped)] == ["another coordinator took this cluster over"]
    assert notices(stopped, stopped) == []


def test_a_coordinator_that_ended_and_one_that_took_it_up_are_told() -> None:
    before = picture(a=UP)
    ended = replace(
        before, stopped="the coordinator in kvtui serve (process 7) ended", attached="kvtui serve (process 7)"
    )
    assert [line.text for line in notices(before, ended)] == ["the coordinator in kvtui serve (process 7) ended"]
    again = replace(before, attached="kvtui shell (process 8)")
    assert [line.text for line in notices(ended, again)] == ["There is a coordinator again, in kvtui shell (process 8)"]
    assert [line.text for line in notices(ended, before)] == ["There is a coordinator again, in this kvtui"]
