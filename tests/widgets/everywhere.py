"""Screens look the same on whatever machine they are tested."""

import time
from collections.abc import Iterator

import pytest

from kvtui.widgets.activity import Activity
from tests.widgets.frozen import NOON


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times in UTC, noon where it is asked, the full set of glyphs, all at rest."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("KVTUI_GLYPHS", "quadrants")
    monkeypatch.setenv("KVTUI_MOTION", "reduced")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(Activity, "now", lambda _self: NOON)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
