"""The last line: keys and what they do here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.screen import Screen

from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span

FIRST = ("help", "next_panel", "palette", "back", "leave", "dismiss")
"""Actions whose keys are shown before all others where there is little room: they lead to the rest, or back."""
LAST = "palette"
"""Stands at the right end."""
GAP = 2


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is written, what it does in a word or two, and what is pressed for it."""

    action: str
    written: str
    words: str
    pressed: str

    @property
    def width(self) -> int:
        """Cells that it takes."""
        return cell_len(self.written) + 1 + cell_len(self.words)


class Footer(LinesPanel):
    """The keys that fit, whole; a click presses one."""

    def __init__(self, *, palette: bool = True, id: str | None = None) -> None:
        """``palette``: whether its key has a place, though its binding isn't shown."""
        super().__init__(id=id)
        self._palette = palette

    @property
    def keys(self) -> list[Key]:
        """Those that have room now."""
        return fitting(shown_keys(self.screen, palette=self._palette), self.size.width)

    def on_mount(self) -> None:
        """Follow the keys that can be pressed."""
        super().on_mount()
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.show())

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return [footer_line(self.keys, width)]

    async def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        for start, key in places(self.keys, self.size.width):
            if start <= event.x < start + key.width:
                self.app.simulate_key(key.pressed)


def shown_keys(screen: Screen[object], *, palette: bool = True) -> list[Key]:
    """The keys that a screen wants to be seen, in its order; each action once."""
    found: dict[str, Key] = {}
    for pressed, bound in screen.active_bindings.items():
        binding = bound.binding
        name = binding.id or binding.action
        if (binding.show or (palette and name == LAST)) and bound.enabled:
            found.setdefault(name, Key(name, screen.app.get_key_display(binding), binding.description, pressed))
    return list(found.values())


def fitting(keys: Sequence[Key], width: int) -> list[Key]:
    """Those that fit in ``width`` cells, in their order: first the ones that lead to the rest, then the others as they come."""
    room = width - 2 + GAP
    chosen = set()
    for key in sorted(keys, key=lambda key: key.action not in FIRST):
        if key.width + GAP <= room:
            chosen.add(key)
            room -= key.width + GAP
    return [key for key in keys if key in chosen]


def places(keys: Sequence[Key], width: int) -> list[tuple[int, Key]]:
    """Where each key begins: from the left, the palette's at the right end."""
    at, found = 1, []
    for key in keys:
        if key.action == LAST:
            found.append((width - 1 - key.width, key))
        else:
            found.append((at, key))
            at += key.width + GAP
    return sorted(found, key=lambda place: place[0])


def footer_line(keys: Sequence[Key], width: int) -> Line:
    """The line as it is drawn."""
    spans: list[Span] = []
    at = 0
    for start, key in places(keys, width):
        spans += [(" " * (start - at), "text"), (key.written, "accent bold"), (f" {key.words}", "text")]
        at = start + key.width
    return tuple(spans)
