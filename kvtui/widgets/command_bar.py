"""The command bar: a line to type in, and beside it the usage of the command, what is wrong with it, or what is under way."""

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from kvtui.commands import (
    Candidate,
    CommandError,
    History,
    Invocation,
    Names,
    RecentKeys,
    Search,
    candidates,
    parse,
    refusal,
    usage_for,
    word_start,
)
from kvtui.commands.wording import harmless
from kvtui.widgets.command_line import CommandLine
from kvtui.widgets.hint import fitted
from kvtui.widgets.keys import key_of
from kvtui.widgets.menu import CompletionMenu
from kvtui.widgets.picture import Picture
from kvtui.widgets.progress import progress_line
from kvtui.widgets.words import short

PROMPT = "> "
BESIDE = 0.7
"""Part of the bar that the hint may take beside the line, as the style sheet says."""
HINT_ROWS = 3
"""Rows that what is wrong with a line may take, even where there are few."""
QUERY_MOST = 16
"""Cells of a search's query that are shown."""


class CommandBar(Widget):
    """Takes commands. A line that is none stays as it was typed, and the bar says what is wrong with it."""

    picture: reactive[Picture] = reactive(Picture(), repaint=False, init=False)

    class Entered(Message):
        """A command was entered."""

        def __init__(self, text: str, invocation: Invocation) -> None:
            self.text = text
            self.invocation = invocation
            super().__init__()

    HELP = """\
# Command bar
Type a command and press Enter. Its usage stands beside it, and so does what is wrong with it. A line that is refused is selected:
typing replaces it, an arrow or Tab lets you edit it.
Commands, node ids and recent keys are completed. Where there are several a menu opens: the same key again or the arrows move,
Enter takes, Escape closes. In the search of earlier lines typing narrows, the same key again goes to older ones, Enter takes,
Escape gives back what was there. What is not plain text is shown in double quotes, with escapes, and is typed like that."""

    def __init__(self, history: History, *, readonly: bool = False, id: str | None = None) -> None:
        """``readonly``: lines that would change anything are refused here, and stay."""
        super().__init__(id=id)
        self._readonly = readonly
        self._recent = RecentKeys()
        self._menu = CompletionMenu(id="menu")
        self._prompt = Static(PROMPT, id="prompt", markup=False)
        self._line = CommandLine(history, self._completions, self._enter, id="command")
        self._hint = Static(id="hint", markup=False)
        self._progress = ""
        self._note: tuple[str, ...] = ()
        self._said: tuple[tuple[str, ...], bool] = (), False
        self._drawn = ""
        self._refused: str | None = None
        """The line that the bar has just said something about."""

    def compose(self) -> ComposeResult:
        yield self._menu
        with Horizontal(id="entry"):
            yield self._prompt
            yield self._line
        yield self._hint

    def on_mount(self) -> None:
        """Say how to begin, once it is known which keys do."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self._keys_changed())

    def _keys_changed(self) -> None:
        if not self.text and self._line.search is None and self._refused is None:
            self._say(self._progress)

    def on_resize(self) -> None:
        """The menu belongs to a place that is another now, and the hint has another room."""
        self._line.close()
        self._draw_hint()

    @property
    def text(self) -> str:
        """What is typed."""
        return self._line.value

    @property
    def engaged(self) -> bool:
        """Whether something is typed, or a menu or a search is open: Esc is for that."""
        return bool(self._line.value or self._line.choices or self._line.search)

    def fill(self, text: str) -> None:
        """Put the beginning of a command into the line, for a person to go on."""
        self._line.value = text
        self._line.cursor_position = len(text)

    def enter(self, text: str) -> None:
        """Carry out a command that was chosen elsewhere, as if it had been typed."""
        self.fill(text)
        self._enter(text)

    @property
    def has_keyboard(self) -> bool:
        """Whether what is typed goes into the line."""
        return self._line.has_focus

    def take_keyboard(self) -> None:
        """What is typed from here on goes into the line."""
        self._line.focus()

    def give_back(self, text: str, why: str, *, error: bool = True) -> bool:
        """Put a command that is not carried out back into the line, selected, and say why. False: something else is typed there
        by now, and stays."""
        if self.text:
            return False
        self._line.refuse(text)
        self._say(why, error=error)
        self._refused = self.text
        return True

    def note(self, *ways: str) -> None:
        """What to say while nothing is typed, the fullest way first; nothing: how to begin."""
        self._note = ways
        if not self.text and self._refused is None and self._line.search is None:
            self._say(self._progress)

    def progress(self, text: str, done: int, total: int, *, hint: str = "") -> None:
        """Show how far a long command is, and a ``hint`` of what to do about it, while nothing is typed; an empty text ends it."""
        if not self.is_attached:
            return  # a command that outlives the app tidies up
        self._progress = progress_line(text, done, total, hint, self._room)
        if not self.text:
            self._say(self._progress)

    @property
    def _room(self) -> int:
        """Cells that the hint has: below the line nearly all, beside it a part."""
        if self.screen.has_class("-wide"):
            return int(BESIDE * self.size.width) - 2
        return self.size.width - (4 if self.screen.has_class("-medium") else 2)

    def _completions(self, text: str) -> list[Candidate]:
        nodes = tuple(node.id for node in self.picture.snapshot.nodes)
        return candidates(text, Names(nodes=nodes, keys=self._recent.keys))

    @property
    def _idle(self) -> tuple[str, ...]:
        explains, completes = f"{key_of(self.screen, 'help')} explains", key_of(self.screen, "complete")
        if completes:
            return f"{explains}, {completes} completes", explains
        return f"Esc back to typing, {explains}", "Esc back to typing"

    def _say(self, text: str, *, error: bool = False) -> None:
        self._refused = self.text if error else None
        ways = (text,) if text else () if self.text else self._note or self._idle
        if (ways, error) != self._said:  # laying out anew at every key would cost more than typing does
            self._said = ways, error
            self._hint.set_class(error, "-error")
            self._draw_hint()

    def _draw_hint(self) -> None:
        """Say it in whole words, in the room that there is."""
        ways, error = self._said
        drawn = fitted(ways, self._room, max(HINT_ROWS, self.app.size.height // 4) if error else 1)
        if drawn != self._drawn:
            self._drawn = drawn
            self._hint.update(drawn)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._line.search is None and event.value == self.text != self._refused:
            # an older change must not hide what was said since
            self._say_usage()

    def _say_usage(self) -> None:
        choices = self._line.choices
        text = choices.chosen.line if choices is not None else self.text
        self._say(usage_for(text) if text else self._progress)

    @on(CommandLine.Shown)
    def _shown(self, event: CommandLine.Shown) -> None:
        """Draw the line's menu and search as they are now."""
        event.stop()
        search, choices = self._line.search, self._line.choices
        column = len(PROMPT) + 1 + cell_len(self.text[: word_start(self.text)]) - 1
        self._menu.offer(choices, column, self.region.y - 1)
        prompt = PROMPT if search is None else f"search {short(harmless(search.query), QUERY_MOST)}› "
        if str(self._prompt.content) != prompt:
            self._prompt.update(prompt)
        if search is not None:
            self._say(self._search_words(search), error=search.failed)
        elif self._refused is None or self._refused != self.text:
            self._say_usage()

    def _search_words(self, search: Search) -> str:
        again = key_of(self.screen, "search_history")
        if search.failed:
            return "no line has that" if search.found is None else "no other line has that"
        if not search.query:
            return "type a part of an earlier line"
        return f"{again} older, Enter takes, Esc restores"

    @on(CompletionMenu.Clicked)
    def _clicked(self, event: CompletionMenu.Clicked) -> None:
        event.stop()
        self._line.take_choice(event.at)

    @on(CommandLine.Cut)
    def _cut(self, event: CommandLine.Cut) -> None:
        event.stop()
        self._say(f"one command a line: of {event.lines} pasted lines the first is here", error=True)

    def _enter(self, line: str) -> None:
        """Run a line, or say why it can't be."""
        try:
            invocation = parse(line)
        except CommandError as error:
            self._refuse(line, error.said(self.picture.snapshot))
            return
        if invocation is not None and self._readonly and invocation.changes:
            self._refuse(line, refusal(invocation.command))
            return
        text = self._line.take()
        if invocation is not None:
            self._recent.note(invocation)
            self.post_message(self.Entered(text.strip(), invocation))

    def _refuse(self, line: str, why: str) -> None:
        self._line.refuse(line)
        self._say(why, error=True)
