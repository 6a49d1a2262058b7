"""Every size works, and every way from one to another: whole words, no frame without a line in it, a bar to type in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.widget import Widget

from kvtui.commands import COMMANDS, usage_for
from kvtui.screens import Confirm, Help
from kvtui.widgets.folding import folded
from kvtui.widgets.hint import fitted
from kvtui.widgets.panel import plain
from kvtui.widgets.words import in_words
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import Running, running

SIZES = [(20, 6), (20, 10), (30, 10), (40, 15), (60, 20), (80, 24), (100, 30), (120, 36), (160, 50), (250, 70)]
JUMPS = [*SIZES, (20, 6), (120, 36), (40, 15), (20, 6)]


@given(st.text("ab ż日", max_size=60), st.integers(0, 30))
def test_what_has_no_room_is_cut_between_words(text: str, width: int) -> None:
    told = in_words(text, width)
    assert cell_len(told) <= width
    if told != text and len(told.split()) > 1:
        assert set(told.removesuffix("…").split()) <= set(text.split())


@pytest.mark.parametrize("width", [12, 18, 28, 36, 56, 76])
def test_usage_is_never_cut_in_a_word(width: int) -> None:
    """At 30 columns it ended with ``<ke``."""
    for command in COMMANDS:
        usage = usage_for(f"{command.name} ")
        told = fitted((usage,), width)
        assert cell_len(told) <= width
        assert "\n" not in told
        whole = [word.rstrip(",;:·") for word in told.removesuffix("…").split()]
        assert whole == [word.rstrip(",;:·") for word in usage.split()][: len(whole)] or len(whole) == 1, told


@given(
    st.lists(st.tuples(st.text("ab ż日", max_size=25), st.sampled_from(["text", "dim"])), max_size=4),
    st.integers(8, 40),
)
def test_folded_lines_fit_and_keep_every_word(spans: list[tuple[str, str]], width: int) -> None:
    lines = folded([tuple(spans)], width, 6)
    assert all(cell_len(plain(line)) <= width for line in lines)
    assert "".join("".join(plain(line).split()) for line in lines) == "".join(
        "".join(text.split()) for text, _ in spans
    )


def cramped(screen: Widget) -> list[str]:
    """What is shown without a line to show it in, or beyond the screen."""
    found = []
    for widget in screen.walk_children(Widget):
        shown = widget.display and widget.region.area and all(parent.display for parent in widget.ancestors_with_self)
        if shown and widget.styles.border_top[0] and widget.size.height < 1:
            found.append(f"{widget} has a frame and no line")
        if (
            shown
            and widget.id in ("header", "panels", "bar", "entry", "dialog")
            and not screen.region.contains_region(widget.region)
        ):
            found.append(f"{widget} is beyond the screen: {widget.region}")
    return found


async def settled(shown: Running, size: tuple[int, int]) -> None:
    await shown.pilot.resize_terminal(*size)
    for _ in range(3):
        await shown.pilot.pause()


@pytest.mark.anyio
async def test_an_answer_a_question_and_a_sheet_are_usable_at_every_size_and_between_them() -> None:
    async with running(FrozenCluster(frozen.one_down()), (20, 6)) as shown:
        await shown.type("stats")
        for size in JUMPS:
            await settled(shown, size)
            assert cramped(shown.app.screen) == [], size
            assert "3 nodes" in shown.text("#activity"), f"the answer is read at {size}"
            assert shown.dashboard.query_one("#command").region.height == 1
        told = shown.seen
        assert told[-1].startswith(" 5 more: PgDn, Esc") or "Esc" in told[-1], told
        await shown.type("put a")
        await shown.until(lambda: shown.dashboard.query_one("#hint").region.height == 3)
        assert cramped(shown.app.screen) == [], "the error has its room, and the panel a line"
        await shown.pilot.press("escape", "escape")
        await shown.type("removenode A")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        for size in SIZES[:4]:
            await settled(shown, size)
            assert cramped(shown.app.screen) == [], size
            assert any("Yes (y)" in line and "No (n)" in line for line in shown.seen), size
            await shown.pilot.press("pagedown")
            await shown.until(lambda: "first." in "".join(shown.seen))
        await shown.pilot.press("n", "escape", "f1")
        await shown.until(lambda: isinstance(shown.app.screen, Help))
        for size in ((20, 10), (40, 15), (80, 24), (160, 50), (20, 6)):
            await settled(shown, size)
            frame = shown.app.screen.query_one(".sheet")
            assert frame.size.height >= min(4, size[1] - 2), size
            assert any("Esc closes" in line for line in shown.seen), size
            top = shown.seen
            await shown.pilot.press("pagedown")
            await shown.pilot.pause()
            assert shown.seen != top, f"it scrolls at {size}"
            await shown.pilot.press("home")
