"""A sheet over the dashboard: something to read that Escape closes."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.markup import escape
from textual.screen import ModalScreen
from textual.widget import Widget


class Sheet(ModalScreen[None]):
    """Shows one widget in a frame that scrolls where it is too high."""

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
        self._frame.border_title = escape(title)
        self._frame.border_subtitle = escape(f"{note} · Esc closes" if note else "Esc closes")

    def compose(self) -> ComposeResult:
        yield self._frame
