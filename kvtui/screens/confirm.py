"""Asking before something that can't be taken back."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from kvtui.screens.steady import Steady


class Confirm(Steady, ModalScreen[bool]):
    """Shows a command and a question; True when a person said yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
        Binding("left,right,up,down", "app.focus_next", show=False),
        Binding("pageup", "scroll(-1)", show=False),
        Binding("pagedown", "scroll(1)", show=False),
        Binding("f12", "app.save_picture", "Save as SVG", show=False, id="save_picture"),
    ]
    AUTO_FOCUS = "#no"

    def __init__(self, command: str, question: str) -> None:
        super().__init__()
        self._command = command
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            with VerticalScroll(id="told", can_focus=False):
                yield Static(f"> {self._command}", id="asked", markup=False)
                yield Static(self._question, id="question", markup=False)
            with Horizontal(id="answers"):
                yield Button("Yes (y)", id="yes", variant="error", compact=True)
                yield Button("No (n)", id="no", variant="primary", compact=True)

    def action_scroll(self, pages: int) -> None:
        """Read on, where the question is longer than the screen."""
        told = self.query_one("#told")
        (told.scroll_page_up if pages < 0 else told.scroll_page_down)(animate=False)

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")
