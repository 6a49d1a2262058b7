"""The web application of the documents, as it stands there: workers beside ``kvtui serve``, killed under load."""

import asyncio
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

import kvtui
from tests.api.test_documents import PROGRAM, ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.long]

WORKERS: Final = 4
CLIENTS: Final = 32
BACK_SECONDS: Final = 2.0
"""Until then some request is carried out again. Once: a machine that does other things too is slow at times."""
ANSWER_SECONDS: Final = 5.0 + 1.0
"""Until then each request is answered, and one second for what is not kvtui's."""
END_SECONDS: Final = 10.0
STUCK_SECONDS: Final = 0.1
"""Nothing is answered for so long by workers that all wait for the holder of the ring; it is not missed by then."""
STORED, FAILED, UNKNOWN, DROPPED = 204, 503, 504, 0


@asynccontextmanager
async def program(directory: Path, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    """A program, and where it writes what it says; it and its children are killed at the end."""
    said = directory / f"said-{len(list(directory.glob('said-*')))}"
    with said.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=directory, stdout=out, stderr=out, start_new_session=True
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

    async def client(self, name: int) -> None:
        for number in range(1_000_000):
            if self.over:
                return
            key, value, asked = f"/{name}/{number}", os.urandom(8).hex().encode(), time.monotonic()
            status, text = await self.request("PUT", key, value)
            self.answers.append((asked, time.monotonic(), status, text))
            if status == STORED:
                self.stored[key] = value
            else:
                await asyncio.sleep(0.02)

    async def kill(self, pid: int) -> float:
        """``kill -9`` it amid the load, and wait until something that was asked after that is stored; after how long it was."""
        before = len(self.answers)
        async with asyncio.timeout(20):
            while len(self.answers) < before + 5 * CLIENTS:
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


async def test_workers_go_on_by_themselves_when_whoever_holds_the_ring_is_killed_under_load(tmp_path: Path) -> None:
    (shop,) = (found[1] for found in PROGRAM.finditer((ROOT / "docs/python.md").read_text()) if "lifespan" in found[1])
    (tmp_path / "shop.py").write_text(shop)
    serving = program(tmp_path, "-m", "kvtui", "serve", "--state", "shop", "--nodes", "3")
    workers = program(tmp_path, "-m", "uvicorn", "shop:app", "--workers", str(WORKERS), "--port", "0")
    async with serving as (serve, said):
        await heard(said, "serving")
        async with workers as (server, log), kvtui.connect(tmp_path / "shop") as store:
            text = await heard(log, "Application startup complete", WORKERS)
            load = Load(int(re.findall(r"running on http://127\.0\.0\.1:(\d+)", text)[0]))
            clients = [asyncio.create_task(load.client(name)) for name in range(CLIENTS)]
            back = [await load.kill(serve.pid)]
            first = await holder_of(store, serve.pid)
            after_serve = Counter(status for _, _, status, _ in load.answers)
            back.append(await load.kill(first))
            second = await holder_of(store, first)
            load.over = True
            await asyncio.gather(*clients)

            print(f"back after {', '.join(f'{each:.2f}' for each in back)} s")
            assert min(back) < BACK_SECONDS
            assert max(told - asked for asked, told, _, _ in load.answers) < ANSWER_SECONDS
            # What was under way is told unknown, or not carried out; and of a worker that was killed, nothing is told.
            assert after_serve[UNKNOWN] + after_serve[FAILED]
            assert set(after_serve) <= {STORED, FAILED, UNKNOWN}
            assert {status for _, _, status, _ in load.answers} <= {STORED, FAILED, UNKNOWN, DROPPED}
            for _, _, status, reason in load.answers:
                assert status in (STORED, DROPPED) or b"the coordinator in" in reason
            found = await store.get_many(list(load.stored))
            assert {key: read.value for key, read in found.items()} == load.stored

            nodes = [view.pid for view in store.cluster.snapshot().nodes]
            server.send_signal(signal.SIGTERM)
            async with asyncio.timeout(END_SECONDS):
                await server.wait()
            assert "Traceback" not in log.read_text()
    for pid in (second, *nodes):
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
