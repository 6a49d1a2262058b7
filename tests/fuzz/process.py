"""A node process under mutants: it must live to the end, stay small, and say nothing on standard error that it should not."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kvtui.core.authentication import Secret
from kvtui.core.node_access import NodeAccess
from kvtui.core.seams.chance import SystemRandom
from kvtui.core.seams.clock import LoopClock
from kvtui.core.seams.secret_source import VARIABLE
from kvtui.core.seams.transport import TcpTransport
from tests.fuzz.campaign import Campaign, Door, Tally
from tests.fuzz.model import Wrong

SECRET: Final = "a secret of the fuzzed node"
GROWTH_BYTES: Final = 192 * 1024 * 1024
"""How much more memory the node may take at its peak than before the first mutant: RocksDB's buffers and cache, which it fills in
time, and the values under way."""
END_SECONDS: Final = 30.0


@dataclass(slots=True)
class Run:
    """What came of one campaign."""

    door: Door
    before: int
    """Resident bytes of the node before the first mutant."""
    tally: Tally = field(default_factory=Tally)
    peak: int = 0
    after: int = 0


@asynccontextmanager
async def node_process(data: Path, *, secret: bool) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A node and its port; it ends with this process, whatever happens. Raises Wrong unless it ends in order."""
    errors = data.with_suffix(".errors")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    if secret:
        environment[VARIABLE] = SECRET
    with errors.open("wb") as sink:
        node = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kvtui.node", "0", "--data", str(data), "--parent-pipe"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=sink,
            env=environment,
        )
    try:
        assert node.stdout is not None
        line = (await node.stdout.readline()).decode()
        yield node, int(line.split(",")[0].rpartition(":")[2])
        if node.returncode is not None:
            raise Wrong(f"the node ended by itself, with status {node.returncode}: {errors.read_text()[-2000:]}")
        node.terminate()
        async with asyncio.timeout(END_SECONDS):
            status = await node.wait()
        said = [
            line for line in errors.read_text().splitlines() if not (secret and line.startswith("kvtui-node: refused"))
        ]
        if status or said:
            raise Wrong(f"the node ended with status {status} and said: {said[-20:]}")
    finally:
        if node.returncode is None:
            node.kill()
            await node.wait()


async def fuzz_process(
    door: Door, seed: int, frames: int, data: Path, progress: Callable[[Run], None] = lambda run: None
) -> Run:
    """Run a campaign on a new node process that keeps its data in ``data``. Raises Wrong, Hangs."""
    async with node_process(data, secret=door is Door.GATED) as (node, port):
        secret = Secret(SECRET.encode()) if door is Door.GATED else None
        access = NodeAccess(TcpTransport(), secret, SystemRandom(), LoopClock())

        async def connect(make: Callable[[], asyncio.Protocol]) -> None:
            await TcpTransport().connect("127.0.0.1", port, make)

        async def vouched(make: Callable[[], asyncio.Protocol]) -> None:
            await access.connect("127.0.0.1", port, make)

        run = Run(door, resident(node.pid, "VmRSS"))
        campaign = Campaign(seed, door, connect, vouched)
        run.tally = campaign.tally
        await campaign.run(frames, lambda: progress(run))
        run.peak, run.after = resident(node.pid, "VmHWM"), resident(node.pid, "VmRSS")
    if run.peak - run.before > GROWTH_BYTES:
        raise Wrong(f"the node grew from {run.before:,} bytes to {run.peak:,}")
    return run


def resident(pid: int, what: str) -> int:
    """Bytes of memory that a process holds (``VmRSS``), or held at its peak (``VmHWM``)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise Wrong(f"process {pid} is gone")
