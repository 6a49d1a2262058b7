"""The input of the command bar: completion, its menu, and the lines typed before, over Textual's input."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input
from textual.widgets.input import Selection

from kvtui.commands import Candidate, History, Search, shared_start
from kvtui.widgets.choices import Choices
from kvtui.widgets.scrubbed import SeenInput

Completions = Callable[[str], Sequence[Candidate]]


class CommandSuggester(Suggester):
    """Ghost text: the likeliest completion."""

    def __init__(self, completions: Completions) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._completions = completions

    async def get_suggestion(self, value: str) -> str | None:
        """The first whole line that ``value`` may become and that begins with it."""
        return next((found.line for found in self._completions(value) if found.line.startswith(value)), None)


class CommandLine(SeenInput, inherit_bindings=False):
    """One line to type a command in. The cursor does not blink: idle is still.

    Tab completes, and opens a menu (``choices``) where several candidates are left. Ctrl+R searches the lines typed before
    (``search``). Both are values that the bar draws; while one is there, it has the keys that it knows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *Input.BINDINGS,  # not those of what an input scrolls in: page up and down are for the screen's panels
        Binding("up", "recall(-1)", "Earlier line", show=False),
        Binding("down", "recall(1)", "Later line", show=False),
        Binding("tab", "complete", "Complete; again, the next of several", show=False, id="complete"),
        Binding("shift+tab", "back", "The one before, in the menu", show=False),
        Binding("ctrl+r", "search", "Search the lines typed before", show=False, id="search_history"),
        Binding("escape", "clear_line", "Clear, or close what is open", show=False),
    ]

    class Shown(Message):
        """The menu or the search looks different, or is over."""

    class Cut(Message):
        """Of several pasted lines only the first was taken."""

        def __init__(self, lines: int) -> None:
            self.lines = lines
            super().__init__()

    def __init__(
        self,
        history: History,
        completions: Completions,
        enter: Callable[[str], None],
        *,
        id: str | None = None,
    ) -> None:
        """``enter`` is given the line when Enter is pressed, and ``take``s it if it is a command."""
        super().__init__(id=id, compact=True, suggester=CommandSuggester(self._ghosts), select_on_focus=False)
        self.cursor_blink = False
        self._history = history
        self._completions = completions
        self._enter = enter
        self._at: int | None = None
        """Place in the history of what is shown; None while a new line is typed."""
        self._draft = ""
        self._before = ""
        """What stood here when the search began."""
        self.choices: Choices | None = None
        """The menu that is open."""
        self.search: Search | None = None
        """The search under way."""

    def _ghosts(self, text: str) -> Sequence[Candidate]:
        return () if self.search is not None else self._completions(text)

    async def _on_key(self, event: events.Key) -> None:
        """Obey editing keys here and now. Textual lets them bubble up to the screen first, while characters typed after
        them are inserted at once: keys that arrive together (a fast hand, a busy moment) would change places."""
        action = self._action_of(event)
        typed = event.character if event.is_printable else None
        obeyed = self._obeyed_by_search(action, typed) or self._obeyed_by_menu(action, typed)
        if obeyed or (action is not None and await self.app.run_action(action, self)):
            event.stop()
            event.prevent_default()

    def _action_of(self, event: events.Key) -> str | None:
        """What a key does in this line, the keys that a person chose included."""
        bound = None if event.is_printable else self.screen.active_bindings.get(event.key)
        if bound is None or bound.node is not self or bound.binding.action == "copy":
            return None  # copy also copies what is selected on the screen, and is no edit
        return bound.binding.action

    def _on_paste(self, event: events.Paste) -> None:
        lines = [line for line in event.text.splitlines() if line.strip()]
        if self.search is not None:
            self._look(self.search.typed("".join(lines[:1])))
            event.stop()
            event.prevent_default()
        elif len(lines) > 1:
            self.post_message(self.Cut(len(lines)))

    async def action_submit(self) -> None:
        """Hand the line over before any key that comes after Enter."""
        self._enter(self.value)

    def take(self) -> str:
        """What was typed; the line is empty afterwards and the history knows it."""
        text = self.value
        self._history.add(text)
        self._replace("")
        return text

    def refuse(self, text: str) -> None:
        """Keep a line that was not taken, all of it selected: typing replaces it; an arrow, Home, End, Tab or a click lets one
        edit it."""
        if self.value != text:
            self._put(text)
        self.selection = Selection(0, len(text))

    def action_recall(self, step: int) -> None:
        """Show an earlier (-1) or later (1) line of the history; past the newest lies what was being typed."""
        lines = self._history.lines
        at = len(lines) if self._at is None else min(self._at, len(lines))
        if at == len(lines):
            self._draft = self.value
        at = min(len(lines), max(0, at + step))
        self._at = None if at == len(lines) else at
        self._put(self._draft if self._at is None else lines[at])

    def action_clear_line(self) -> None:
        """Empty the line."""
        self._replace("")

    def action_back(self) -> None:
        """Keep the focus here, where no menu is open."""

    def _put(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)

    def _replace(self, text: str) -> None:
        """Begin anew with ``text``."""
        self._at, self._draft = None, ""
        self._put(text)

    # -- the menu

    def action_complete(self) -> None:
        """Complete what is sure; open the menu where several candidates are left."""
        self.selection = Selection.cursor(self.cursor_position)
        found = self._completions(self.value) if self.cursor_position == len(self.value) else ()
        if not found:
            return
        shared = shared_start([candidate.line for candidate in found])
        if len(found) == 1 or len(shared) > len(self.value):
            self._put(shared)
        if len(found) > 1:
            self._choose(Choices(found))

    def take_choice(self, at: int) -> None:
        """Take a candidate of the menu, by its place."""
        if self.choices is not None and at < len(self.choices.candidates):
            line = self.choices.candidates[at].line
            self._choose(None)
            self._put(line)

    def close(self) -> None:
        """Close the menu and the search, whichever is open, and keep the line as it is."""
        if self.search is not None:
            self._take_found()
        if self.choices is not None:
            self._choose(None)

    def on_blur(self) -> None:
        """What is open belongs to the keyboard; where the whole window loses it, it stays for when it is back."""
        if self.app.app_focus:
            self.close()

    def watch_value(self, value: str) -> None:
        """Typing on narrows the menu."""
        if self.choices is not None:
            self._choose(self.choices.narrowed(self._completions(value)))

    def _choose(self, choices: Choices | None) -> None:
        self.choices = choices
        self.post_message(self.Shown())

    def _obeyed_by_menu(self, action: str | None, typed: str | None) -> bool:
        if self.choices is None:
            return False
        match action:
            case "complete" | "recall(1)":
                self._choose(self.choices.moved(1))
            case "back" | "recall(-1)":
                self._choose(self.choices.moved(-1))
            case "submit":
                self.take_choice(self.choices.at)
            case "clear_line":
                self._choose(None)
            case _:
                if action is not None and action != "delete_left":
                    self._choose(None)
                return False
        return True

    # -- the search

    def action_search(self) -> None:
        """Begin to search the lines typed before."""
        self._before = self.value
        self._look(Search(self._history.lines))

    def _look(self, search: Search) -> None:
        self.search = search
        text = self._before if search.found is None else search.found
        self.value = text
        start, stop = search.place
        self.selection = Selection(start, stop) if stop else Selection.cursor(len(text))
        self.post_message(self.Shown())

    def _take_found(self) -> None:
        self.search = None
        self._replace(self.value)
        self.post_message(self.Shown())

    def _obeyed_by_search(self, action: str | None, typed: str | None) -> bool:
        search = self.search
        if search is None:
            return False
        if typed is not None:
            self._look(search.typed(typed))
            return True
        match action:
            case "search" | "recall(-1)":
                self._look(search.older())
            case "recall(1)":
                self._look(search.newer())
            case "delete_left":
                self._look(search.shortened())
            case "clear_line":
                self.search = None
                self._put(self._before)
                self.post_message(self.Shown())
            case "submit" | "complete":
                self._take_found()
            case _:
                if action is not None:
                    self._take_found()
                return False
        return True
