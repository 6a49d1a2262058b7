"""A size that is over is no size: a window that was resized as it opened was drawn for ever, once for each of the two."""

import pkgutil
from importlib import import_module

import pytest
from textual.command import CommandPalette
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

import kvtui.screens
from kvtui.app import KvtuiApp
from kvtui.screens.command_palette import Palette
from kvtui.screens.steady import Steady
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster

pytestmark = pytest.mark.anyio


async def test_a_screen_hears_of_the_size_that_the_terminal_has_alone() -> None:
    app = KvtuiApp(FrozenCluster(frozen.healthy()), state=None)
    async with app.run_test(size=(80, 24)):
        now, before = Size(80, 24), Size(80, 25)
        assert app.screen.check_message_enabled(Resize(now, now))
        assert not app.screen.check_message_enabled(Resize(before, before))


async def test_keys_pressed_twice_or_too_soon_in_the_palette_end_nothing() -> None:
    """A second Enter, or PageUp before the list was drawn, ended the dashboard."""
    app = KvtuiApp(FrozenCluster(frozen.healthy()), state=None)
    async with app.run_test(size=(80, 24)) as pilot:
        app.action_command_palette()
        for way in ("pageup", "pagedown"):
            await pilot.press(way)
        assert isinstance(app.screen, CommandPalette)
        app.screen.query_one(OptionList).clear_options()
        app.screen.query_one(OptionList).add_option(Option("not drawn yet"))
        await pilot.press("pageup", "pagedown")
        app.screen.dismiss()
        below = app.screen
        await pilot.pause()
        assert app.screen_stack == [below]
        palette = Palette()
        await app.push_screen(palette)
        palette.dismiss()
        palette.dismiss()
        assert app.screen_stack == [below]


def test_every_screen_is_such() -> None:
    for module in pkgutil.walk_packages(kvtui.screens.__path__, "kvtui.screens."):
        found = vars(import_module(module.name)).values()
        classes = [value for value in found if isinstance(value, type) and issubclass(value, Screen)]
        unsteady = [
            value for value in classes if value.__module__.startswith("kvtui") and not issubclass(value, Steady)
        ]
        assert unsteady == []
