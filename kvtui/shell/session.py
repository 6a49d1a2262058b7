"""One person's, or one script's, commands on a cluster."""

from __future__ import annotations

import anyio

from kvtui.commands import CommandError, Context, Level, Line, Names, RecentKeys, parse, run
from kvtui.core.cluster import Cluster
from kvtui.shell.printer import Printer


class Session:
    """Runs lines, one after the other."""

    def __init__(self, cluster: Cluster, printer: Printer, *, readonly: bool = False) -> None:
        self._cluster = cluster
        self._printer = printer
        self._recent = RecentKeys()
        self._running: anyio.CancelScope | None = None
        self._context = Context(
            cluster, printer.say, progress=printer.progress, leave=self._leave, raw=printer.raw, readonly=readonly
        )
        self.left = False
        """``exit`` was said."""

    async def execute(self, text: str) -> bool:
        """Run one line; True when it succeeded, or was blank."""
        try:
            invocation = parse(text)
        except CommandError as error:
            self._printer.say(Line(error.said(self._cluster.snapshot()), Level.BAD))
            return False
        if invocation is None:
            return True
        self._recent.note(invocation)
        ok = False
        with anyio.CancelScope() as scope:
            self._running = scope
            try:
                ok = await run(invocation, self._context)
            finally:
                self._running = None
        if scope.cancelled_caught:
            self._printer.say(Line("Interrupted: what it had begun may have happened", Level.BAD))
        return ok

    def interrupt(self) -> bool:
        """Cancel the command that runs; False when none does."""
        if self._running is None:
            return False
        self._running.cancel()
        return True

    def names(self) -> Names:
        """What completion can offer now. Called from the thread that reads."""
        return Names([view.id for view in self._cluster.snapshot().nodes], self._recent.keys)

    def _leave(self) -> None:
        self.left = True
