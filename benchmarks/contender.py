"""One contender of ``benchmarks/peers.py`` in a process of its own: its client, its event loop, its servers.

Works through the cases that it is given, and prints one line of JSON for each. Ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import sys
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contenders.cases import CASES, items
from contenders.hiding import hide
from contenders.memory import kvtui_memory, valkey_memory
from contenders.redis_benchmark import measured_by_it
from contenders.roster import CONTENDERS, Contender
from contenders.stores import fill, opened
from contenders.work import Measured, measured, worked

from kvtui.core.seams.parent import NoParentPipe, watch_parent

PROFILED = 45
"""Functions that a profile shows."""


async def compete(contender: Contender, asked: argparse.Namespace, directory: Path) -> None:
    """All cases, one after the other, on the same servers."""
    cases = [CASES[name] for name in asked.cases if name != "memory"]
    if cases:
        keys = items()
        async with opened(contender, directory, max(case.tasks for case in cases)) as store:
            await fill(store, keys)
            for case in cases:
                result = await measured(store, case, keys, asked.seconds)
                if asked.profile:
                    say_split(contender, result)
                    with cProfile.Profile() as profile:
                        await worked(store, case, keys, asked.seconds)
                    pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILED)
                else:
                    _print(asdict(result))
    if "memory" in asked.cases:
        _print({"case": "memory", **await (kvtui_memory if contender.client == "kvtui" else valkey_memory)(asked.keys)})


def say_split(contender: Contender, result: Measured) -> None:
    """How the processor's time divides between the client (for kvtui, the coordinator) and its servers."""
    unit = result.operations / 1e6 or 1.0
    print(
        f"{contender.says}: {CASES[result.case].says}, not profiled: {result.operations / result.seconds:,.0f} a second;"
    )
    print(f"processor time an operation: client {result.client_seconds / unit:.1f} µs, ", end="")
    print(f"all servers {result.server_seconds / unit:.1f} µs;")
    print(
        f"busy: client {result.client_seconds / result.seconds:.0%}, servers {result.server_seconds / result.seconds:.0%}"
    )


def _print(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


async def _until_parent_ends(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    working = asyncio.create_task(work())
    orphaned = False

    def end() -> None:
        nonlocal orphaned
        orphaned = True
        working.cancel()

    try:
        watch = await watch_parent(end)
    except NoParentPipe:
        await working
        return
    try:
        await working
    except asyncio.CancelledError:
        if not orphaned:
            raise
    finally:
        watch.close()


def run(contender: Contender, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """On the contender's event loop, until it is done or the parent has ended."""
    factory = None
    if contender.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_until_parent_ends(work))


def main() -> None:
    """Measure, print, end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("cases", nargs="+", choices=CASES)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--keys", type=int, default=1_000_000, help="for the memory case")
    parser.add_argument("--directory", type=Path, help="where state goes; default: the system's temporary directory")
    parser.add_argument("--profile", action="store_true", help="print where the client's time goes instead")
    asked = parser.parse_args()
    contender = CONTENDERS[asked.name]
    with tempfile.TemporaryDirectory(prefix="kvtui-peers-", dir=asked.directory) as name:
        directory = Path(name)
        hide(contender.hidden, directory / "hidden")
        if contender.client == "redis-benchmark":
            for case in asked.cases:
                _print(asdict(measured_by_it(case, asked.seconds, directory / case)))
        else:
            run(contender, lambda: compete(contender, asked, directory))


if __name__ == "__main__":
    main()
