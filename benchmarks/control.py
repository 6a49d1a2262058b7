"""What the control socket costs: puts and gets of 64 tasks, at an embedded coordinator and at one in another process.

    python benchmarks/control.py [--rounds N] [--seconds S]

Each side has three nodes in memory and one copy of every key. Rounds are interleaved; medians, their spread, and the CPU time of
this process and of the holder an operation are printed. Only the ratio means anything on a machine that others use.
"""

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from kvtui.control.greeting import attach
from kvtui.control.holder import serving
from kvtui.control.sockets import UnixSockets
from kvtui.core.cluster import Cluster, Outcome
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.seams.clock import ExactClock

TASKS = 64
KEYS = 10_000
VALUE = b"v" * 100
NODES = 3
HOLD = "--hold"


async def hold(state: Path) -> None:
    """Be the holder until the standard input ends."""
    async with (
        open_cluster(Settings(None, nodes=NODES, replication=1)) as cluster,
        serving(cluster, state, UnixSockets(), ExactClock(), "the holder"),
    ):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def rate(operate: Callable[[int], Awaitable[bool]], seconds: float) -> float:
    """Operations a second of all tasks together."""
    done = 0
    began = time.perf_counter()
    until = began + seconds

    async def client(number: int) -> None:
        nonlocal done
        at = number
        while time.perf_counter() < until:
            assert await operate(at % KEYS)
            at += TASKS
            done += 1

    await asyncio.gather(*(client(number) for number in range(TASKS)))
    return done / (time.perf_counter() - began)


def operations(cluster: Cluster) -> dict[str, Callable[[int], Awaitable[bool]]]:
    async def put(number: int) -> bool:
        return (await cluster.put(b"key-%d" % number, VALUE)).outcome is Outcome.OK

    async def get(number: int) -> bool:
        return (await cluster.get(b"key-%d" % number)).outcome is Outcome.OK

    return {"put": put, "get": get}


def cpu_of(process: int) -> float:
    """Seconds of CPU that a process used (Linux)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(rounds: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        holder = subprocess.Popen(
            [sys.executable, __file__, HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "ready\n"
            remote = await attach(Settings(state, role="benchmark"), UnixSockets(), ExactClock(), lambda _: None)
            async with open_cluster(Settings(None, nodes=NODES, replication=1)) as embedded:
                sides = {"embedded": operations(embedded), "attached": operations(remote)}
                rates: dict[tuple[str, str], list[float]] = {}
                cost: dict[tuple[str, str], list[tuple[float, float]]] = {}
                for round_number in range(-1, rounds):
                    for kind in ("put", "get"):
                        for side, does in sides.items():
                            own, far = own_cpu(), cpu_of(holder.pid)
                            reached = await rate(does[kind], seconds)
                            if round_number >= 0:  # the first one only warms up
                                number = reached * seconds / 1e6
                                used = ((own_cpu() - own) / number, (cpu_of(holder.pid) - far) / number)
                                rates.setdefault((kind, side), []).append(reached)
                                cost.setdefault((kind, side), []).append(used)
            remote.close()
        finally:
            holder.communicate()
    for kind in ("put", "get"):
        for side in sides:
            found = sorted(rates[kind, side])
            here, there = (median(used[place] for used in cost[kind, side]) for place in (0, 1))
            print(
                f"{kind} {side:9} {median(found):9,.0f} ops/s ({found[0]:,.0f} to {found[-1]:,.0f}),"
                f" CPU an operation: {here:.0f} µs here, {there:.0f} µs at the holder"
            )
        ratios = sorted(a / e for e, a in zip(rates[kind, "embedded"], rates[kind, "attached"], strict=True))
        print(f"{kind} attached / embedded: {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument(HOLD, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    asyncio.run(hold(given.hold) if given.hold else measure(given.rounds, given.seconds))


if __name__ == "__main__":
    main()
