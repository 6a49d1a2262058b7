"""The dashboard's application: composes, binds keys and follows the cluster; owns no cluster logic."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from rich.console import RenderableType
from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen

from kvtui import screens
from kvtui.commands import History, Level, Line
from kvtui.commands.wording import harmless
from kvtui.config import Look
from kvtui.core.cluster import Cluster
from kvtui.core.events import Event
from kvtui.core.seams.standard_streams import say_aside
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.driver import TerminalDriver
from kvtui.last_resort import LastResort
from kvtui.leaving import until_left
from kvtui.log import FILE
from kvtui.notation import use_ascii_alone
from kvtui.screens.defects import ended_by, noted
from kvtui.screens.errands import Errands
from kvtui.screens.key_watch import KeyWatch
from kvtui.screens.pictures import save_picture
from kvtui.widgets.activity import Asked
from kvtui.widgets.command_bar import CommandBar
from kvtui.widgets.keys import written
from kvtui.widgets.ring import Motion
from kvtui.widgets.ring.glyphs import Glyphs, glyphs_for
from kvtui.widgets.signs import PlainSigns
from kvtui.widgets.themes import with_frame
from kvtui.widgets.theming import Theming

UPDATE_SECONDS = 0.1
"""Pictures are this far apart, at least."""
TOLD_SECONDS = 4
"""So long a word stands over a screen that hides the activity."""
HISTORY_FILE = "history"
FAILED = 1
"""The exit status of a dashboard that a defect ended."""


def _registry_commands() -> type[Provider]:
    from kvtui.screens.palette import RegistryCommands

    return RegistryCommands


def _key_actions() -> type[Provider]:
    from kvtui.screens.palette import KeyActions

    return KeyActions


def _words() -> type[Provider]:
    from kvtui.screens.palette import Words

    return Words


class SnapshotChanged(Message):
    """The cluster looks different."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self.snapshot = snapshot
        super().__init__()


class Happened(Message):
    """The cluster had something to say."""

    def __init__(self, event: Event) -> None:
        self.event = event
        super().__init__()


class KvtuiApp(App[None]):
    """Shows one cluster. ``state`` is the directory that remembers typed lines; None remembers none. ``motion`` None is what the
    environment says. With ``readonly`` every command that changes something is refused."""

    TITLE = "kvtui"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (104, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-low"), (20, "-high"), (30, "-tall")]  # noqa: RUF012 - as Textual declares it
    """Of what lies over a screen: questions, the palette, the editor."""
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        _key_actions,
        _registry_commands,
        _words,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", "Palette", show=False, priority=True, id="palette")
    ]

    def __init__(
        self,
        cluster: Cluster,
        *,
        state: Path | None,
        pictures: Path | None = None,
        motion: Motion | None = None,
        look: Look | None = None,
        readonly: bool = False,
        driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class)
        look = look or Look()
        self.animation_level = "none"  # of Textual's own widgets; the ring moves as ``motion`` says
        self._cluster = cluster
        self._pictures = pictures
        self._readonly = readonly
        history = History(state / HISTORY_FILE if state is not None else None)
        self._dashboard = screens.Dashboard(history, motion, readonly=readonly)
        letters = glyphs_for(os.environ, sys.stdout.encoding or "utf-8") is Glyphs.ASCII
        use_ascii_alone(letters)  # or letters would stand for the signs in a key, too
        self._signs: tuple[LineFilter, ...] = (PlainSigns(),) if letters else ()
        self._errands = Errands(self, cluster, self._dashboard, self._say, self.action_browse, readonly=readonly)
        self._key_watch = KeyWatch(cluster, self._dashboard)
        self._theming = Theming(self, look)
        self._problem = look.problem
        self.set_keymap(dict(look.keys))
        self.defect = ""
        """What to tell of the defect that ended the app."""
        self.dying = asyncio.Event()
        """Set by a defect; from then on the app is ending."""

    def get_default_screen(self) -> Screen[None]:
        return self._dashboard

    def on_mount(self) -> None:
        """Show the cluster as it is, and follow it from here on."""
        self._dashboard.show_snapshot(self._cluster.snapshot())
        for problem in filter(None, (self._problem, *self._theming.problems)):
            self._dashboard.activity.add_note(problem, Level.WARNING)
        self.theme_changed_signal.subscribe(self, self._theming.changed)
        self.run_worker(self._follow_snapshots(), name="snapshots", exit_on_error=False)
        self.run_worker(self._follow_events(), name="events", exit_on_error=False)
        self.run_worker(self._follow_key(), name="key", exit_on_error=False)
        self.watch(self._dashboard, "picture", self._key_watch.look, init=False)
        if not self.is_headless:
            # What is there now stays. Left to itself, a search for garbage goes through all of it, and holds up keys for 40 ms.
            self.call_after_refresh(gc.freeze)

    async def _follow_snapshots(self) -> None:
        seen = self._cluster.snapshot()
        self.post_message(SnapshotChanged(seen))
        try:
            while True:
                seen = await self._cluster.changed(seen)
                self.post_message(SnapshotChanged(seen))
                await asyncio.sleep(UPDATE_SECONDS)
        except Exception as error:
            self._say(Line(f"the picture is no longer renewed: {noted(error)}; leave and start again", Level.BAD))

    async def _follow_events(self) -> None:
        try:
            async for event in self._cluster.events():
                self.post_message(Happened(event))
        except Exception as error:
            self._say(Line(f"events are no longer shown: {noted(error)}; leave and start again", Level.BAD))

    async def _follow_key(self) -> None:
        try:
            await self._key_watch.run()
        except Exception as error:
            self._say(Line(f"the key's replicas are no longer asked: {noted(error)}; leave and start again", Level.BAD))

    @on(SnapshotChanged)
    def _snapshot_changed(self, message: SnapshotChanged) -> None:
        self._dashboard.show_snapshot(message.snapshot)

    @on(Happened)
    def _happened(self, message: Happened) -> None:
        self._dashboard.activity.add_event(message.event)

    @on(CommandBar.Entered)
    def _entered(self, message: CommandBar.Entered) -> None:
        self._errands.enter(message.text, message.invocation)

    def _say(self, line: Line, asked: Asked | None = None) -> None:
        """A line of an answer, or one that nobody asked for. Empty lines of the original's wording have no place in a list."""
        if not line.text:
            return
        if asked is None:
            self._dashboard.activity.add_note(line.text, line.level)
        else:
            self._dashboard.activity.add_answer(line.text, line.level, asked)
        self._dashboard.answer_seen()

    async def commands_ended(self) -> None:
        """Wait, once the app is gone, until its commands are over too."""
        await self._errands.ended()

    def action_command_palette(self) -> None:
        """Show the palette."""
        from kvtui.screens.command_palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_help(self) -> None:
        """Explain what has the focus, then commands and signs."""
        from kvtui.screens.focus_help import help_for
        from kvtui.screens.help import Asked

        asked = Asked.RING if self.screen is self._dashboard else Asked.SCREEN
        self.push_screen(screens.Help(help_for(self.screen), asked=asked))

    def action_browse(self, prefix: str = "") -> None:
        """Show keys that begin so, on a screen of their own."""
        browser = screens.KeyBrowser(self._cluster, lambda: self._dashboard.picture, prefix, readonly=self._readonly)
        self.push_screen(browser)

    def action_bench(self) -> None:
        """Show the bench under way, or the last one; where there was none, begin to type one."""
        if not self._errands.open_bench():
            self._dashboard.bar.fill("bench ")
            self._dashboard.bar.take_keyboard()

    def action_save_picture(self) -> None:
        """Save the screen as SVG and say where."""
        try:
            path = save_picture(self.export_screenshot(), self._pictures or Path.cwd())
        except OSError as error:
            told = Line(f"the picture was not saved: {error.strerror or error}", Level.BAD)
        else:
            told = Line(f"screen saved as {path}", Level.GOOD)
        self._say(told)
        if self.screen is not self._dashboard:  # the activity is below, and not to be seen
            severity: Literal["error", "information"] = "error" if told.level is Level.BAD else "information"
            self.clear_notifications()
            self.notify(harmless(told.text), severity=severity, timeout=TOLD_SECONDS, markup=False)

    def get_css_variables(self) -> dict[str, str]:
        """What style sheets may name, beside Textual's own."""
        return with_frame(super().get_css_variables())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line of every screen goes through last: in a terminal that has letters alone, signs become letters."""
        return (*super().get_line_filters(), *self._signs)

    def get_key_display(self, binding: Binding) -> str:
        """How a key is written, in the footer and in help."""
        return binding.key_display or written(binding.key)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers beside the registry's commands: what keys do on ``screen``, and what has none."""
        from kvtui.screens.palette import key_commands, panel_commands

        yield from key_commands(screen)
        if screen is self._dashboard:
            yield from panel_commands(self._dashboard)
        yield SystemCommand("Theme", "Change colours, to light ones for instance", self.action_change_theme)
        yield SystemCommand("Legend", "What the signs and colours mean: help", self.action_help)

    def _fatal_error(self) -> None:
        """Ends the app after a defect. Textual's own report prints local variables, keys and values among them; this
        one is a line."""
        if not self.defect:
            self.defect = ended_by(self._exception or RuntimeError())
        self._close_messages_no_wait()
        self.dying.set()

    def panic(self, *renderables: RenderableType) -> None:
        """The same, where an exception would show itself, and what it is about: a text that was typed or stored, perhaps."""
        self._fatal_error()


async def run_dashboard(
    cluster: Cluster,
    *,
    state: Path | None,
    look: Look | None = None,
    readonly: bool = False,
    last_resort: LastResort | None = None,
) -> int:
    """Show the cluster until a person leaves; the exit status. The cluster is neither opened nor closed."""
    app = KvtuiApp(cluster, state=state, look=look, readonly=readonly, driver_class=TerminalDriver)
    await until_left(app, app.dying, last_resort)
    if app.defect:
        told = f"; what the log says of it: {state / FILE}" if state is not None else ""
        say_aside(f"kvtui: {app.defect}{told}")
        return app.return_code or FAILED
    await app.commands_ended()
    return app.return_code or 0
