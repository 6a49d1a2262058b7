"""A live check, as it goes on: operations, faults, staleness, and at the end the verdict."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from kvtui.check import Verdict
from kvtui.commands.wording import counted, harmless
from kvtui.widgets.bars import progress_bar
from kvtui.workload import CheckView, Phase

FAULTS_SHOWN = 8
"""The newest faults that are listed while a check runs."""
BAR = 30
WIDTH_MOST = 102
"""Columns of text that the widest frame holds."""
MARGINS = 10
"""Columns beside the text."""
Part = str | tuple[str, str]
_VERDICTS = {
    Verdict.LINEARIZABLE: ("✓ linearizable: nothing acknowledged was lost, no read went back", "bold $success"),
    Verdict.VIOLATED: ("✗ VIOLATED: what clients were told can't be", "bold $error"),
    Verdict.UNDECIDED: ("? undecided: no violation was found, and that is no pass", "bold $warning"),
}


class CheckScreen(ModalScreen[None]):
    """Shows a check. Closing it does not end the check; ``x`` does."""

    HELP = """\
# Check
Clients put, get and delete keys of their own; what they are told is recorded, and its linearizability checked at the end. Closing
this does not end the check."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close"),
        Binding("x", "stop", "Stop the check"),
        Binding("f1", "app.help", "Help", id="help"),
        Binding("f12", "app.save_picture", "Save as SVG", id="save_picture"),
    ]

    def __init__(self, view: CheckView, stop: Callable[[], None]) -> None:
        super().__init__()
        self._stop = stop
        self._view = view
        self._text = Static(id="checked")
        self._frame = VerticalScroll(self._text, id="check")
        self._frame.border_title = "Check"

    def compose(self) -> ComposeResult:
        yield self._frame

    def on_mount(self) -> None:
        """Draw the newest view."""
        self.show(self._view)

    def on_resize(self) -> None:
        """A timeline is as wide as there is room."""
        self.show(self._view)

    def show(self, view: CheckView) -> None:
        """Draw a newer view."""
        self._view = view
        self._frame.border_subtitle = "Esc closes" if view.phase is Phase.DONE else "Esc closes, x stops"
        if self.is_attached:
            width = min(WIDTH_MOST, self.app.size.width - MARGINS)
            self._text.update(Content.assemble(*check_text(view, width)))

    def action_stop(self) -> None:
        """End the check before its time, without a verdict."""
        self._stop()
        self.dismiss()


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


def check_text(view: CheckView, width: int) -> Sequence[Part]:
    """A view as pieces of text, each with its style."""
    parts: list[Part] = [*_progress(view), "\n\n", *_operations(view), "\n", *_staleness(view), "\n"]
    parts += [("guarantee   ", "$foreground 60%"), f"{view.guarantee}\n"]
    if view.faults:
        parts += _faults(view)
    if view.report is not None:
        parts += _verdict(view, width)
    return parts


def _progress(view: CheckView) -> list[Part]:
    if view.report is not None:
        return [_VERDICTS[view.report.verdict]]
    done, left = progress_bar(min(1.0, view.elapsed / view.seconds), BAR)
    seconds = f"{min(view.elapsed, view.seconds):.0f} of {view.seconds:g} s"
    return [(done, "$primary"), (left, "$foreground 25%"), f"  {seconds}   ", (view.phase, "$foreground 60%")]


def _operations(view: CheckView) -> list[Part]:
    rate = f", {view.rate:,.0f}/s" if view.phase is Phase.RUNNING else ""
    return [
        ("operations  ", "$foreground 60%"),
        f"{view.operations:,}{rate}   ",
        (f"{view.ok:,} ok", "$success"),
        "   ",
        (f"{view.failed:,} failed", "$warning" if view.failed else "$foreground 60%"),
        "   ",
        (f"{view.unknown:,} unknown", "$warning" if view.unknown else "$foreground 60%"),
        f"   slowest {1000 * view.slowest:,.0f} ms",
    ]


def _staleness(view: CheckView) -> list[Part]:
    stale = view.staleness
    if not stale.reads:
        return [("staleness   ", "$foreground 60%"), "no stale read"]
    worst = f"by at most {counted(stale.versions, 'version')} and {stale.milliseconds:,.0f} ms"
    return [
        ("staleness   ", "$foreground 60%"),
        (f"{counted(stale.reads, 'stale read')}, {stale.behind:,} of them behind, {worst}", "$warning"),
    ]


def _faults(view: CheckView) -> list[Part]:
    parts: list[Part] = [("faults      ", "$foreground 60%"), "\n"]
    for seconds, text in view.faults[-FAULTS_SHOWN:]:
        parts.append(f"  {seconds:6.1f} s  {harmless(text)}\n")
    return parts


def _verdict(view: CheckView, width: int) -> list[Part]:
    assert view.report is not None
    parts: list[Part] = []
    if view.unreadable:
        parts.append((f"\n{counted(view.unreadable, 'key')} could not be read at the end\n", "$error"))
    for violation in view.report.violations:
        parts += ["\n", ("\n".join(harmless(line) for line in violation.lines(width)), "$error"), "\n"]
    return parts
