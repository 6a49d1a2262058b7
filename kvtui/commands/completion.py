"""What could be meant: completions of a line, and the hint beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kvtui.commands.command import Argument, Command, CommandError, Kind, usage_line
from kvtui.commands.glossary import TERMS, find_term
from kvtui.commands.parsing import parse
from kvtui.commands.registry import COMMANDS, find, nearest
from kvtui.commands.wording import harmless
from kvtui.commands.words import Word, next_word, rest_of
from kvtui.notation import as_rest, as_word

OFFERED = 50
"""Most completions of one line."""
LOOKED_AT = 2000
"""Most directory entries looked at for one completion."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a completion may name: ``nodes`` in ring order, ``keys`` newest first."""

    nodes: Sequence[str] = ()
    keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Typing:
    """A line being typed: its command, the argument under the cursor at its end, and what stands there so far."""

    command: Command | None
    argument: Argument | None
    word: Word
    more: bool = False
    """Another argument can follow."""
    given: frozenset[str] = frozenset()
    """Settings in front of the word."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that may be meant: the whole ``line`` that the text becomes, which ends where typing goes on."""

    line: str
    word: str
    """What replaces the word being typed."""
    help: str = ""
    """What it is, in a few words; empty for names, which say it themselves."""


def candidates(text: str, names: Names) -> list[Candidate]:
    """What ``text`` may become, the likeliest first, at most ``OFFERED``."""
    typing = _typing(text)
    if text.lstrip().startswith("#"):
        return []
    found: dict[str, Candidate] = {}
    for word, space, words in _candidates(typing, names):
        line = text[: typing.word.start] + word + (" " if space else "")
        if line != text:
            found.setdefault(line, Candidate(line, word, words))
        if len(found) == OFFERED:
            break
    return list(found.values())


def complete(text: str, names: Names) -> list[str]:
    """The lines of ``candidates``."""
    return [candidate.line for candidate in candidates(text, names)]


def shared_start(lines: Sequence[str]) -> str:
    """What all of some lines begin with."""
    first, last = min(lines), max(lines)
    length = min(len(first), len(last))
    return first[: next((at for at in range(length) if first[at] != last[at]), length)]


def word_start(text: str) -> int:
    """Where the word begins that a completion of ``text`` replaces."""
    return _typing(text).word.start


def usage_for(text: str) -> str:
    """The hint for a line being typed: usage and summary of its command, the names that it may become, or the nearest name."""
    word = next_word(text, 0)
    if word is None or text[word.start] == "#":
        return ""
    if harmless(text) != text:
        return _read_as(text)
    command = find(word.text)
    if command is None and word.stop == len(text):
        begun = [known for known in COMMANDS if known.name.startswith(word.text.lower())]
        if len(begun) > 1:
            return "  ".join(known.name for known in begun)
        command = begun[0] if begun else None
    if command is not None:
        return f"{_usage(command, text)}   {command.summary}"
    likely, term = nearest(word.text), find_term(word.text)
    if term is not None:
        return f"no command, but a word: help {term.name} explains it"
    return f"no such command; did you mean {likely}?" if likely else "no such command; help lists them all"


def _read_as(text: str) -> str:
    """What a line that holds something unseen comes to, as it can be seen."""
    try:
        invocation = parse(text)
    except CommandError as error:
        return error.text
    return f"it holds what can't be seen: {invocation.line}" if invocation is not None else ""


def _usage(command: Command, text: str) -> str:
    """The usage of a command, as exact as what is typed of it says."""
    shown = [command.name]
    named = next_word(text, 0)
    at = named.stop if named is not None else len(text)
    for argument in command.arguments:
        word = next_word(text, at)
        following = argument.following(word.text) if word is not None else None
        if word is not None and following is not None:
            return " ".join((*shown, word.text.lower(), *(later.placeholder for later in following)))
        shown.append(argument.placeholder)
        at = word.stop if word is not None else len(text)
    return usage_line(command)


def _typing(text: str) -> _Typing:
    first = next_word(text, 0)
    if first is None or first.stop == len(text):
        return _Typing(None, None, first or Word("", len(text), len(text)))
    command = find(first.text)
    end = Word("", len(text), len(text))
    if command is None:
        return _Typing(None, None, end, more=True)
    waiting, at, given = list(command.arguments), first.stop, set[str]()
    while True:
        argument = waiting[0] if waiting else None
        rest = argument is not None and argument.rest
        word = rest_of(text, at) if rest else next_word(text, at)
        if word is None:
            return _Typing(command, argument, end, more=len(waiting) > 1, given=frozenset(given))
        if word.stop == len(text) or rest:
            return _Typing(command, argument, word, more=len(waiting) > 1, given=frozenset(given))
        at = word.stop
        given.add(word.text.partition("=")[0].lower())
        if waiting and not _aside(command, word.text):
            following = waiting.pop(0).following(word.text)
            waiting = waiting if following is None else list(following)


def _aside(command: Command, word: str) -> bool:
    """Whether a word takes no argument's place: a switch, or a setting."""
    return (bool(command.switches) and word.startswith("--")) or (bool(command.settings) and "=" in word)


def _candidates(typing: _Typing, names: Names) -> Iterable[tuple[str, bool, str]]:
    """Replacements of the word being typed, each with whether a space follows, and what it is."""
    begun = typing.word.text
    if typing.command is None:
        if not typing.more:
            for command in COMMANDS:
                if command.name.startswith(begun.lower()):
                    yield command.name, bool(command.arguments), command.summary
        return
    if begun.startswith("-") and not typing.word.quote:
        for flag in typing.command.switches:
            if flag.name.startswith(begun):
                yield flag.name, False, flag.help
    if typing.argument is not None:
        written = as_rest if typing.argument.rest else as_word
        for text, space, words in _values(typing.argument, begun, typing.more, names):
            yield written(text), space, words
    yield from _settings(typing, begun)


def _settings(typing: _Typing, begun: str) -> Iterable[tuple[str, bool, str]]:
    """Names of settings that are not given yet, and what can stand behind one of them."""
    name, equals, value = begun.partition("=")
    for setting in typing.command.settings if typing.command else ():
        if setting.name in typing.given:
            continue
        if not equals and setting.name.startswith(name.lower()):
            yield f"{setting.name}=", False, setting.help
        elif equals and setting.name == name.lower():
            for word, _, words in _values(setting, value, False, Names()):
                yield as_word(f"{setting.name}={word}"), False, words


def _values(argument: Argument, begun: str, more: bool, names: Names) -> Iterable[tuple[str, bool, str]]:
    """What can stand for an argument, of which ``begun`` is typed."""
    match argument.kind:
        case Kind.NODE:
            yield from ((name, more, "") for name in names.nodes if name.startswith(begun))
        case Kind.KEY:
            yield from ((key, more, "") for key in names.keys if key.startswith(begun))
        case Kind.CHOICE:
            yield from ((name, more, "") for name in argument.choices if name.startswith(begun.lower()))
        case Kind.TOPIC:
            asked = begun.casefold()
            yield from ((known.name, more, known.summary) for known in COMMANDS if known.name.startswith(asked))
            yield from ((term.name, more, term.brief) for term in TERMS if term.begins(asked))
        case Kind.FILE:
            yield from ((path, False, "") for path in _paths(begun))
        case _:
            return


def _paths(begun: str) -> list[str]:
    """Paths that begin so; directories end in a slash. Nothing where the directory can't be read."""
    folder, name = os.path.split(begun)
    found: list[str] = []
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            for looked_at, entry in enumerate(entries):
                if looked_at == LOOKED_AT:
                    break
                if entry.name.startswith(name) and (name.startswith(".") or not entry.name.startswith(".")):
                    found.append(os.path.join(folder, entry.name) + ("/" if entry.is_dir() else ""))
    except OSError:
        return []
    return sorted(found)
