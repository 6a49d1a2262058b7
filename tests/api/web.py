"""Web servers of the documents' programs, and clients that load them."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import kvtui
from tests.api.test_documents import PROGRAM, ROOT

BACK_SECONDS: Final = 2.0
"""Until then some request is carried out again. Once: a machine that does other things too is slow at times."""
ANSWER_SECONDS: Final = 5.0 + 1.0
"""Until then each request is answered, and one second for what is not kvtui's."""
END_SECONDS: Final = 10.0
STUCK_SECONDS: Final = 0.1
"""Nothing is answered for so long by workers that all wait for the holder of the ring; it is not missed by then."""
STORED, FAILED, UNKNOWN, DROPPED = 204, 503, 504, 0


def document_program(word: str) -> str:
    """The one program of the document that has the word."""
    (found,) = (program[1] for program in PROGRAM.finditer((ROOT / "docs/python.md").read_text()) if word in program[1])
    return found


@asynccontextmanager
async def program(directory: Path, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    """A program, and where it writes what it says; it and its children are killed at the end."""
    said = directory / f"said-{len(list(directory.glob('said-*')))}"
    env = os.environ | {"HOME": str(directory)}  # gunicorn puts a socket there
    with said.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=directory, env=env, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process, said
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def heard(said: Path, words: str, times: int = 1) -> str:
    """Wait until the words were written so often; all that was."""
    async with asyncio.timeout(30):
        while (text := said.read_text()).count(words) < times:
            await asyncio.sleep(0.02)
    return text


@dataclass
class Load:
    """Clients that store keys of their own through the application, one after the other."""

    port: int
    clients: int
    stored: dict[str, bytes] = field(default_factory=dict)
    answers: list[tuple[float, float, int, bytes]] = field(default_factory=list)
    """When each was asked and answered, and how."""
    over: bool = False

    async def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                head = f"{method} {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                first, _, rest = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.close()
        except OSError:
            return DROPPED, b""
        return (int(first.split()[1]) if first else DROPPED), rest

    async def cut_short(self, path: str) -> None:
        """A PUT that ends amid its body; once the server has closed its connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(
            f"PUT {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: 10\r\n\r\nhalf".encode()
        )
        writer.write_eof()
        with suppress(OSError):
            await reader.read()
        writer.close()

    async def mind_keys(self, store: kvtui.Store) -> None:
        """A key is what stands behind the first slash, and no key or half a value is stored."""
        assert await self.request("PUT", "/caf%C3%A9%2F%FF", b"1") == (STORED, b"")
        assert (await store.get("café/".encode() + b"\xff")).value == b"1"
        assert await self.request("GET", "/caf%C3%A9%2F%FF") == (200, b"1")
        assert await self.request("PUT", "/", b"1") == (400, b"no key")
        assert (await self.request("DELETE", "/caf%C3%A9%2F%FF"))[0] == 405
        await self.cut_short("/half")

    def begin(self) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.client(name)) for name in range(self.clients)]

    async def client(self, name: int) -> None:
        for number in range(1_000_000):
            if self.over:
                return
            key, value, asked = f"{name}/{number}", os.urandom(8).hex().encode(), time.monotonic()
            status, text = await self.request("PUT", f"/{key}", value)
            self.answers.append((asked, time.monotonic(), status, text))
            if status == STORED:
                self.stored[key] = value
            else:
                await asyncio.sleep(0.02)

    async def kill(self, pid: int) -> float:
        """``kill -9`` it amid the load, and wait until something that was asked after that is stored; after how long it was."""
        before = len(self.answers)
        async with asyncio.timeout(20):
            while len(self.answers) < before + 5 * self.clients:
                await asyncio.sleep(0.01)
        # Stopped first, until nothing is answered: else it may just have had nothing in its hands.
        os.kill(pid, signal.SIGSTOP)
        async with asyncio.timeout(20):
            while self.answers[-1][1] > time.monotonic() - STUCK_SECONDS:
                await asyncio.sleep(0.01)
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while not (
                back := [told for asked, told, status, _ in self.answers if asked > killed and status == STORED]
            ):
                await asyncio.sleep(0.01)
        return min(back) - killed


async def holder_of(store: kvtui.Store, before: int) -> int:
    """The process that holds the ring, once it is another one than before."""
    async with asyncio.timeout(20):
        snapshot = store.cluster.snapshot()
        while snapshot.stopped or (pid := int(re.findall(r"process (\d+)", snapshot.attached)[0])) == before:
            snapshot = await store.cluster.changed(snapshot)
    return pid


async def stored_all(store: kvtui.Store, load: Load) -> None:
    """What was acknowledged is there, each request was answered in time, and what was not carried out was told so."""
    assert max(told - asked for asked, told, _, _ in load.answers) < ANSWER_SECONDS
    assert {status for _, _, status, _ in load.answers} <= {STORED, FAILED, UNKNOWN, DROPPED}
    for _, _, status, reason in load.answers:
        assert status in (STORED, DROPPED) or b"the coordinator in" in reason
    found = await store.get_many(list(load.stored))
    assert {key: read.value for key, read in found.items()} == load.stored
    assert (await store.get("half")).value is None
