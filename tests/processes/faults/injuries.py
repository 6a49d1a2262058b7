"""What is done to a node for some seconds, and undone. Durations are part of the fault: nothing waits for anything by them."""

import asyncio
import resource
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import anyio

from tests.processes.faults.rig import RigNode

LATE_SECONDS: Final = 0.2
VOLUME_BYTES: Final = 96 * 1024 * 1024
"""A file system of a node's own; nodes keep 64 MiB free."""
FULL_BYTES: Final = 60 * 1024 * 1024
"""What fills it so far that a node refuses writes."""
GARBAGE: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

Injury = Callable[[RigNode, float], Awaitable[None]]


async def killed(node: RigNode, seconds: float) -> None:
    """kill -9, and started again"""
    await node.kill()
    await anyio.sleep(seconds)
    await node.start()


async def paused(node: RigNode, seconds: float) -> None:
    """SIGSTOP, SIGCONT"""
    assert node.process is not None
    node.process.signal(signal.SIGSTOP)
    await anyio.sleep(seconds)
    node.process.signal(signal.SIGCONT)


async def cut(node: RigNode, seconds: float) -> None:
    """connections reset, again and again"""
    end = anyio.current_time() + seconds
    while anyio.current_time() < end:
        node.proxy.break_connections()
        await anyio.sleep(0.25)


async def late(node: RigNode, seconds: float) -> None:
    """everything delayed, each way"""
    node.proxy.there.delay = node.proxy.back.delay = LATE_SECONDS
    await anyio.sleep(seconds)
    node.proxy.heal()


async def deaf(node: RigNode, seconds: float) -> None:
    """nothing reaches it"""
    node.proxy.there.open.clear()
    await anyio.sleep(seconds)
    node.proxy.heal()


async def mute(node: RigNode, seconds: float) -> None:
    """nothing comes from it"""
    node.proxy.back.open.clear()
    await anyio.sleep(seconds)
    node.proxy.heal()


async def partitioned(node: RigNode, seconds: float) -> None:
    """nothing comes through either way"""
    node.proxy.there.open.clear()
    node.proxy.back.open.clear()
    await anyio.sleep(seconds)
    node.proxy.heal()


async def over_quota(node: RigNode, seconds: float) -> None:
    """no file may grow; it stops, and is started again"""
    assert node.process is not None
    pid = node.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    await anyio.sleep(seconds)
    if node.alive:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        # One that met the limit has stopped, or is about to: one that did not goes on.
        with anyio.move_on_after(0.5):
            await node.process.wait()
    if not node.alive:
        await node.start()


async def full(node: RigNode, seconds: float) -> None:
    """its file system is full"""
    ballast = node.data.parent / f"{node.name}.volume" / "ballast"
    ballast.write_bytes(bytes(FULL_BYTES))
    await anyio.sleep(seconds)
    ballast.unlink()


async def displaced(node: RigNode, seconds: float) -> None:
    """killed, and a stranger answers at its address"""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(GARBAGE)
        writer.close()

    await node.kill()
    stranger = await asyncio.start_server(answer, "127.0.0.1", 0)
    node.proxy.target = stranger.sockets[0].getsockname()[:2]
    await anyio.sleep(seconds)
    stranger.close()
    await node.start()


async def wiped(node: RigNode, seconds: float) -> None:
    """killed, its data deleted, and started again"""
    await node.kill()
    node.wipe()
    await anyio.sleep(seconds)
    await node.start()


INJURIES: Final[dict[str, Injury]] = {
    injury.__name__: injury
    for injury in (killed, paused, cut, late, deaf, mute, partitioned, over_quota, full, displaced, wiped)
}
PAIRS: Final = (
    ("killed", "paused"),
    ("killed", "killed"),
    ("paused", "mute"),
    ("deaf", "mute"),
    ("partitioned", "killed"),
    ("partitioned", "late"),
    ("cut", "displaced"),
    ("over_quota", "killed"),
    ("full", "cut"),
    ("wiped", "late"),
    ("wiped", "cut"),
    ("wiped", "killed"),
)
"""Of different nodes, at once."""


def why_not(injury: str, path: Path) -> str:
    """Why an injury can't be done on this machine; empty when it can."""
    if injury == "over_quota" and not hasattr(resource, "prlimit"):
        return "the system can't limit another process's files"
    if injury == "full":
        probe = path / "probe"
        probe.mkdir()
        problem = mount(probe)
        if not problem:
            unmount(probe)
        return problem
    return ""


def mount(directory: Path, size: int = VOLUME_BYTES) -> str:
    """Give a directory a small file system of its own, of ``size`` bytes; why that can't be, or nothing."""
    if shutil.which("mount") is None:
        return "there is no mount command here"
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return "" if done.returncode == 0 else f"a small file system can't be mounted: {done.stderr.strip()}"


def unmount(directory: Path) -> None:
    """Take it away again, whoever uses it still."""
    subprocess.run(["umount", "-l", str(directory)], capture_output=True, timeout=30, check=True)
