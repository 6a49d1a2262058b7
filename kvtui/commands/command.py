"""What a command is: its name, its arguments, its words of help and its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from kvtui.notation import as_rest, as_word

if TYPE_CHECKING:
    from kvtui.commands.context import Context
    from kvtui.core.snapshot import ClusterSnapshot


CHOICES_SHOWN = 24
"""Characters of an argument's choices that a usage line has room for; of more it shows the argument's name."""


class Kind(StrEnum):
    """What an argument stands for: how it is checked, completed and drawn."""

    NODE = "node"
    """The id of a node of the cluster."""
    NEW_NODE = "new_node"
    """An id for a node to come."""
    ADDRESS = "address"
    """``[host:]<port>``."""
    KEY = "key"
    VALUE = "value"
    COUNT = "count"
    """A whole number from 1."""
    NUMBER = "number"
    """A whole number from 0."""
    CHOICE = "choice"
    """One of the argument's ``choices``."""
    FILE = "file"
    """The path of a file of the person's."""
    TOPIC = "topic"
    """What ``help`` explains: the name of a command, or a word of the glossary."""
    TEXT = "text"


class CommandError(Exception):
    """A line that is no command, in one line of words; ``argument`` names the argument at fault, if it is one's."""

    def __init__(self, text: str, argument: str | None = None, bare: Command | None = None) -> None:
        """``bare``: the command that was typed with nothing behind it."""
        super().__init__(text)
        self.text = text
        self.argument = argument
        self._bare = bare

    def said(self, picture: ClusterSnapshot) -> str:
        """The text; of a command that sets something and was typed alone, also what is set now."""
        present = self._bare.present if self._bare is not None else None
        return f"{self.text}. Now: {present(picture)}" if present is not None else self.text


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. ``rest`` takes the remainder of the line, spaces included; only the last argument can."""

    name: str
    help: str
    kind: Kind
    optional: bool = False
    rest: bool = False
    choices: tuple[str, ...] = ()
    then: tuple[tuple[str, tuple[Argument, ...]], ...] = ()
    """What follows one of the ``choices``, where that is more exact than the command's own arguments: for completion and usage."""

    def following(self, word: str) -> tuple[Argument, ...] | None:
        """What follows where ``word`` was chosen; None where that makes no difference."""
        return dict(self.then).get(word.lower())

    @property
    def placeholder(self) -> str:
        """How the usage line shows it: ``<key>``, ``[prefix]``, ``[host:]<port>``."""
        if self.kind is Kind.ADDRESS:
            return f"[host:]<{self.name}>"
        choices = "|".join(self.choices)
        if 0 < len(choices) <= CHOICES_SHOWN:
            return choices
        return f"[{self.name}]" if self.optional else f"<{self.name}>"


@dataclass(frozen=True, slots=True)
class Flag:
    """A switch, written with its dashes anywhere before an argument that takes the rest of the line.

    One with a ``question`` makes its command destructive, and is what is asked then.
    """

    name: str
    help: str
    question: str = ""


YES = Flag("--yes", "don't ask first")
"""Understood by every command that may be destructive."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the language.

    ``summary`` is a few words, ``details`` the sentences of ``help <command>``. A ``destructive`` command is asked about first
    (``question``, with the arguments' names in braces) where a person types it into a screen, unless given ``--yes``.
    ``capability`` is the protocol that a cluster must have beside ``Cluster`` (None: every cluster can do it). A command that
    ``changes`` data, members or settings is refused under ``--readonly``; what it reads, draws or saves to a file is no change.
    """

    name: str
    arguments: tuple[Argument, ...]
    summary: str
    details: str
    handler: Handler
    destructive: bool = False
    question: str = ""
    capability: type | None = None
    flags: tuple[Flag, ...] = ()
    settings: tuple[Argument, ...] = ()
    """Written ``name=value`` anywhere behind the name, each at most once."""
    aliases: tuple[str, ...] = ()
    present: Callable[[ClusterSnapshot], str] | None = None
    """What it sets, as it is now: said where nothing was typed behind its name."""
    changes: bool | frozenset[str] = field(kw_only=True)
    """Or the choices of an argument with which it does."""

    @property
    def switches(self) -> tuple[Flag, ...]:
        """All flags that the command understands, ``--yes`` included where it asks first."""
        asks = self.destructive or any(flag.question for flag in self.flags)
        return (*self.flags, YES) if asks else self.flags


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command with its arguments, checked. ``values`` holds what was given, by argument name; an optional one may lack.

    Text may hold surrogate escapes for bytes that are not UTF-8 (``wording.to_bytes`` turns them back).
    """

    command: Command
    values: Mapping[str, str] = field(default_factory=dict)
    yes: bool = False
    flags: frozenset[str] = frozenset()

    def confirmed(self) -> Invocation:
        """The same, after a person was asked and said yes."""
        return replace(self, yes=True)

    @property
    def line(self) -> str:
        """A line that means the same, as it can be seen and typed."""
        command, values = self.command, self.values
        given = [argument for argument in command.arguments if argument.name in values]
        words = [(as_rest if argument.rest else as_word)(values[argument.name]) for argument in given]
        settings = [as_word(f"{known.name}={values[known.name]}") for known in command.settings if known.name in values]
        flags = sorted(self.flags | ({YES.name} if self.yes else set()))
        return " ".join([command.name, *flags, *settings, *words])

    @property
    def changes(self) -> bool:
        """Whether it changes data, members or settings."""
        known = self.command.changes
        if isinstance(known, bool):
            return known
        choices = (argument.name for argument in self.command.arguments if argument.kind is Kind.CHOICE)
        return any(self.values.get(name) in known for name in choices)

    @property
    def question(self) -> str:
        """What to ask a person before running it; empty when there is nothing to ask."""
        if self.yes:
            return ""
        given = next((flag.question for flag in self.command.flags if flag.question and flag.name in self.flags), "")
        return (given or self.command.question).format_map({name: as_word(text) for name, text in self.values.items()})


Handler = Callable[[Invocation, "Context"], Awaitable[bool]]
"""Runs an invocation; True when it succeeded. May raise ClusterError or CommandError; ``run`` turns them into lines."""


def usage_line(command: Command) -> str:
    """``put <key> <value>``."""
    settings = ["[name=value]"] if len(command.settings) > 1 else [f"[{setting.name}=]" for setting in command.settings]
    return " ".join([command.name, *(argument.placeholder for argument in command.arguments), *settings])
