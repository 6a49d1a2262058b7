"""The command palette: what keys do, the commands of the registry, and what words mean, found by any of their words."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher
from textual.screen import Screen

from kvtui.commands import COMMANDS, Command, usage_line
from kvtui.commands.glossary import TERMS
from kvtui.commands.readonly import refusal
from kvtui.screens.dashboard import Dashboard
from kvtui.widgets.titles import highlighted

WORDS: Mapping[str, tuple[str, str]] = {
    "help": ("Help", "What has the focus, the legend of the ring's signs, every command"),
    "ring_view": ("Ring view", "Every range, one node in focus, or the nodes' shares"),
    "keys": ("Keys", "Search, view, edit and delete keys"),
    "node_bars": ("Node bars", "Of keys, bytes, operations, latency"),
    "bench": ("Bench", "The measurement under way, or the last one; where there was none, begin one"),
    "next_panel": (
        "Panel",
        "The keyboard to the next panel: nodes, inspector, activity; a small screen shows the next one",
    ),
    "save_picture": ("Save as SVG", "Save the screen as a picture, in the directory that kvtui was started in"),
    "quit": ("Quit", "Leave kvtui: exit"),
    "scroll_up": ("Scroll the activity back", "A page of what happened before"),
    "scroll_down": ("Scroll the activity on", "A page of what happened after"),
    "complete": ("Complete", "What is typed: commands, nodes, recent keys, files; a menu where there are several"),
    "search_history": ("Search earlier lines", "The lines that were typed before"),
}
"""What the palette says of a rebindable action; of others it says what their key says of itself."""
NOT_OFFERED = frozenset({"palette"})
"""It is open."""


def key_commands(screen: Screen[Any]) -> Iterable[SystemCommand]:
    """What the keys do that a screen tells of, each with its key."""
    seen = set()
    for bound in screen.active_bindings.values():
        binding = bound.binding
        name = binding.id or binding.action
        told = name in WORDS or (binding.show and binding.description)
        if not told or not bound.enabled or name in seen or name in NOT_OFFERED:
            continue
        seen.add(name)
        title, words = WORDS.get(name, (binding.description, binding.tooltip))
        act = partial(screen.app.run_action, binding.action, bound.node)
        yield SystemCommand(f"{title} · {screen.app.get_key_display(binding)}", words, act)


def panel_commands(dashboard: Dashboard) -> Iterable[SystemCommand]:
    """What the keys of the dashboard's panels do once one of them has the keyboard."""
    activity = dashboard.activity
    yield SystemCommand(
        "Sort nodes · s in the nodes", "By id, what the bars show, share, state", dashboard.action_node_order
    )
    yield SystemCommand("Filter · / in the activity", "Show only some of what happened", activity.action_filter)
    yield SystemCommand(
        "Level · l in the activity", "Warnings alone, then what is bad, then all", activity.action_level
    )
    yield SystemCommand("Copy · c in the activity", "What is shown of it, to the clipboard", activity.action_copy)


class _Offers(Provider):
    """Finds offers by any word of their title and help; the better the more of it is in the title."""

    LISTED: ClassVar[bool] = True
    """Whether they are seen before anything is typed; else they are too many for that."""

    WEIGHT: ClassVar[float] = 1.0
    """How much they count beside others that answer as well."""

    def offers(self) -> Iterable[SystemCommand]:
        """All of them."""
        return ()

    async def discover(self) -> Hits:
        """Every one, before anything is typed."""
        for title, words, act, _ in self.offers() if self.LISTED else ():
            yield DiscoveryHit(Content(title), act, text=title, help=words)

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for title, words, act, _ in self.offers():
            score = rank(matcher, query, title, words or "")
            if score > 0:
                yield Hit(score, highlighted(matcher, title), act, text=title, help=words)


def rank(matcher: Matcher, query: str, title: str, words: str) -> float:
    """How well an offer answers what was typed: 2 and more for one whose title has a word that begins so or is its key, 1 and more
    for one whose help has, else how well the letters fit its title or, for half as much, its help."""
    asked = query.casefold().strip().replace("ctrl+", "^")
    begins = asked and any(word.startswith(asked) for word in title.casefold().split())
    told = asked and asked in words.casefold()
    fits = matcher.match(title)
    return (2.0 if begins else 1.0 if told else 0.0) + max(fits, matcher.match(words) / 2 if told else 0.0)


class KeyActions(_Offers):
    """What keys do, and what has no key."""

    def offers(self) -> Iterable[SystemCommand]:
        return self.app.get_system_commands(self.screen)


class RegistryCommands(_Offers):
    """Choosing one puts it into the command bar, for a person to go on or to enter."""

    def offers(self) -> Iterable[SystemCommand]:
        screen = self.screen
        if not isinstance(screen, Dashboard):
            return  # there is no command bar to put it into
        for command in COMMANDS:
            refused = screen.readonly and command.changes is True
            words = refusal(command) if refused else command.summary
            yield SystemCommand(usage_line(command), words, partial(self._fill, screen, command))

    def _fill(self, dashboard: Dashboard, command: Command) -> None:
        dashboard.bar.fill(command.name + (" " if command.arguments else ""))
        dashboard.bar.take_keyboard()


class Words(_Offers):
    """What a word on the screen means; not listed before something is typed."""

    LISTED = False
    WEIGHT = 0.5

    def offers(self) -> Iterable[SystemCommand]:
        screen = self.screen
        if isinstance(screen, Dashboard):
            for term in TERMS:
                ask = f"help {term.name}"
                told = f"{term.brief} ({', '.join(term.aliases)})" if term.aliases else term.brief
                yield SystemCommand(ask, told, partial(screen.bar.enter, ask))
