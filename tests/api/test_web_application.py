"""The web application of the documents, as it stands there: workers beside ``kvtui serve``, killed under load."""

import asyncio
import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

import kvtui
from tests.api.web import (
    BACK_SECONDS,
    END_SECONDS,
    FAILED,
    STORED,
    UNKNOWN,
    Load,
    document_program,
    heard,
    holder_of,
    program,
    stored_all,
)

pytestmark = [pytest.mark.anyio, pytest.mark.long]

WORKERS: Final = 4
CLIENTS: Final = 32


async def test_workers_go_on_by_themselves_when_whoever_holds_the_ring_is_killed_under_load(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(document_program("lifespan"))
    serving = program(tmp_path, "-m", "kvtui", "serve", "--state", "shop", "--nodes", "3")
    workers = program(tmp_path, "-m", "uvicorn", "shop:app", "--workers", str(WORKERS), "--port", "0")
    async with serving as (serve, said):
        await heard(said, "serving")
        async with workers as (server, log), kvtui.connect(tmp_path / "shop") as store:
            text = await heard(log, "Application startup complete", WORKERS)
            load = Load(int(re.findall(r"running on http://127\.0\.0\.1:(\d+)", text)[0]), CLIENTS)
            clients = load.begin()
            await load.mind_keys(store)
            back = [await load.kill(serve.pid)]
            first = await holder_of(store, serve.pid)
            after_serve = Counter(status for _, _, status, _ in load.answers)
            back.append(await load.kill(first))
            second = await holder_of(store, first)
            load.over = True
            await asyncio.gather(*clients)

            print(f"back after {', '.join(f'{each:.2f}' for each in back)} s")
            assert min(back) < BACK_SECONDS
            # What was under way is told unknown, or not carried out; and of a worker that was killed, nothing is told.
            assert after_serve[UNKNOWN] + after_serve[FAILED]
            assert set(after_serve) <= {STORED, FAILED, UNKNOWN}
            await stored_all(store, load)

            nodes = [view.pid for view in store.cluster.snapshot().nodes]
            server.send_signal(signal.SIGTERM)
            async with asyncio.timeout(END_SECONDS):
                await server.wait()
            assert "Traceback" not in log.read_text()
    for pid in (second, *nodes):
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
