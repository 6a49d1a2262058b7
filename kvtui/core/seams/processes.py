"""Nodes as processes of this machine, which end with their parent whatever ends it."""

import asyncio
import signal
from pathlib import Path
from typing import Final

import anyio

from kvtui.core.seams.child import Child
from kvtui.core.seams.giving_up import give_up, was_given_up
from kvtui.core.seams.launcher import (
    KILLED_SECONDS,
    Discarded,
    LaunchFailed,
    LaunchRefused,
    NodeProcess,
    NodeSpec,
    how_ended,
)
from kvtui.core.seams.node_command import Command, node_command, not_begun, not_started, refusal, too_late
from kvtui.core.seams.patched import patched
from kvtui.core.seams.this_program import this_program
from kvtui.core.seams.tls import TlsFiles

START_SECONDS: Final = 60.0
"""How long a node may take until it accepts. Without the sums of its slots it must read all of its data first."""


class ProcessLauncher:
    """Starts ``kvtui-node`` with this Python.

    Each node reads a pipe that this process holds: when this process ends, even by ``kill -9``, the pipe ends, and so does
    the node. It lives in a session of its own, so that a Ctrl-C in this terminal does not reach it.
    """

    def __init__(self, *, start_seconds: float = START_SECONDS, tls: TlsFiles | None = None) -> None:
        """Nodes get their secret through their environment alone, and of ``tls`` the certificate and key for their own."""
        self._start_seconds = start_seconds
        self._tls = tls

    async def start(self, spec: NodeSpec) -> NodeProcess:
        """Start a node and wait until it accepts. Raises LaunchFailed."""
        if spec.data is not None and was_given_up(spec.data) and (left := give_up(spec.data).left):
            raise LaunchFailed(f"node {spec.node} can't begin anew: {left}")
        if trouble := patched():
            raise LaunchRefused(f"can't start node {spec.node}: {trouble}")
        try:
            command = node_command(spec, self._tls, this_program())
            child = Child(command)
        except OSError as error:
            raise LaunchFailed(not_started(command, error)) from None
        except ValueError as error:
            raise LaunchFailed(f"can't start node {spec.node}: {error}") from None
        try:
            return _Process(child, await self._address(child, spec, command))
        except BaseException:
            await _kill(child)
            raise

    def refusal(self) -> str:
        return refusal(this_program())

    def stored(self, directory: Path) -> list[str]:
        if not directory.is_dir():
            return []
        return sorted(entry.name for entry in directory.iterdir() if (entry / "CURRENT").exists())

    def discard(self, spec: NodeSpec) -> Discarded:
        return Discarded() if spec.data is None else give_up(spec.data)

    async def _address(self, child: Child, spec: NodeSpec, command: Command) -> tuple[str, int]:
        try:
            async with asyncio.timeout(self._start_seconds):
                line = await child.output.line()
                status = None if line else (await child.wait()).status
        except TimeoutError:
            raise LaunchFailed(too_late(spec, command, self._start_seconds)) from None
        if not line:
            raise LaunchFailed(not_begun(command, await child.said.line(), how_ended(status)))
        place, found, _ = line.removeprefix("kvtui-node listening on ").partition(", data in ")
        host, _, port = place.rpartition(":")
        if not found or not port.isdigit():
            raise LaunchFailed(not_begun(command, line))
        return host.strip("[]"), int(port)


class _Process:
    def __init__(self, child: Child, address: tuple[str, int]) -> None:
        self._child = child
        self._address = address

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def address(self) -> tuple[str, int]:
        return self._address

    @property
    def alive(self) -> bool:
        return self._child.exit is None

    @property
    def ended(self) -> str:
        how = self._child.exit
        return "" if how is None else how_ended(how.status, self._child.said.heard)

    def signal(self, number: int) -> bool:
        return self._child.signal(number)

    def orphan(self) -> None:
        self._child.held.close()

    async def wait(self) -> int | None:
        how = await self._child.wait()
        self._child.let_go()
        return how.status


async def _kill(child: Child) -> None:
    """End one that nobody will know. What does not end by that is left to the end of its pipe."""
    child.signal(signal.SIGKILL)
    cancelled: asyncio.CancelledError | None = None
    loop = asyncio.get_running_loop()
    until = loop.time() + KILLED_SECONDS
    try:
        # Whoever is cancelled with its group is so at each wait again: the process would stay, as a zombie, for ever.
        with anyio.CancelScope(shield=True):
            while child.exit is None and (left := until - loop.time()) > 0:
                try:
                    await asyncio.wait_for(child.wait(), left)
                except TimeoutError:
                    break
                except asyncio.CancelledError as error:
                    cancelled = error
    finally:
        child.let_go()
        child.reap_later()
    if cancelled is not None:
        raise cancelled
