"""Mutated frames on a node under virtual time: it goes on answering, and serves what was written and nothing else."""

import asyncio
import resource
from collections.abc import Callable

import pytest

from kvtui.core.authentication import Secret
from kvtui.core.protocol import UPLOAD_BYTES, VALUE_BYTES, Piece
from tests.fuzz.campaign import Campaign, Door, Tally
from tests.node.nodes import Bench, on_a_node

FRAMES = 5_000
"""Mutants at each door."""
SECRET = Secret(b"a secret of the fuzzed node")
GROWTH_BYTES = 64 * 1024 * 1024
"""How much more memory a run may take than its first rounds did."""


@pytest.mark.parametrize("door", list(Door))
def test_no_mutated_frame_harms_a_node(door: Door) -> None:
    tally = fuzz(door, seed=1, frames=FRAMES)
    assert tally.frames >= FRAMES
    assert tally.refused > tally.connections / 2
    if door is not Door.GATED:
        assert tally.answered > FRAMES / 10


def fuzz(door: Door, seed: int, frames: int) -> Tally:
    """Run a campaign on a node in memory; also checks that nothing of it is left at the node."""
    tallies: list[Tally] = []

    async def story(bench: Bench) -> None:
        async def vouched(make: Callable[[], asyncio.Protocol]) -> None:
            await bench.access(SECRET if door is Door.GATED else None).connect(*bench.server.address, make)

        campaign = Campaign(seed, door, bench.connect, vouched)
        peaks: list[int] = []
        tallies.append(await campaign.run(frames, lambda: peaks.append(peak_bytes())))
        assert peaks[-1] - peaks[len(peaks) // 4] < GROWTH_BYTES
        await bench.clock.sleep(60)
        assert bench.server.connections == 0
        if door is Door.OPEN:
            await check_no_uploads_are_left(bench)

    on_a_node(story, secret=SECRET if door is Door.GATED else None, seed=seed)
    return tallies[0]


async def check_no_uploads_are_left(bench: Bench) -> None:
    """The node takes as many bytes of values under way as it ever does."""
    for _ in range(UPLOAD_BYTES // VALUE_BYTES):
        client = await bench.client()
        assert (await client.one(Piece(upload="u", offset=0, total=VALUE_BYTES, data=""))).status == "ok"


def peak_bytes() -> int:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
