"""A bench, as it goes on: throughput, latencies, nodes, and at the end the comparison with an earlier one."""

import os
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.screen import Screen

from kvtui.bench.view import BenchView, Phase
from kvtui.screens.steady import Steady
from kvtui.widgets.bench import (
    BenchHeadline,
    BenchLatency,
    BenchNodes,
    BenchPanel,
    BenchPlot,
    BenchTerms,
    BenchThroughput,
)
from kvtui.widgets.footer import Footer
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.glyphs import Glyphs, glyphs_for


class BenchScreen(Steady, Screen[None]):
    """Shows a bench. Closing it does not end the bench; ``x`` does."""

    CSS_PATH = "bench.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (104, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high"), (30, "-tall")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back", id="back"),
        Binding("f5", "dismiss", show=False),
        Binding("x", "stop", "Stop"),
        Binding("f1", "app.help", "Help", id="help"),
        Binding("f12", "app.save_picture", "Save as SVG", id="save_picture"),
    ]
    HELP = """\
# Bench
Clients read and write records of their own as a workload of YCSB says. Latencies are corrected for coordinated omission: what a
client could not ask while it waited counts too; the row "as timed" is without that. Closing this does not end the bench; x does,
and what was measured until then counts."""

    def __init__(self, view: BenchView, picture: Picture, stop: Callable[[], None]) -> None:
        super().__init__()
        self._stop = stop
        # While the app runs, sys.stdout is no terminal's.
        letters = glyphs_for(os.environ, getattr(sys.__stdout__, "encoding", "") or "utf-8") is Glyphs.ASCII
        self._headline = BenchHeadline(id="bench-headline")
        self._panels: tuple[BenchPanel, ...] = (
            self._headline,
            BenchThroughput(letters=letters, id="bench-throughput"),
            BenchLatency(id="bench-latency"),
            BenchPlot(id="bench-plot"),
            BenchNodes(id="bench-nodes"),
            BenchTerms(id="bench-terms"),
        )
        for panel in self._panels:
            panel.set_reactive(BenchPanel.picture, picture)
            panel.set_reactive(BenchPanel.view, view)
        self._view = view

    def compose(self) -> ComposeResult:
        yield self._headline
        with VerticalScroll(id="bench-scroll"), Container(id="bench-panels"):
            yield from self._panels[1:]
        yield Footer(palette=False, id="footer")

    def show(self, view: BenchView, stop: Callable[[], None]) -> None:
        """Draw a newer view, of this bench or of the next."""
        ended = view.phase is not self._view.phase
        self._view, self._stop = view, stop
        for panel in self._panels:
            panel.view = view
        if ended:
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is something to stop until clients have ended."""
        return action != "stop" or self._view.phase in (Phase.LOADING, Phase.RUNNING)

    def action_stop(self) -> None:
        """Let clients begin nothing more."""
        self._stop()


class BenchScreens:
    """Opens a screen for each bench, keeps it current while it is open, and can open it again."""

    def __init__(self, app: App[Any], picture: Callable[[], Picture]) -> None:
        """``picture`` gives the newest cluster, for the nodes' colours."""
        self._app = app
        self._picture = picture
        self._screen: BenchScreen | None = None
        self._newest: tuple[BenchView, Callable[[], None]] | None = None

    def show(self, view: BenchView, stop: Callable[[], None]) -> None:
        """As ``Context.measured``: the first view of a run opens its screen."""
        begins = self._newest is None or (self._newest[0].phase is Phase.DONE and view.phase is not Phase.DONE)
        self._newest = view, stop
        if not self._app.is_running:
            return  # a bench that ends with the app still deletes its records
        if self._screen is not None and self._screen.is_attached:
            self._screen.show(view, stop)
        elif begins:
            self.open()

    def open(self) -> bool:
        """Show the bench under way, or the last one; False where there was none."""
        if self._newest is None:
            return False
        self._screen = BenchScreen(self._newest[0], self._picture(), self._newest[1])
        self._app.push_screen(self._screen)
        return True
