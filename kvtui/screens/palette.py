"""The commands of the registry in the command palette."""

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from kvtui.commands import COMMANDS, Command, usage_line
from kvtui.screens.dashboard import Dashboard


class RegistryCommands(Provider):
    """Choosing one puts it into the command bar, for a person to go on or to enter."""

    async def discover(self) -> Hits:
        """Every command, before anything is typed."""
        for command in COMMANDS:
            yield DiscoveryHit(usage_line(command), partial(self._fill, command), help=command.summary)

    async def search(self, query: str) -> Hits:
        """Those that match in name, usage or summary."""
        matcher = self.matcher(query)
        for command in COMMANDS:
            text = f"{usage_line(command)}  {command.summary}"
            score = matcher.match(text)
            if score > 0:
                yield Hit(score, matcher.highlight(text), partial(self._fill, command), text=text)

    def _fill(self, command: Command) -> None:
        screen = self.screen
        if isinstance(screen, Dashboard):
            screen.bar.fill(command.name + (" " if command.arguments else ""))
