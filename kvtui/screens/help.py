"""Help: what has the focus, every command, every sign; from the registry, the bindings and the widgets themselves."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from kvtui.commands import COMMANDS, usage_line
from kvtui.commands.legend import Sign

SEEN = tuple((sign.value.name, sign.value.meaning) for sign in Sign)
MARGINS = 7
"""Columns of the frame and the scrollbar."""
WIDTH_MOST = 92
BESIDE_LEAST = 60
"""Columns of text from which on words stand beside what they explain, not below it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of help: sentences, then pairs of a key (a usage, a sign) and what it means."""

    title: str
    text: str = ""
    rows: Sequence[tuple[str, str]] = ()


COMMON = (
    Section(
        "Commands",
        "help <command> explains one.",
        tuple((usage_line(command), command.summary) for command in COMMANDS),
    ),
    Section("On the ring", "", SEEN),
)


class Help(ModalScreen[None]):
    """Closed by the key that opens it, by escape, enter or q."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close"),
        Binding("f1", "dismiss", "Close", id="help"),
        Binding("f12", "app.save_picture", "Save as SVG", show=False, id="save_picture"),
    ]

    def __init__(self, sections: Sequence[Section]) -> None:
        """``sections`` say what is true of the screen below; what is true everywhere follows."""
        super().__init__()
        self._sections = [*sections, *COMMON]
        self._text = Static(id="explained")

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as scroll:
            scroll.border_title = "Help"
            scroll.border_subtitle = "Esc closes"
            yield self._text

    def on_resize(self) -> None:
        """Lines are as wide as there is room."""
        width = min(WIDTH_MOST, int(self.app.size.width * 0.98)) - MARGINS
        self._text.update(Content.assemble(*help_parts(self._sections, max(10, width))))


def help_parts(sections: Sequence[Section], width: int) -> Iterator[str | tuple[str, str]]:
    """All sections as pieces of text with their styles, in lines of at most ``width`` cells."""
    for place, section in enumerate(sections):
        if place:
            yield "\n"
        yield f"{section.title}\n", "bold"
        if section.text:
            yield from (f"  {line}\n" for line in textwrap.wrap(section.text, width - 2))
        names = max((cell_len(name) for name, _ in section.rows), default=0)
        beside = width >= BESIDE_LEAST and names <= width // 2
        for name, words in section.rows:
            yield from _row(name, words, names if beside else 0, width)


def _row(name: str, words: str, names: int, width: int) -> Iterator[str | tuple[str, str]]:
    """A pair in two columns, the first of ``names`` cells; 0: the words below the name."""
    indent = names + 5 if names else 4
    lines = textwrap.wrap(words, max(8, width - indent)) or [""]
    if names:
        yield f"  {name}{' ' * (names - cell_len(name))}   ", "$primary"
        yield f"{lines[0]}\n"
        lines = lines[1:]
    else:
        for part in textwrap.wrap(name, width - 2, subsequent_indent="  "):
            yield f"  {part}\n", "$primary"
    yield from (f"{' ' * indent}{line}\n" for line in lines)
