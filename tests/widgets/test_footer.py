"""The last line: keys that fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kvtui.widgets.footer import FIRST, Key, fitting, footer_line, places
from kvtui.widgets.panel import plain
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import running

ACTIONS = st.lists(st.sampled_from([*FIRST, "quit", "ring_view", "keys", "bench"]), unique=True)
SHOWN, MEANING = st.text("F1^", max_size=4), st.text("abc 漢", max_size=12)
KEYS = ACTIONS.flatmap(
    lambda actions: st.tuples(*(st.builds(Key, st.just(name), SHOWN, MEANING, st.just("f1")) for name in actions))
)


@given(KEYS, st.integers(1, 120))
def test_keys_are_whole_and_never_overlap(keys: tuple[Key, ...], width: int) -> None:
    chosen = fitting(keys, width)
    spots = places(chosen, width)
    for (start, key), following in zip(spots, [*[start for start, _ in spots], width][1:], strict=True):
        assert start >= 1
        assert start + key.width <= following
    assert cell_len(plain(footer_line(chosen, width))) <= width


@given(KEYS, st.integers(1, 120))
def test_what_leads_to_the_rest_is_not_dropped_for_anything_else(keys: tuple[Key, ...], width: int) -> None:
    first = tuple(key for key in keys if key.action in FIRST)
    assert [key for key in fitting(keys, width) if key.action in FIRST] == fitting(first, width)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("width", "line"),
    [
        (120, " F1 Help  F2 Ring view  F3 Keys  F4 Node bars  F5 Bench  F6 Panel  F12 Save as SVG  ^Q Quit"),
        (40, " F1 Help  F3 Keys  F6 Panel  ^P Palette"),
        (30, " F1 Help  F3 Keys  F6 Panel"),
    ],
)
async def test_the_footer_of_the_dashboard(width: int, line: str) -> None:
    async with running(FrozenCluster(frozen.healthy()), (width, 36)) as shown:
        await shown.until(lambda: shown.text("#footer").startswith(line))
        if width >= 40:
            assert shown.text("#footer").endswith("^P Palette ")


@pytest.mark.anyio
async def test_a_click_presses_the_key() -> None:
    async with running(FrozenCluster(frozen.healthy())) as shown:
        before = shown.text("#ring")
        await shown.pilot.click("#footer", offset=(12, 0))
        await shown.until(lambda: shown.text("#ring") != before)
