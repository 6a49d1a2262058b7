"""A sheet over the dashboard: something to read that Escape closes."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget

from kvtui.screens.dashboard import Dashboard
from kvtui.screens.steady import Steady
from kvtui.widgets.activity import BORDER
from kvtui.widgets.footer import Footer
from kvtui.widgets.titles import titled

BESIDE_HEIGHT = 20
"""Rows from which on the dashboard shows ring and side column at once."""
FLAT = 8
"""Fewer rows than these have no room for a line of keys."""
THIN = 30
"""Fewer columns than these have no room for a margin."""
CLOSES = "Esc closes"


class Sheet(Steady, ModalScreen[None]):
    """Shows one widget in a frame that scrolls where it is too high. Over the dashboard it stands beside the ring, in the place of
    the side column, where there is room; the ring stays in sight there and goes on. Elsewhere it lies over all."""

    BESIDE_WIDTH: ClassVar[int] = 96
    """Columns from which on it stands beside the ring."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (104, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high"), (30, "-tall")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close"),
        Binding("f1", "app.help", "Help", id="help"),
        Binding("f12", "app.save_picture", "Save as SVG", id="save_picture"),
    ]

    def __init__(self, title: str, content: Widget, note: str = "") -> None:
        """``note`` is said in the frame, beside how to close it."""
        super().__init__()
        self._frame = VerticalScroll(content, classes="sheet")
        self._frame.border_title = titled(title)
        self.note = note

    @property
    def note(self) -> str:
        """What the frame says beside how to close it."""
        return self._note

    @note.setter
    def note(self, note: str) -> None:
        self._note = note
        self._tell()

    def _tell(self) -> None:
        told = f"{self._note} · {CLOSES}" if self._note else CLOSES
        room = self._frame.outer_size.width - BORDER if self._frame.outer_size else len(told)
        self._frame.border_subtitle = titled(told if len(told) <= room else CLOSES)

    def compose(self) -> ComposeResult:
        yield self._frame
        yield Footer(palette=False, id="footer")

    def on_mount(self) -> None:
        """Take its place."""
        self.place()

    def on_resize(self) -> None:
        """There may be room for another place."""
        self.place()

    def place(self) -> None:
        """Beside the ring, or over all."""
        width, height = self.app.size
        at = self.app.screen_stack.index(self) if self in self.app.screen_stack else 0
        below = self.app.screen_stack[at - 1] if at else None
        possible = isinstance(below, Dashboard) or (isinstance(below, Sheet) and below.has_class("-beside"))
        self.set_class(possible and width >= self.BESIDE_WIDTH and height >= BESIDE_HEIGHT, "-beside")
        self.set_class(height < FLAT, "-flat")
        self.set_class(width < THIN, "-thin")
        self.call_after_refresh(self._tell)
