"""Help: every sign, what has the focus, every word and command; from the tables, the bindings and the widgets themselves."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType

from kvtui.commands import COMMANDS, usage_line
from kvtui.commands.glossary import TERMS
from kvtui.commands.legend import Sign
from kvtui.screens.sheet import Sheet
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span

SEEN = tuple(
    (told.name if told.name == told.sample else f"{told.sample} {told.name}", told.meaning)
    for told in (sign.value for sign in Sign)
)
BESIDE_LEAST = 60
"""Columns of text from which on words stand beside what is half as long; beside keys and signs they stand in fewer, too."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of help: sentences, then pairs of a key (a usage, a sign) and what it means."""

    title: str
    text: str = ""
    rows: Sequence[tuple[str, str]] = ()


LEGEND = Section("On the ring", "", SEEN)
WORDS = Section(
    "Words",
    "Any word that stands on the screen can be asked for: type help and the word, such as help slot or help virtual node. It is"
    f" told in two sentences, with what it is of this cluster now: {', '.join(sorted(term.name for term in TERMS))}.",
)
COMMAND_LIST = Section(
    "Commands",
    "help <command> explains one.",
    tuple((usage_line(command), command.summary) for command in COMMANDS),
)


class Asked(Enum):
    """Where help was asked for, and so what is looked for in it."""

    RING = auto()
    """Before the ring: what its signs mean."""
    SCREEN = auto()
    """On another screen: what that is for."""
    COMMANDS = auto()
    """By the command ``help``."""


class Help(Sheet):
    """Closed by the key that opens it as well."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1", "dismiss", "Close", show=False, id="help")]

    def __init__(self, sections: Sequence[Section] = (), *, asked: Asked = Asked.COMMANDS) -> None:
        """``sections`` say what is true of the screen below."""
        super().__init__("Help", HelpText(in_order(sections, asked)))


class HelpText(LinesPanel):
    """Sections in lines as wide as there is room."""

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__(id="explained")
        self._sections = sections

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return help_lines(self._sections, width)


def in_order(sections: Sequence[Section], asked: Asked) -> list[Section]:
    """What was asked for first; ``sections`` say what is true of the screen below."""
    match asked:
        case Asked.RING:
            return [LEGEND, WORDS, *sections, COMMAND_LIST]
        case Asked.SCREEN:
            return [*sections, LEGEND, WORDS, COMMAND_LIST]
        case Asked.COMMANDS:
            return [COMMAND_LIST, WORDS, LEGEND, *sections]


def help_lines(sections: Sequence[Section], width: int) -> list[Line]:
    """All sections in lines of at most ``width`` cells."""
    lines: list[list[Span]] = [[]]
    for part in help_parts(sections, max(10, width)):
        text, words = (part, "text") if isinstance(part, str) else part
        lines[-1].append((text.rstrip("\n"), words))
        if text.endswith("\n"):
            lines.append([])
    return [tuple(line) for line in lines[:-1]]


def help_parts(sections: Sequence[Section], width: int) -> Iterator[str | tuple[str, str]]:
    """All sections as pieces of text with their styles, in lines of at most ``width`` cells."""
    for place, section in enumerate(sections):
        if place:
            yield "\n"
        yield f"{section.title}\n", "bold"
        if section.text:
            yield from (f"  {line}\n" for line in textwrap.wrap(section.text, width - 2))
        names = max((cell_len(name) for name, _ in section.rows), default=0)
        beside = names <= width // (2 if width >= BESIDE_LEAST else 4)
        for name, words in section.rows:
            yield from _row(name, words, names if beside else 0, width)


def _row(name: str, words: str, names: int, width: int) -> Iterator[str | tuple[str, str]]:
    """A pair in two columns, the first of ``names`` cells; 0: the words below the name."""
    indent = names + 5 if names else 4
    lines = textwrap.wrap(words, max(8, width - indent)) or [""]
    if names:
        yield f"  {name}{' ' * (names - cell_len(name))}   ", "accent"
        yield f"{lines[0]}\n"
        lines = lines[1:]
    else:
        for part in textwrap.wrap(name, width - 2, subsequent_indent="  "):
            yield f"  {part}\n", "accent"
    yield from (f"{' ' * indent}{line}\n" for line in lines)
