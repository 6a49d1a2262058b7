"""Scans of a synchronous store: their pages are in the loop, and let go there once nobody takes more of them."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final

from kvtui.core.cluster import Item

LOOK_SECONDS: Final = 1.0
"""How soon the pages of a scan that was dropped midway are let go, at the latest."""


class Pages:
    """The pages of one scan: one at a time, and no end while one is under way, which may be cancelled (Ctrl-C)."""

    def __init__(self, pages: AsyncGenerator[list[Item], None]) -> None:
        self._pages = pages
        self._one = asyncio.Lock()

    async def next(self) -> list[Item] | None:
        """None behind the last one."""
        async with self._one:
            return await anext(self._pages, None)

    async def close(self) -> None:
        """Once the page under way has come, or was cancelled."""
        async with self._one:
            await self._pages.aclose()


class Scan:
    """What an iterator holds of its pages. When it is gone, so is the iterator."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages


class Scans:
    """The scans that are not over. Iterators may be dropped in any thread, the loop's own included, and at any moment: nothing of
    Python's runs then, as a Ctrl-C that came amid it would be printed, and be lost."""

    def __init__(self) -> None:
        self._open: dict[weakref.ref[Scan], Pages] = {}
        self._dropped: deque[weakref.ref[Scan]] = deque()
        self._looking = False
        self._closing: set[asyncio.Task[None]] = set()

    def begin(self, pages: AsyncGenerator[list[Item], None]) -> Scan:
        """From any thread."""
        scan = Scan(Pages(pages))
        self._open[weakref.ref(scan, self._dropped.append)] = scan.pages
        return scan

    async def next(self, scan: Scan) -> list[Item] | None:
        """In the loop: the scan's next page; None behind the last one."""
        self._look()
        return await scan.pages.next()

    def _look(self) -> None:
        """Let go of what was dropped; look again later while there are others."""
        loop = asyncio.get_running_loop()
        while self._dropped:
            closing = loop.create_task(self._open.pop(self._dropped.popleft()).close())
            self._closing.add(closing)
            closing.add_done_callback(self._closed)
        if self._open and not self._looking:
            self._looking = True
            loop.call_later(LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._looking = False
        self._look()

    def _closed(self, closing: asyncio.Task[None]) -> None:
        self._closing.discard(closing)
        if not closing.cancelled():
            closing.exception()  # who dropped it wants to hear nothing of it
