"""Mutated frames on a node process, over real sockets."""

import asyncio
from pathlib import Path

import pytest

from tests.fuzz.campaign import Door
from tests.fuzz.process import fuzz_process

FRAMES = 2_000


@pytest.mark.parametrize("door", list(Door))
def test_no_mutated_frame_harms_a_node_process(door: Door, tmp_path: Path) -> None:
    run = asyncio.run(fuzz_process(door, 1, FRAMES, tmp_path / "data"))
    assert run.tally.frames >= FRAMES
    assert run.tally.refused > run.tally.connections / 2
