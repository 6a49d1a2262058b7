"""Nodes as processes of this machine, which end with their parent whatever ends it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from kvtui.core.authentication import Secret
from kvtui.core.seams.giving_up import give_up, was_given_up
from kvtui.core.seams.last_words import LastWords
from kvtui.core.seams.launcher import Discarded, LaunchFailed, NodeProcess, NodeSpec, how_ended
from kvtui.core.seams.secret_source import VARIABLE
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
        keep = ["--memory"] if spec.data is None else ["--data", str(spec.data)]
        command = [sys.executable, "-m", "kvtui.node", str(spec.port), "--host", spec.host, "--parent-pipe", *keep]
        command += self._certificate(spec)
        said = LastWords()
        try:
            async with said:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=said.descriptor,
                    start_new_session=True,
                    env=_environment(spec.secret),
                )
        except OSError as error:
            said.close()
            raise LaunchFailed(f"can't start node {spec.node}: {error.strerror or error}") from None
        try:
            return _Process(process, await self._address(process, spec, said), said)
        except BaseException:
            await _end(process)
            said.close()
            raise

    def stored(self, directory: Path) -> list[str]:
        if not directory.is_dir():
            return []
        return sorted(entry.name for entry in directory.iterdir() if (entry / "CURRENT").exists())

    def discard(self, spec: NodeSpec) -> Discarded:
        return Discarded() if spec.data is None else give_up(spec.data)

    def _certificate(self, spec: NodeSpec) -> list[str]:
        if self._tls is None:
            return []
        if self._tls.certificate is None:
            raise LaunchFailed(
                f"node {spec.node} needs a certificate: give --tls-cert (and --tls-key), or start it yourself with them"
            )
        key = [] if self._tls.key is None else ["--tls-key", str(self._tls.key)]
        return ["--tls-cert", str(self._tls.certificate), *key]

    async def _address(self, process: asyncio.subprocess.Process, spec: NodeSpec, said: LastWords) -> tuple[str, int]:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._start_seconds):
                line = (await process.stdout.readline()).decode(errors="replace")
                if not line:
                    await process.wait()
        except TimeoutError:
            raise LaunchFailed(f"node {spec.node} did not start within {self._start_seconds:g} s") from None
        if not line:
            raise LaunchFailed(await said.line() or f"node {spec.node} ended with status {process.returncode}")
        place, found, _ = line.removeprefix("kvtui-node listening on ").partition(", data in ")
        host, _, port = place.rpartition(":")
        if not found or not port.isdigit():
            raise LaunchFailed(f"node {spec.node} said something unexpected: {line.strip()[:200]}")
        return host.strip("[]"), int(port)


def _environment(secret: Secret | None) -> dict[str, str]:
    environment = dict(os.environ)
    environment.pop(VARIABLE, None)
    if secret is not None:
        environment[VARIABLE] = os.fsdecode(secret.reveal())
    return environment


class _Process:
    def __init__(self, process: asyncio.subprocess.Process, address: tuple[str, int], said: LastWords) -> None:
        self._process = process
        self._address = address
        self._said = said

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def address(self) -> tuple[str, int]:
        return self._address

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def ended(self) -> str:
        status = self._process.returncode
        return "" if status is None else how_ended(status, self._said.heard)

    def signal(self, number: int) -> None:
        try:
            self._process.send_signal(number)
        except ProcessLookupError:
            pass

    async def wait(self) -> int:
        status = await self._process.wait()
        self._said.close()
        return status


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        process.kill()
    except ProcessLookupError:
        pass
    await process.wait()
