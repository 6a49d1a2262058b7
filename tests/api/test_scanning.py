"""The scans of a synchronous store, in its loop."""

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator

from kvtui.api.scanning import LOOK_SECONDS, Scans
from kvtui.core.cluster import Item
from tests.simulation.loop import run_virtual


class Found:
    """Pages without end, each of which takes a second."""

    def __init__(self) -> None:
        self.closed = 0

    async def pages(self) -> AsyncGenerator[list[Item], None]:
        try:
            while True:
                await asyncio.sleep(1)
                yield []
        finally:
            self.closed += 1


def test_one_that_is_dropped_midway_is_let_go_soon_whoever_drops_it() -> None:
    async def main() -> None:
        found, scans = Found(), Scans()
        here, there, kept = (scans.begin(found.pages()) for _ in range(3))
        for scan in (here, there, kept):
            assert await scans.next(scan) == []
        held = [there]
        del here, there, scan
        thread = threading.Thread(target=held.clear)
        thread.start()
        thread.join()
        gc.collect()
        await asyncio.sleep(2 * LOOK_SECONDS)
        assert found.closed == 2
        assert await scans.next(kept) == []

    run_virtual(main)


def test_no_page_is_fetched_while_another_one_is_under_way_nor_is_it_let_go() -> None:
    """A Ctrl-C cancels a page, and the iterator is dropped at once: asynchronous generator is already running."""

    async def main() -> None:
        found, scans = Found(), Scans()
        scan = scans.begin(found.pages())
        page = asyncio.create_task(scans.next(scan))
        closing = asyncio.create_task(scan.pages.close())
        await asyncio.sleep(0.5)
        assert found.closed == 0
        page.cancel()
        await closing
        assert found.closed == 1

    run_virtual(main)
