"""The web application of the documents that needs no asyncio, as it stands there, under gunicorn."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

import kvtui
from tests.api.web import (
    BACK_SECONDS,
    DROPPED,
    END_SECONDS,
    STORED,
    Load,
    document_program,
    heard,
    holder_of,
    program,
    stored_all,
)

pytest.importorskip("gunicorn", reason="gunicorn is not installed")
pytestmark = [pytest.mark.anyio, pytest.mark.long]

GUNICORN = ("-m", "gunicorn", "shop_wsgi:app", "--bind", "127.0.0.1:0")


async def port_of(log: Path, workers: int) -> int:
    text = await heard(log, "Booting worker", workers)
    return int(re.findall(r"Listening at: http://127\.0\.0\.1:(\d+)", text)[0])


async def in_chunks(port: int) -> int:
    """The answer to a body whose length is not said before."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"PUT /chunks HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    writer.write(head + b"1\r\na\r\n0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


async def ended(server: asyncio.subprocess.Process, log: Path) -> None:
    server.send_signal(signal.SIGTERM)
    async with asyncio.timeout(END_SECONDS):
        assert await server.wait() == 0
    assert "Traceback" not in log.read_text()


async def test_threads_of_preloaded_workers_go_on_when_the_holder_is_killed_under_load(tmp_path: Path) -> None:
    (tmp_path / "shop_wsgi.py").write_text(document_program("wsgi.input"))
    serving = program(tmp_path, "-m", "kvtui", "serve", "--state", "shop", "--nodes", "3")
    workers = program(tmp_path, *GUNICORN, "--workers", "3", "--threads", "6", "--preload")
    async with serving as (serve, said):
        await heard(said, "serving")
        async with workers as (server, log), kvtui.connect(tmp_path / "shop") as store:
            load = Load(await port_of(log, 3), 16)
            await load.mind_keys(store)
            assert await in_chunks(load.port) == 411  # it was stored as an empty value
            clients = load.begin()
            back = await load.kill(serve.pid)
            holder = await holder_of(store, serve.pid)
            load.over = True
            await asyncio.gather(*clients)
            print(f"back after {back:.2f} s")
            assert back < BACK_SECONDS
            assert DROPPED not in {status for _, _, status, _ in load.answers}
            await stored_all(store, load)
            nodes = [view.pid for view in store.cluster.snapshot().nodes]
            await ended(server, log)
    for pid in (holder, *nodes):
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_workers_that_are_recycled_and_reloaded_leave_the_ring_to_others(tmp_path: Path) -> None:
    (tmp_path / "shop_wsgi.py").write_text(document_program("wsgi.input"))
    workers = program(tmp_path, *GUNICORN, "--workers", "2", "--max-requests", "20")
    async with workers as (server, log):
        load = Load(await port_of(log, 2), 2)
        clients = load.begin()
        await heard(log, "Autorestarting worker")
        server.send_signal(signal.SIGHUP)
        await heard(log, "Handling signal: hup")
        before = len(load.answers)
        async with asyncio.timeout(20):
            while sum(status == STORED for _, _, status, _ in load.answers[before:]) < 5:
                await asyncio.sleep(0.01)
        load.over = True
        await asyncio.gather(*clients)
        assert DROPPED not in {status for _, _, status, _ in load.answers}
        async with kvtui.connect(tmp_path / "shop") as store:
            await stored_all(store, load)
        await ended(server, log)
