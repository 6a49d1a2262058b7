"""What drawing the ring costs: frames and resizes, medians and spread. ``python benchmarks/ring_drawing.py [--runs N]``.

Bars, for 60 x 30 cells: a frame at most 5 ms, a resize at most 50 ms. Big rings (1,000 nodes, 16,384 ranges) must not freeze.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from textual.color import Color

from kvtui.core.cluster import Location
from kvtui.core.ring import Balanced
from kvtui.core.ring import Ring as Placements
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView, Progress, RangeView
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.dots import dust
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.glyphs import quadrant
from kvtui.widgets.ring.motion import REST, TURN_SECONDS, Moment, Turn
from kvtui.widgets.ring.samples import band_cells
from kvtui.widgets.ring.view import View
from kvtui.widgets.themes import NIGHT
from kvtui.widgets.tints import Tints

FRAME_BAR, RESIZE_BAR = 5.0, 50.0
"""Milliseconds, at 60 x 30."""
TINTS = Tints.of_theme(NIGHT, Color.parse(NIGHT.background or "#000000"))
SLOTS = 16_384
PARTS = 256

Frame = tuple[Picture, View | None, Moment]


@dataclass(frozen=True)
class Measured:
    """Milliseconds of many runs of one thing."""

    name: str
    times: Sequence[float]
    bar: float | None = None

    def line(self) -> str:
        """Median, the spread around it (the tenth and the ninetieth percentile), the longest, and whether it is within its bar."""
        times = sorted(self.times)
        low, high = times[len(times) // 10], times[(9 * len(times)) // 10]
        middle = statistics.median(times)
        verdict = "" if self.bar is None else f"   at most {self.bar:g}: {'ok' if middle <= self.bar else 'MISSED'}"
        return f"{self.name:<58} {middle:8.2f}  {low:8.2f} .. {high:8.2f}  {times[-1]:8.2f}{verdict}"


def cluster(names: Sequence[str], ranges: tuple[RangeView, ...], keys: int = 100_000) -> ClusterSnapshot:
    """Nodes that are up, over those ranges."""
    chance = random.Random(1)
    share = 1 / len(names)
    return ClusterSnapshot(
        name="bench", epoch=1, policy="balanced", slots=SLOTS, replication=3, copies_each=3, write_quorum=2,
        nodes=tuple(
            NodeView(name, "127.0.0.1", 5001, NodeState.UP, keys=keys // len(names), share=share, first_share=share)
            for name in names
        ),
        ranges=ranges, keys=keys, copies=3 * keys,
        density=tuple(keys // PARTS + chance.randrange(20) for _ in range(PARTS)),
    )  # fmt: skip


def balanced(count: int) -> ClusterSnapshot:
    """A ring as kvtui makes it."""
    names = [f"n{number}" for number in range(1, count + 1)]
    ring = Placements.empty(Balanced(), 3, SLOTS)
    for name in names:
        ring = ring.join(name)
    return cluster(
        names,
        tuple(RangeView(part.start / SLOTS, part.stop / SLOTS, part.replicas, part.replicas) for part in ring.ranges()),
    )


def scattered(count: int) -> ClusterSnapshot:
    """The worst there is: every slot is a range of its own, on any three nodes."""
    chance = random.Random(2)
    names = [f"n{number}" for number in range(1, count + 1)]
    ranges = []
    for slot in range(SLOTS):
        replicas = tuple(chance.sample(names, 3))
        ranges.append(RangeView(slot / SLOTS, (slot + 1) / SLOTS, replicas, replicas))
    return cluster(names, tuple(ranges))


def moved(snapshot: ClusterSnapshot, done: float) -> ClusterSnapshot:
    """The same while the last node is filled, as far as ``done`` (0..1)."""
    newcomer = snapshot.nodes[-1].id
    ranges = tuple(
        part
        if newcomer not in part.replicas or part.start < done
        else replace(part, replicas=tuple(node for node in part.replicas if node != newcomer), receiving=(newcomer,))
        for part in snapshot.ranges
    )
    progress = Progress(round(done * 1000), 1000)
    nodes = (*snapshot.nodes[:-1], replace(snapshot.nodes[-1], receiving=progress))
    return replace(snapshot, ranges=ranges, nodes=nodes, moving=progress)


def located(snapshot: ClusterSnapshot, position: float) -> Location:
    """A key at that place."""
    return Location(b"apple", int(position * 2**64), position, position, position, ())


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of processor time that it takes: others on the machine count less."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def frames(name: str, size: tuple[int, int], shown: Sequence[Frame], runs: int, bar: float | None = None) -> Measured:
    """Each frame drawn after the one before it; the first draws all, and is not counted."""
    times: list[float] = []
    drawing = Drawing(Settings(*size, TINTS))
    drawing.draw(*shown[0])
    for run in range(runs):
        for frame in shown if run else shown[1:]:
            times.append(timed(lambda frame=frame: drawing.draw(*frame)))  # type: ignore[misc]
    return Measured(name, times, bar)


def resizes(name: str, size: tuple[int, int], picture: Picture, runs: int, bar: float | None = None) -> Measured:
    """A size that was never drawn before: all that is kept for it is made anew."""

    def resize() -> None:
        band_cells.cache_clear()
        dust.cache_clear()
        quadrant.cache_clear()
        Drawing(Settings(*size, TINTS)).draw(picture, None)

    return Measured(name, [timed(resize) for _ in range(runs)], bar)


def measure(runs: int) -> list[Measured]:
    """All of it."""
    results = []
    few, hundred = balanced(5), balanced(100)
    for size in ((60, 30), (120, 60)):
        at = f"{size[0]} x {size[1]}"
        frame_bar, resize_bar = (FRAME_BAR, RESIZE_BAR) if size == (60, 30) else (None, None)
        base = Picture().with_snapshot(few)
        chance = random.Random(3)
        busy = [
            base.with_snapshot(
                replace(few, keys=number, density=tuple(count + chance.randrange(9) for count in few.density))
            )
            for number in range(20)
        ]
        results += [
            frames(f"{at}: keys counted anew", size, [(picture, None, REST) for picture in busy], runs, frame_bar),
            frames(
                f"{at}: a node is filled", size,
                [(base.with_snapshot(moved(few, step / 40)), None, REST) for step in range(41)], runs // 4 + 1, frame_bar,
            ),
            frames(
                f"{at}: a lookup walks", size,
                [(replace(base, located=located(few, 0.3)), None, Moment(step / 10)) for step in range(30)],
                runs // 4 + 1, frame_bar,
            ),
            frames(
                f"{at}: a node goes down", size,
                [
                    (base.with_snapshot(_down(few, "n2")), None, Moment(turns={"n2": Turn(True, step / 10)}))
                    for step in range(int(TURN_SECONDS * 10) + 1)
                ],
                runs // 4 + 1, frame_bar,
            ),
            resizes(f"{at}: another size", size, base, runs, resize_bar),
        ]  # fmt: skip
        big = Picture().with_snapshot(hundred)
        results.append(resizes(f"{at}: another size, 100 nodes", size, big, runs, resize_bar))
    for count in (100, 1000):
        snapshot = scattered(count)
        base = Picture().with_snapshot(snapshot)
        nodes = f"{count:,} nodes, {SLOTS:,} ranges"
        steps = [base.with_snapshot(moved(snapshot, step / 10)) for step in range(11)]
        results += [
            resizes(f"60 x 30, {nodes}: another size", (60, 30), base, max(3, runs // 5)),
            frames(
                f"60 x 30, {nodes}: keys counted anew", (60, 30),
                [(base.with_snapshot(replace(snapshot, keys=keys)), None, REST) for keys in range(20)], runs,
            ),
            frames(f"60 x 30, {nodes}: other ranges", (60, 30), [(step, None, REST) for step in steps], 1),
            frames(f"60 x 30, {nodes}: other ranges, arcs", (60, 30), [(step, View.ARCS, REST) for step in steps], 1),
        ]  # fmt: skip
    return results


def _down(snapshot: ClusterSnapshot, node: str) -> ClusterSnapshot:
    nodes = tuple(replace(view, state=NodeState.DOWN) if view.id == node else view for view in snapshot.nodes)
    return replace(snapshot, nodes=nodes)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="runs of each; more give steadier medians")
    print(f"{'milliseconds':<58} {'median':>8}  {'10 % .. 90 %':>20}  {'longest':>8}")
    for measured in measure(max(2, parser.parse_args().runs)):
        print(measured.line())


if __name__ == "__main__":
    main()
