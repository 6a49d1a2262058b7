"""Runs made by hand, as a screen and a file have them."""

from dataclasses import replace

from kvtui.bench.compare import compare
from kvtui.bench.histogram import HdrCounts
from kvtui.bench.result import Guaranteed, Machine, Result, result_of
from kvtui.bench.view import BenchView, Ends, NodeLoad, OpView, Percentiles, Phase, Second
from kvtui.bench.workloads import WORKLOADS, Asked, Op

GUARANTEE = "every acknowledged write on 2 nodes; no stale reads"
MACHINE = Machine("Linux 6.1", "x86_64", 2, "3.11.7", "uvloop")
GUARANTEED = Guaranteed(GUARANTEE, "", 2, 1, True, "strict", "balanced", 3)
READS = Percentiles(1.21, 2.34, 6.81, 14.2, 31.6)
UPDATES = Percentiles(1.94, 3.62, 9.47, 22.8, 44.1)
WHOLE = Percentiles(1.52, 3.08, 8.66, 19.9, 44.1)
TIMED = Percentiles(1.44, 2.71, 5.02, 16.3, 44.1)
NODES = (NodeLoad("A", 16_077, 0.41, 1.22), NodeLoad("B", 15_902, 0.43, 1.31), NodeLoad("C", 16_252, 0.39, 1.19))


def seconds(count: int, rate: float = 48_000.0) -> tuple[Second, ...]:
    """A rate that wavers by some percent, and one hiccup in the sixth second."""
    wave = (0.0, 0.03, -0.02, 0.01, 0.04, -0.31, -0.01, 0.02, 0.0, 0.03)
    return tuple(
        Second(rate * (1 + at), 0, 1.5 * (1 - at), 8.0 + 60.0 * max(0.0, -at) + at, 12.0 - 100 * min(0.0, at))
        for at in (wave[place % len(wave)] for place in range(count))
    )


ASKED = Asked()
LOADING = BenchView(
    ASKED,
    Phase.LOADING,
    4_000,
    10_000,
    guarantee=GUARANTEE,
    nodes=tuple(replace(n, rate=0.0, p50=0.0, p99=0.0) for n in NODES),
)
RUNNING = BenchView(
    ASKED,
    Phase.RUNNING,
    elapsed=7.1,
    ops=(
        OpView(Op.READ, Ends(168_020), READS, READS),
        OpView(Op.UPDATE, Ends(167_411), UPDATES, UPDATES),
    ),
    whole=WHOLE,
    measured=TIMED,
    seconds=seconds(7),
    nodes=NODES,
    guarantee=GUARANTEE,
)
ENDED = replace(
    RUNNING,
    phase=Phase.DONE,
    elapsed=10.0,
    seconds=seconds(10),
    ops=tuple(replace(one, ends=Ends(237_000 + 417 * place)) for place, one in enumerate(RUNNING.ops)),
)


def result(view: BenchView = ENDED, began: str = "2026-01-01T12:00:00Z", guaranteed: Guaranteed = GUARANTEED) -> Result:
    """The result of a run that is over."""
    return result_of(
        view,
        kvtui="0.1.0",
        began=began,
        machine=MACHINE,
        guaranteed=guaranteed,
        interval=1440,
        unbegun=0,
        cpu_seconds=6.9,
        counted=HdrCounts.words,
    )


def slower(by: float = 0.8) -> Result:
    """An earlier one, of 64 clients on one replica."""
    ops = tuple(replace(one, ends=Ends(int(one.ends.ok * by))) for one in ENDED.ops)
    earlier = replace(ENDED, asked=replace(ASKED, clients=32), seconds=seconds(10, 48_000 * by), ops=ops)
    return result(earlier, "2025-12-30T09:30:00Z", replace_copies(GUARANTEED))


def replace_copies(guaranteed: Guaranteed) -> Guaranteed:
    """The same with one copy of every key."""
    return Guaranteed(
        "every acknowledged write on 1 node; no stale reads", "", 1, 1, True, "strict", guaranteed.policy, 3
    )


def done() -> BenchView:
    """The last view of a run that was saved and compared."""
    ended = result()
    return replace(ENDED, result=ended, comparison=compare(slower(), ended), saved="results/today.json")


def bad() -> BenchView:
    """One of which operations went wrong, on a cluster that lost a node meanwhile."""
    ops = (replace(ENDED.ops[0], ends=Ends(160_000, 12, 3, 1)), ENDED.ops[1])
    view = replace(ENDED, ops=ops)
    weak = Guaranteed(GUARANTEE, "5,461 slots on 1 node only; no stale reads", 2, 1, True, "strict", "balanced", 3)
    return replace(view, result=result(view, guaranteed=weak))


SCANS = replace(RUNNING, asked=Asked(WORKLOADS["E"], WORKLOADS["E"].keys, operations=5_000), ops=(), seconds=())
