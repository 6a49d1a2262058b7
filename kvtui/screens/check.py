"""A live check, as it goes on, beside the ring on which its faults are seen."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from kvtui.screens.sheet import Sheet
from kvtui.widgets.checked import Checked
from kvtui.workload import CheckView, Phase


class CheckScreen(Sheet):
    """Shows a check. Closing it does not end the check; ``x`` does."""

    BESIDE_WIDTH = 72
    """Its lines are short, and what it does is seen on the ring."""
    HELP = """\
# Check
Clients put, get and delete keys of their own; what they are told is recorded, and its linearizability checked at the end. Closing
this does not end the check."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "stop", "Stop the check")]

    def __init__(self, view: CheckView, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._view = view
        self._checked = Checked(view)
        super().__init__("Check", self._checked, _note(view))

    def show(self, view: CheckView) -> None:
        """Draw a newer view."""
        ended = view.phase is not self._view.phase
        self._view = view
        self.note = _note(view)
        self._checked.show_view(view)
        if ended:
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is something to stop until it is done."""
        return action != "stop" or self._view.phase is not Phase.DONE

    def action_stop(self) -> None:
        """End the check before its time, without a verdict."""
        self._stop()
        self.dismiss()


def _note(view: CheckView) -> str:
    return "" if view.phase is Phase.DONE else "x stops"


class CheckScreens:
    """Opens a screen for one check, once, and keeps it current while it is open."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._screen: CheckScreen | None = None

    def show(self, view: CheckView, stop: Callable[[], None]) -> None:
        """As ``Context.checked``."""
        if self._screen is None:
            self._screen = CheckScreen(view, stop)
            self._app.push_screen(self._screen)
        elif self._screen.is_attached:
            self._screen.show(view)
