"""A panel drawn as strips: it draws again only the rows that changed."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from kvtui.commands.wording import harmless
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Tints


class Panel(Widget):
    """What all panels share: the picture that they draw, and the theme's colours."""

    picture: reactive[Picture] = reactive(Picture(), repaint=False, init=False)
    """What to draw; handed down by the screen."""

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self.redraw())
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    def watch_picture(self) -> None:
        if self.is_mounted:
            self.show()

    def redraw(self) -> None:
        """Draw everything anew: the size or the colours are others."""
        self.show()
        self.refresh()

    def show(self) -> None:
        """Draw the picture; refresh what it changes. A panel of no kind yet has nothing to draw."""

    @property
    def tints(self) -> Tints:
        """The theme's colours on this panel's background."""
        _, background = self.background_colors
        return Tints.of_theme(self.app.current_theme, background)


class LinesPanel(Panel):
    """A panel of a few lines of text, selectable."""

    ALLOW_SELECT = True

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        """The text of a picture, in that many cells; none, unless a panel says more."""
        return ()

    def show(self) -> None:
        width, height = self.size
        if not width:
            return
        old, self._lines = self._lines, list(self.lines(self.picture, width, height))
        if len(old) != len(self._lines):
            self.refresh(layout=True)
            return
        for y in range(len(old)):
            if old[y : y + 1] != self._lines[y : y + 1]:
                self.refresh(Region(0, y, width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines."""
        return len(self.lines(self.picture, width, viewport.height))

    def render_line(self, y: int) -> Strip:
        """One row of the content."""
        line = self._lines[y] if y < len(self._lines) else ()
        return line_strip(line, self.size.width, self.tints, self.text_selection, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, and what follows it."""
        return selection.extract("\n".join(plain(line) for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


def plain(line: Line) -> str:
    """The text of a line alone."""
    return "".join(text for text, _ in line)


def line_strip(line: Line, width: int, tints: Tints, selection: Selection | None = None, y: int = 0) -> Strip:
    """A line as a strip of exactly ``width`` cells, the selected part in reverse, able to be selected from."""
    segments = []
    span = selection.get_span(y) if selection is not None else None
    at = 0
    line = tuple((text if text.isprintable() else harmless(text), words) for text, words in line)
    for text, words in line:
        style = tints.style(words)
        if span is None:
            segments.append(Segment(text, style))
        else:
            start, stop = span[0], span[1] if span[1] >= 0 else len(plain(line))
            left, right = max(0, min(len(text), start - at)), max(0, min(len(text), stop - at))
            parts = ((text[:left], style), (text[left:right], tints.style(words + " reverse")), (text[right:], style))
            segments += [Segment(part, how) for part, how in parts if part]
        at += len(text)
    strip = Strip(segments, sum(cell_len(text) for text, _ in line))
    return strip.adjust_cell_length(width, tints.style("text")).apply_offsets(0, y)
