"""The input of the command bar: completion and the lines typed before, over Textual's input."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from kvtui.commands import History


class CommandSuggester(Suggester):
    """Ghost text: the likeliest completion."""

    def __init__(self, completions: Callable[[str], list[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._completions = completions

    async def get_suggestion(self, value: str) -> str | None:
        """The first whole line that ``value`` may become and that begins with it."""
        return next((line for line in self._completions(value) if line.startswith(value)), None)


class CommandLine(Input):
    """One line to type a command in. Up and down recall, tab completes; the cursor does not blink: idle is still."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "Earlier line", show=False),
        Binding("down", "recall(1)", "Later line", show=False),
        Binding("tab", "complete", "Complete", show=False),
        Binding("shift+tab", "nothing", show=False),
        Binding("escape", "clear_line", "Clear", show=False),
    ]

    class Offered(Message):
        """Several completions are possible."""

        def __init__(self, lines: list[str]) -> None:
            self.lines = lines
            super().__init__()

    class Cut(Message):
        """Of several pasted lines only the first was taken."""

        def __init__(self, lines: int) -> None:
            self.lines = lines
            super().__init__()

    def __init__(
        self,
        history: History,
        completions: Callable[[str], list[str]],
        enter: Callable[[str], None],
        *,
        id: str | None = None,
    ) -> None:
        """``enter`` is given the line when Enter is pressed, and ``take``s it if it is a command."""
        super().__init__(id=id, compact=True, suggester=CommandSuggester(completions), select_on_focus=False)
        self.cursor_blink = False
        self._history = history
        self._completions = completions
        self._enter = enter
        self._at: int | None = None
        """Place in the history of what is shown; None while a new line is typed."""
        self._draft = ""

    async def _on_key(self, event: events.Key) -> None:
        """Obey editing keys here and now. Textual lets them bubble up to the screen first, while characters typed after
        them are inserted at once: keys that arrive together (a fast hand, a busy moment) would change places."""
        action = None if event.is_printable else _ACTIONS.get(event.key)
        if action is not None and await self.app.run_action(action, self):
            event.stop()
            event.prevent_default()

    def _on_paste(self, event: events.Paste) -> None:
        lines = [line for line in event.text.splitlines() if line.strip()]
        if len(lines) > 1:
            self.post_message(self.Cut(len(lines)))

    async def action_submit(self) -> None:
        """Hand the line over before any key that comes after Enter."""
        self._enter(self.value)

    def take(self) -> str:
        """What was typed; the line is empty afterwards and the history knows it."""
        text = self.value
        self._history.add(text)
        self._at, self._draft = None, ""
        self.value = ""
        return text

    def action_recall(self, step: int) -> None:
        """Show an earlier (-1) or later (1) line of the history; past the newest lies what was being typed."""
        lines = self._history.lines
        at = len(lines) if self._at is None else min(self._at, len(lines))
        if at == len(lines):
            self._draft = self.value
        at = min(len(lines), max(0, at + step))
        self._at = None if at == len(lines) else at
        self.value = self._draft if self._at is None else lines[at]
        self.cursor_position = len(self.value)

    def action_complete(self) -> None:
        """Complete what is sure; when nothing more is, tell what is possible."""
        if self.cursor_position != len(self.value):
            return
        lines = self._completions(self.value)
        if not lines:
            return
        shared = lines[0] if len(lines) == 1 else _shared(lines)
        if len(shared) > len(self.value) or len(lines) == 1:
            self.value = shared
            self.cursor_position = len(shared)
        else:
            self.post_message(self.Offered(lines))

    def action_clear_line(self) -> None:
        """Empty the line."""
        self._at, self._draft = None, ""
        self.value = ""

    def action_nothing(self) -> None:
        """Keep the focus here."""


_ACTIONS = {
    binding.key: binding.action
    for binding in (*Binding.make_bindings(Input.BINDINGS), *Binding.make_bindings(CommandLine.BINDINGS))
    if binding.action != "copy"  # also copies what is selected on the screen, and is no edit
}


def _shared(lines: list[str]) -> str:
    """What all lines begin with."""
    first, last = min(lines), max(lines)
    same = next(
        (at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other),
        min(len(first), len(last)),
    )
    return first[:same]
