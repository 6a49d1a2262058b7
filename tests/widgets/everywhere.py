"""Screens look the same on whatever machine they are tested."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times in UTC, the full set of glyphs, all at rest."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("KVTUI_GLYPHS", "quadrants")
    monkeypatch.setenv("KVTUI_MOTION", "reduced")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
