"""Tests that run once for each of several seeds."""

import os
from typing import Final

import pytest

from tests.simulation.loop import REPLAY

COUNT: Final = "KVTUI_SEEDS"
"""The environment variable that gives seeded tests another number of seeds, for a long search."""


def seeded(count: int) -> pytest.MarkDecorator:
    """Run a test with ``seed`` 0 to ``count`` - 1; with ``KVTUI_SEED`` set, with that seed alone."""
    alone = os.environ.get(REPLAY)
    seeds = [int(alone)] if alone else list(range(int(os.environ.get(COUNT, count))))
    return pytest.mark.parametrize("seed", seeds)
