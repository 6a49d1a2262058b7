"""What a node says of those that it turned away: little, whatever they do."""

import asyncio
from collections.abc import Awaitable, Callable

from kvtui.node.refusals import ADDRESSES_MOST, WINDOW_SECONDS, Kind, Refusals
from tests.simulation.loop import SimClock, run_virtual


def told(story: Callable[[Refusals], Awaitable[None]]) -> list[str]:
    said: list[str] = []

    async def tell() -> None:
        await story(Refusals(SimClock(), said.append))

    run_virtual(tell)
    return said


def test_a_kind_is_told_once_an_address_and_window_with_a_count_at_its_end() -> None:
    async def story(refusals: Refusals) -> None:
        for _ in range(1001):
            refusals.note(Kind.WRONG, "10.0.0.1")
        refusals.note(Kind.NONE, "10.0.0.1")
        refusals.note(Kind.WRONG, "10.0.0.2")
        await asyncio.sleep(WINDOW_SECONDS + 1)
        refusals.note(Kind.WRONG, "10.0.0.1")

    assert told(story) == [
        "refused 10.0.0.1: a wrong secret",
        "refused 10.0.0.1: a request without the secret",
        "refused 10.0.0.2: a wrong secret",
        "refused 10.0.0.1: a wrong secret, 1,000 more in 60 s",
        "refused 10.0.0.1: a wrong secret",
    ]


def test_a_million_addresses_are_told_in_a_few_lines() -> None:
    async def story(refusals: Refusals) -> None:
        for number in range(5000):
            refusals.note(Kind.FLOOD, f"10.0.{number >> 8}.{number & 255}")
        refusals.tell()

    said = told(story)
    assert len(said) == ADDRESSES_MOST + 2
    assert (
        said[-1]
        == f"refused other addresses: too many connections that proved nothing, {5000 - ADDRESSES_MOST - 1:,} more in 60 s"
    )
