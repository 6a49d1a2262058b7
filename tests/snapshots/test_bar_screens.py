"""What the command bar's menu and search, and help, look like."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kvtui.app import KvtuiApp
from tests.widgets import frozen

SIZES = {"40x15": (40, 15), "80x24": (80, 24), "120x36": (120, 36)}
TYPED = "put apple 123\nget apple\naddnode A 5001\nput banana yellow\nget banana\nwhere banana\n"


def picture(
    snap_compare: Callable[..., bool],
    size: str,
    keys: Sequence[str],
    state: Path | None = None,
    readonly: bool = False,
) -> bool:
    """Whether the dashboard looks as it did after those keys."""
    app = KvtuiApp(frozen.FrozenCluster(frozen.healthy(), ()), state=state, readonly=readonly)

    async def press(pilot: Pilot[None]) -> None:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()

    return snap_compare(app, terminal_size=SIZES[size], run_before=press)


@pytest.mark.parametrize("size", SIZES)
def test_the_menu_of_candidates(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, ["r", "e", "tab", "tab"])


@pytest.mark.parametrize("size", SIZES)
def test_a_menu_with_more_candidates_than_rows(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, ["tab", *["down"] * 12])


@pytest.mark.parametrize("size", SIZES)
def test_the_search_of_lines_typed_before(snap_compare: Callable[..., bool], size: str, tmp_path: Path) -> None:
    (tmp_path / "history").write_text(TYPED)
    assert picture(snap_compare, size, ["ctrl+r", *"bana", "ctrl+r"], tmp_path)


@pytest.mark.parametrize("size", SIZES)
def test_a_search_that_finds_nothing_more(snap_compare: Callable[..., bool], size: str, tmp_path: Path) -> None:
    (tmp_path / "history").write_text(TYPED)
    assert picture(snap_compare, size, ["ctrl+r", *"app", "ctrl+r", "ctrl+r"], tmp_path)


@pytest.mark.parametrize("size", SIZES)
def test_help(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, ["f1"])


@pytest.mark.parametrize("size", SIZES)
def test_what_read_only_refuses(snap_compare: Callable[..., bool], size: str) -> None:
    assert picture(snap_compare, size, [*"rebalance", "enter"], readonly=True)
