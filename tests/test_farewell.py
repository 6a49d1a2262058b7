"""What is said once the screen is gone: never a number that is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView, Progress, RangeView
from kvtui.farewell import again_with, farewell
from kvtui.options import Options

A, B = (NodeView(name, "127.0.0.1", port, NodeState.UP, started_here=True) for name, port in (("A", 5001), ("B", 5002)))
KEPT = ClusterSnapshot(
    name="lab", epoch=1, policy="balanced", slots=64, replication=1, copies_each=1, write_quorum=1, keys=20_002,
    nodes=(A, B), ranges=(RangeView(0.0, 0.5, ("A",), ("A",)), RangeView(0.5, 1.0, ("B",), ("B",))),
    state_directory="/home/ann/lab",
)  # fmt: skip
DOWN = replace(B, state=NodeState.DOWN)
FAR = replace(B, host="10.0.0.2", started_here=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ["20,002 keys are kept in /home/ann/lab; open the cluster again with: kvtui"]),
        ({"keys": 1}, ["1 key is kept in /home/ann/lab; open the cluster again with: kvtui"]),
        ({"keys": 0}, ["no key is stored; the cluster is kept in /home/ann/lab; open the cluster again with: kvtui"]),
        (
            {"nodes": (A, DOWN), "unavailable": 32, "waits_for": ("B",), "unreachable_keys": None},
            [
                "20,002 keys, and those that wait for B, are kept in /home/ann/lab; open the cluster again with: kvtui",
            ],
        ),
        (
            {"nodes": (A, DOWN), "unavailable": 32, "waits_for": ("B",), "unreachable_keys": 98},
            ["20,100 keys are kept in /home/ann/lab (98 of them wait for B); open the cluster again with: kvtui"],
        ),
        (
            {"nodes": (A, FAR)},
            [
                "20,002 keys are kept in /home/ann/lab and B (10.0.0.2:5002); open the cluster again with: kvtui",
                "B (10.0.0.2:5002) goes on",
            ],
        ),
        (
            {"moving": Progress(10, 64)},
            [
                "20,002 keys are kept in /home/ann/lab; open the cluster again with: kvtui",
                "54 slots still had to move to other nodes: that goes on once it is open again",
            ],
        ),
        (
            {"lost": 3},
            [
                "20,002 keys are kept in /home/ann/lab; open the cluster again with: kvtui",
                "3 slots lost: what was in them is not counted",
            ],
        ),
        ({"durable": False}, ["--memory: nothing is kept"]),
        ({"durable": False, "nodes": (A, FAR)}, ["--memory: nothing is kept", "B (10.0.0.2:5002) goes on"]),
        (
            {"stopped": "another took over"},
            ["what was stored is kept in /home/ann/lab; open the cluster again with: kvtui"],
        ),
    ],
)
def test_what_was_kept_and_where(changes: dict[str, object], said: list[str]) -> None:
    assert farewell(replace(KEPT, **changes), "", "kvtui", all_counted=True) == said  # type: ignore[arg-type]


def test_no_number_where_a_node_did_not_answer() -> None:
    assert farewell(KEPT, "", "kvtui", all_counted=False)[0].startswith("what was stored is kept in /home/ann/lab;")


def test_who_was_attached_is_told_where_the_cluster_goes_on_and_where_it_ended() -> None:
    holder = "kvtui serve (process 7)"
    assert farewell(KEPT, holder, "kvtui", all_counted=False) == [f"the cluster goes on in {holder}"]
    ended = replace(KEPT, stopped="the coordinator ended")
    assert farewell(ended, holder, "kvtui", all_counted=False) == [
        f"the coordinator in {holder} has ended; open the cluster again with: kvtui"
    ]


def test_the_command_that_opens_it_again_names_what_is_not_the_default() -> None:
    options = Options(state=Path("my lab"), secret_file=Path("s"))
    assert again_with(options, "shell", default=False) == "kvtui shell --state 'my lab' --secret-file s"
    assert again_with(replace(options, secret_file=None), "dashboard", default=True) == "kvtui"


ODD = "/tmp/it's st[-red]\n\x1b[31m日本\u202e\udcff"


def test_a_place_that_can_not_be_shown_is_told_in_the_notation_and_opened_again_with_what_a_shell_reads() -> None:
    again = again_with(Options(state=Path(ODD)), "dashboard", default=False)
    assert again == r"kvtui --state $'/tmp/it\'s st[-red]\n\e[31m日本\342\200\256\377'"
    (said,) = farewell(replace(KEPT, state_directory=ODD), "", again, all_counted=True)
    assert said.startswith('20,002 keys are kept in "/tmp/it\'s st[-red]\\n\\x1b[31m日本\\u202e\\xff"; open')
    assert said.endswith(again)
