"""Help: what one sees, every command, every key; from the registry and the bindings themselves."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from kvtui.commands import COMMANDS, usage_line

SEEN = (
    ("● ◐ ◌ ○", "a node is up, being filled, silent, down"),
    ("coloured arc", "the keys whose first copy is on that node"),
    ("stripes", "a range that is on its way to another node"),
    ("hollow arc", "its node is down, or behind; its inner rim: who serves it now"),
    ("inner rim", "later copies, of the node in focus or of one that is being filled"),
    ("dots inside", "keys, where they are on the ring"),
    ("◆ ◇", "the key that was looked up last: its place and first copy, clockwise its other copies"),
)


class Help(ModalScreen[None]):
    """Closed by the keys that open it, by escape or q."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter", "dismiss", "Close")]

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as scroll:
            scroll.border_title = "Help"
            scroll.border_subtitle = "Esc closes"
            yield Static(help_text(self._keys))


def help_text(keys: list[tuple[str, str]]) -> Content:
    """All of it as text; ``keys`` are pairs of key and what it does."""
    commands = [(usage_line(command), command.summary) for command in COMMANDS]
    typing = [("↑ ↓", "earlier and later lines"), ("Tab →", "complete"), ("PgUp PgDn", "scroll the activity")]
    parts: list[str | tuple[str, str]] = []
    for title, rows in (("Commands", commands), ("Keys", [*keys, *typing]), ("On the ring", list(SEEN))):
        width = max(len(name) for name, _ in rows)
        parts.append((f"{title}\n", "bold"))
        for name, words in rows:
            parts += [(f"  {name:<{width}}   ", "$primary"), f"{words}\n"]
        parts.append("\n")
    parts.append(
        "A click on a node puts it in focus on the ring, a second one shows all of it. help <command> explains a command."
    )
    return Content.assemble(*parts)
