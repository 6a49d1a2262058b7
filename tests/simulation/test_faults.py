"""Thousands of runs, each with some hundred operations and five faults and more: no promise is broken in any."""

import os
from typing import Final

import pytest

from tests.simulation.loop import REPLAY
from tests.simulation.many import Total, replay_command, run_many
from tests.simulation.other_processes import printed
from tests.simulation.plan import CLIENTS, STEPS, FaultKind, plan
from tests.simulation.shrink import shrink
from tests.simulation.story import run

SEEDS: Final = 2_000
FAULT_SEEDS: Final = "KVTUI_FAULT_SEEDS"
"""The environment variable that asks for another number of runs."""


@pytest.mark.timeout(1200)
def test_no_promise_is_broken_in_any_run() -> None:
    alone = os.environ.get(REPLAY)
    seeds = [int(alone)] if alone else range(int(os.environ.get(FAULT_SEEDS, SEEDS)))
    total = Total()
    for total in run_many(seeds):
        if total.failures:
            break
    print(f"{total.seeds:,} seeds, {total.operations:,} operations, {total.faults.total():,} faults")
    for seed, failure in total.failures[:3]:
        pytest.fail(f"seed {seed}: {failure}\nagain, with only what it needs: {replay_command(seed)}")
    assert total.operations >= total.seeds * CLIENTS * STEPS


def test_a_run_does_not_depend_on_the_process() -> None:
    code = (
        "from tests.simulation.plan import plan; from tests.simulation.story import run;"
        "print([run(plan(seed)) for seed in range(6)])"
    )
    assert printed(code) == {f"{[run(plan(seed)) for seed in range(6)]}\n"}


def test_the_runs_are_as_hard_as_they_claim() -> None:
    plans = [plan(seed) for seed in range(300)]
    kinds = {fault.kind for each in plans for fault in each.faults}
    assert kinds == set(FaultKind)
    assert min(len(each.faults) for each in plans) >= 5
    # Each key of a batch is an operation of its own.
    assert min(sum(1 + step.more + step.wide for steps in each.clients for step in steps) for each in plans) >= 75


def test_a_failure_is_shrunk_to_what_it_needs() -> None:
    whole = plan(1)
    needed = whole.faults[2]
    small = shrink(whole, lambda smaller: needed in smaller.faults and bool(smaller.clients[1]))
    assert small.faults == (needed,)
    assert [bool(steps) for steps in small.clients] == [False, True, False, False]
