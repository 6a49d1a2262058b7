"""The command bar: a line to type in, and beside it the usage of the command, what is wrong with it, or what is under way."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from kvtui.commands import CommandError, History, Invocation, Names, RecentKeys, complete, parse, usage_for
from kvtui.widgets.bars import progress_bar
from kvtui.widgets.command_line import CommandLine
from kvtui.widgets.picture import Picture
from kvtui.widgets.words import harmless, short

IDLE = "F1 explains, Tab completes"
PROGRESS_WIDTH = 16
OFFERED_LONGEST = 90
"""Characters of the list of possible completions."""


class CommandBar(Widget):
    """Takes commands. A line that is none stays as it was typed, and the bar says what is wrong with it."""

    picture: reactive[Picture] = reactive(Picture(), repaint=False, init=False)

    class Entered(Message):
        """A command was entered."""

        def __init__(self, text: str, invocation: Invocation) -> None:
            self.text = text
            self.invocation = invocation
            super().__init__()

    def __init__(self, history: History, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._recent = RecentKeys()
        self._line = CommandLine(history, self._completions, self._enter, id="command")
        self._hint = Static(IDLE, id="hint", markup=False)
        self._progress = ""
        self._said = IDLE, False
        self._refused: str | None = None
        """The line that the bar has just said something about."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="entry"):
            yield Static("> ", id="prompt", markup=False)
            yield self._line
        yield self._hint

    @property
    def text(self) -> str:
        """What is typed."""
        return self._line.value

    def fill(self, text: str) -> None:
        """Put the beginning of a command into the line, for a person to go on."""
        self._line.value = text
        self._line.cursor_position = len(text)

    @property
    def has_keyboard(self) -> bool:
        """Whether what is typed goes into the line."""
        return self._line.has_focus

    def take_keyboard(self) -> None:
        """What is typed from here on goes into the line."""
        self._line.focus()

    def give_back(self, text: str, problem: str) -> None:
        """Put a command that can't be run back into the line, and say why."""
        self.fill(text)
        self._say(problem, error=True)

    def progress(self, text: str, done: int, total: int) -> None:
        """Show how far a long command is, while nothing is typed; an empty text ends it."""
        if not text:
            self._progress = ""
        elif total:
            filled, left = progress_bar(done / total, PROGRESS_WIDTH)
            self._progress = f"{short(harmless(text), 40)} {filled}{left} {done / total:>4.0%}"
        else:
            self._progress = f"{short(harmless(text), 40)} {done:,}"
        if not self.text:
            self._say(self._progress)

    def _completions(self, text: str) -> list[str]:
        nodes = tuple(node.id for node in self.picture.snapshot.nodes)
        return complete(text, Names(nodes=nodes, keys=self._recent.keys))

    def _say(self, text: str, *, error: bool = False) -> None:
        self._refused = self.text if error else None
        text = text or ("" if self.text else IDLE)
        if (text, error) != self._said:  # laying out anew at every key would cost more than typing does
            self._said = text, error
            self._hint.set_class(error, "-error")
            self._hint.update(text)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value == self.text != self._refused:  # an older change must not hide what was said since
            self._say(usage_for(event.value) if event.value else self._progress)

    @on(CommandLine.Offered)
    def _offered(self, event: CommandLine.Offered) -> None:
        event.stop()
        start = self.text.rfind(" ") + 1
        self._say(short("  ".join(line[start:].strip() for line in event.lines), OFFERED_LONGEST))

    @on(CommandLine.Cut)
    def _cut(self, event: CommandLine.Cut) -> None:
        event.stop()
        self._say(f"one command a line: of {event.lines} pasted lines the first is here", error=True)

    def _enter(self, line: str) -> None:
        """Run a line, or say why it can't be."""
        try:
            invocation = parse(line)
        except CommandError as error:
            self._say(error.text, error=True)
            return
        text = self._line.take()
        if invocation is not None:
            self._recent.note(invocation)
            self.post_message(self.Entered(text.strip(), invocation))
