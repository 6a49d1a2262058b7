"""What a handler is given: the cluster, and the ways to answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from kvtui.core.cluster import Cluster, Location
from kvtui.core.events import Level
from kvtui.core.explanation import Explanation
from kvtui.core.plan import Plan
from kvtui.workload.view import CheckView

if TYPE_CHECKING:
    from kvtui.bench.view import BenchView
    from kvtui.commands.activity_filter import ActivityFilter


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an answer, without its newline; control characters are already escaped.

    The line of a ``get`` is as long as its value (up to 16 MiB): a screen cuts it.
    """

    text: str
    level: Level = Level.INFO
    asked: bool = False
    """It is what was asked for, however bad that is: a shell prints it with the answers, not among the failures."""


class Voice(StrEnum):
    """How a front end wants to be answered where the original has lines of its own."""

    ORIGINAL = "original"
    """Those lines: for shells and scripts."""
    PLAIN = "plain"
    """Sentences, beside the events that the front end shows too."""


def nowhere(_location: Location) -> None:
    """For a front end that draws no ring."""


def unseen(_text: str, _done: int, _total: int) -> None:
    """For a front end that shows no progress."""


def stay() -> None:
    """For a front end that ends by itself, whatever a command says."""


def unwatched(_view: CheckView, _stop: Callable[[], None]) -> None:
    """For a front end that has no picture of a check under way."""


def unmeasured(_view: BenchView, _stop: Callable[[], None]) -> None:
    """For a front end that has no picture of a run under way."""


def undrawn(_told: Explanation | Plan) -> None:
    """For a front end that has lines alone."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a command runs, and whom it tells."""

    cluster: Cluster
    say: Callable[[Line], None]
    """A line for the person; an empty text is an empty line of the original's wording, which a list may leave out."""
    located: Callable[[Location], None] = nowhere
    """Where the key of ``where`` is, for a ring that shows it."""
    progress: Callable[[str, int, int], None] = unseen
    """``(text, done, total)``: a long command's progress, in units of its own; ``total`` 0 when it isn't known. Called
    with ``("", 0, 0)`` once it is over, however it ended."""
    leave: Callable[[], None] = stay
    """``exit`` was said."""
    checked: Callable[[CheckView, Callable[[], None]], None] = unwatched
    """A check under way, as it is now, some times a second, and what stops it. The last one is ``Phase.DONE``."""
    measured: Callable[[BenchView, Callable[[], None]], None] = unmeasured
    """A bench under way, as it is now, some times a second, and what ends it early. The last one is ``Phase.DONE``."""
    raw: Callable[[bytes], None] | None = None
    """Writes bytes as they are, for a front end whose output can be a pipe or a file. Raises CommandError where a terminal would
    obey them."""
    columns: int = 80
    """Characters that a line has room for."""
    explained: Callable[[Explanation], None] = undrawn
    """How a request went, for a picture of it."""
    planned: Callable[[Plan], None] = undrawn
    """What a change would do, for a picture of it."""
    readonly: bool = False
    """Commands that change anything are refused."""
    browse: Callable[[str], None] | None = None
    """Show the keys that begin with a prefix on a screen; None for a front end that has none."""
    inspected: Callable[[str], None] | None = None
    """Shows a node in an inspector, for a front end that has one; else ``inspect`` says what it would show."""
    filtered: Callable[[ActivityFilter], None] | None = None
    """Shows only some of the activity, for a front end that has a panel of it."""
    overview: Callable[[], None] | None = None
    """Shows all of help, for a front end that has a screen of it; else ``help`` lists the commands."""
    voice: Voice = Voice.ORIGINAL
    """Which of the two forms of an answer is said."""

    def answer(self, original: Sequence[Line], plain: Sequence[Line]) -> None:
        """Say an answer in the voice of the front end."""
        for line in plain if self.voice is Voice.PLAIN else original:
            self.say(line)
