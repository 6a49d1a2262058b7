"""Commands that a person entered in the dashboard: asked about where they destroy, run, answered in its panels."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import anyio
from textual.app import App
from textual.screen import Screen

from kvtui import screens
from kvtui.commands import Context, Invocation, Level, Line, Voice, refusal, run
from kvtui.commands.wording import harmless, to_bytes
from kvtui.core.cluster import Cluster, ClusterError
from kvtui.screens.dashboard import Dashboard
from kvtui.screens.defects import noted
from kvtui.widgets.activity import Asked

if TYPE_CHECKING:
    from kvtui.bench.view import BenchView
    from kvtui.screens.bench import BenchScreens

COMMANDS_AT_ONCE: Final = 16
"""More commands are refused until one of those under way ends."""
ENDING_SECONDS: Final = 10.0
STOPPED_BY_ESCAPE: Final = ("load", "save", "fill", "clear")
"""Commands that may take long, and say how far they came; a check and a bench have screens of their own."""
SHOWN_ON_THE_RING: Final = ("put", "get", "del")
"""Commands whose key is marked on the ring; ``where`` says itself where its key is."""


class Errands:
    """Runs them, each in a worker of the app, so that typing goes on."""

    def __init__(
        self,
        app: App[Any],
        cluster: Cluster,
        dashboard: Dashboard,
        say: Callable[[Line, Asked | None], None],
        browse: Callable[[str], None],
        *,
        readonly: bool,
    ) -> None:
        """``say`` takes answers, with the command that they answer; ``browse`` opens the key browser. With ``readonly`` what
        changes something is refused."""
        self._app = app
        self._cluster = cluster
        self._dashboard = dashboard
        self._say = say
        self._browse = browse
        self._readonly = readonly
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._benches: BenchScreens | None = None

    def enter(self, text: str, invocation: Invocation) -> None:
        """Begin with a command; where too many are under way, the bar gets it back."""
        if self._under_way >= COMMANDS_AT_ONCE:
            problem = f"{self._under_way} commands are under way; wait until one ends"
            if not self._dashboard.bar.give_back(text, problem):
                self._say(Line(f"{invocation.command.name}: {problem}", Level.BAD), None)
            return
        self._under_way += 1
        self._idle.clear()
        self._app.run_worker(self._run(text, invocation), group="commands", exit_on_error=False)

    async def _run(self, text: str, invocation: Invocation) -> None:
        try:
            if self._readonly and invocation.changes:
                self._say(Line(refusal(invocation.command), Level.BAD), None)
                return
            told = text if harmless(text) == text else invocation.line  # what was pasted may hide something
            if invocation.question:
                if not await self._app.push_screen_wait(screens.Confirm(told, invocation.question)):
                    self._say(Line(f"{invocation.command.name}: not done"), None)
                    self._dashboard.bar.give_back(text, "not done", error=False)
                    return
                invocation = invocation.confirmed()
            asked = self._dashboard.activity.add_command(told)
            with anyio.CancelScope() as scope:
                if await run(invocation, self._context(invocation, scope, asked)):
                    await self._show_key(invocation)
        except ClusterError:
            pass  # the command itself said what there is to say; only the mark on the ring is missing
        except Exception as error:
            self._say(Line(f"{invocation.command.name}: {noted(error)}", Level.BAD), None)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def ended(self) -> None:
        """The app is gone, and its commands are cancelled: wait until they have undone what is theirs to undo, such as records that
        a bench loaded, or ``ENDING_SECONDS``."""
        with anyio.move_on_after(ENDING_SECONDS):
            await self._idle.wait()

    def _context(self, invocation: Invocation, scope: anyio.CancelScope, asked: Asked) -> Context:
        dashboard = self._dashboard
        stop = scope.cancel if invocation.command.name in STOPPED_BY_ESCAPE else None
        return Context(
            self._cluster,
            lambda line: self._say(line, asked),
            located=dashboard.inspect_key,
            progress=lambda text, done, total: dashboard.progress(text, done, total, stop=stop),
            checked=screens.CheckScreens(self._app).show,
            measured=self._show_bench,
            leave=self._app.exit,
            columns=dashboard.activity.answer_cells,
            explained=lambda told: self._cover(screens.ExplainScreen(told, dashboard.picture)),
            planned=lambda made: self._cover(screens.PlanScreen(made, dashboard.picture)),
            readonly=self._readonly,
            browse=self._browse,
            inspected=dashboard.inspect_node,
            filtered=dashboard.filter_activity,
            overview=lambda: self._cover(screens.Help()),
            voice=Voice.PLAIN,
        )

    def _show_bench(self, view: "BenchView", stop: Callable[[], None]) -> None:
        if self._benches is None:
            self._benches = screens.BenchScreens(self._app, lambda: self._dashboard.picture)
        self._benches.show(view, stop)

    def open_bench(self) -> bool:
        """Show the bench under way, or the last one; False where there was none."""
        return self._benches is not None and self._benches.open()

    async def _show_key(self, invocation: Invocation) -> None:
        """Mark the key that a command named on the ring: there it went, or came from."""
        if invocation.command.name in SHOWN_ON_THE_RING:
            self._dashboard.show_location(await self._cluster.locate(to_bytes(invocation.values["key"])))

    def _cover(self, screen: Screen[None]) -> None:
        self._app.push_screen(screen)
