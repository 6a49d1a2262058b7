"""What a person edits is drawn by Textual, letter for letter: no character of it may drive the terminal."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Input, TextArea


def scrubbed(strip: Strip) -> Strip:
    """The same cells, without what can't be seen; a dot where that has one."""
    if all(segment.text.isprintable() for segment in strip):
        return strip
    return Strip([Segment(_seen(segment.text), segment.style) for segment in strip], strip.cell_length)


def _seen(text: str) -> str:
    return "".join(char if char.isprintable() else "·" * cell_len(char) for char in text)


class SeenInput(Input):
    """A line to type in."""

    def render_line(self, y: int) -> Strip:
        """One row."""
        return scrubbed(super().render_line(y))


class SeenTextArea(TextArea):
    """Lines to type in."""

    def render_line(self, y: int) -> Strip:
        """One row."""
        return scrubbed(super().render_line(y))
