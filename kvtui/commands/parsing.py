"""A line of text becomes an invocation."""

from __future__ import annotations

from kvtui.commands.address import parse_address
from kvtui.commands.command import Argument, Command, CommandError, Invocation, Kind, usage_line
from kvtui.commands.glossary import TERMS, find_term
from kvtui.commands.registry import NAMES, find, nearest, nearest_of
from kvtui.commands.wording import harmless, quoted
from kvtui.commands.words import Word, check_text, next_word, rest_of

COUNT_DIGITS = 9
"""Longest count."""


def parse(text: str) -> Invocation | None:
    """The invocation that ``text`` stands for; None for a blank line or a comment (``#``).

    Raises CommandError, in one line that names the argument at fault and shows the usage.
    """
    word = next_word(text, 0)
    if word is None or text[word.start] == "#":
        return None
    try:
        check_text(text)
    except ValueError as error:
        raise CommandError(str(error)) from None
    command = find(word.text)
    if command is None:
        raise unknown_command(word.text)
    values, flags = _arguments(text, word.stop, command)
    return Invocation(command, values, yes="--yes" in flags, flags=frozenset(flags - {"--yes"}))


def unknown_command(name: str) -> CommandError:
    """The error for a name that is no command's, with the nearest that is, or with what explains it."""
    likely, term = nearest(name), find_term(name)
    hint = f'did you mean "{likely}"?' if likely else "help lists them all"
    if term is not None:
        hint = f"it is a word that help {term.name} explains"
    return CommandError(f"{quoted(_short(name))} is not a command: {hint}")


def _unknown_topic(words: str) -> str:
    """Why ``help`` has nothing to say about ``words``, and what is nearest to them."""
    likely = nearest_of(words, [*NAMES, *(term.name for term in TERMS)])
    hint = f'did you mean "help {likely}"?' if likely else "help lists what it can explain"
    return f"{quoted(_short(words))} is neither a command nor a word that help knows: {hint}"


def _arguments(text: str, at: int, command: Command) -> tuple[dict[str, str], set[str]]:
    values: dict[str, str] = {}
    flags: set[str] = set()
    waiting = list(command.arguments)
    while True:
        word = next_word(text, at)
        if word is None:
            break
        if _is_flag(word, command):
            flags.add(_flag(word, command))
            at = word.stop
            continue
        setting = _setting(word, command)
        if setting is not None:
            if setting.name in values:
                raise _error(command, setting, "given twice")
            _check_quotes(text, word, setting, command)
            values[setting.name] = _checked(word.text[len(setting.name) + 1 :], setting, command)
            at = word.stop
            continue
        if not waiting:
            raise _too_many(command)
        argument = waiting.pop(0)
        if argument.rest:
            word = rest_of(text, at) or word
        _check_quotes(text, word, argument, command)
        values[argument.name] = _checked(word.text, argument, command)
        at = word.stop
    for argument in waiting:
        if not argument.optional:
            bare = None if values or flags else command
            raise _error(command, argument, "missing", bare)
    return values, flags


def _is_flag(word: Word, command: Command) -> bool:
    return bool(command.switches) and not word.quote and word.text.startswith("--")


def _flag(word: Word, command: Command) -> str:
    names = [flag.name for flag in command.switches]
    if word.text not in names:
        raise CommandError(
            f"{command.name} does not know {harmless(_short(word.text))}, only {', '.join(names)}. {_usage(command)}"
        )
    return word.text


def _setting(word: Word, command: Command) -> Argument | None:
    """Which setting a word ``name=value`` sets; None for a word that is none. Quotes may stand round all of it."""
    name, equals, _ = word.text.partition("=")
    if not command.settings or not equals:
        return None
    found = next((setting for setting in command.settings if setting.name == name.lower()), None)
    if found is None:
        names = ", ".join(setting.name for setting in command.settings)
        raise CommandError(f"{command.name} has no setting {quoted(_short(name))}, only {names}. {_usage(command)}")
    return found


def _check_quotes(text: str, word: Word, argument: Argument, command: Command) -> None:
    if word.problem:
        raise _error(command, argument, word.problem)
    if not word.closed:
        raise _error(command, argument, f"the {word.quote} that opens it is never closed")
    if word.quote and word.stop < len(text) and not text[word.stop].isspace():
        raise _error(command, argument, f"a space must follow the closing {word.quote}")


def _checked(value: str, argument: Argument, command: Command) -> str:
    """``value`` as its handler may rely on it."""
    match argument.kind:
        case Kind.NODE | Kind.NEW_NODE:
            if not value or not value.isprintable() or " " in value:
                raise _error(command, argument, "a node's id has visible characters and no space")
        case Kind.ADDRESS:
            try:
                parse_address(value)
            except ValueError as error:
                raise _error(command, argument, f"{error}, not {quoted(_short(value))}") from None
        case Kind.COUNT | Kind.NUMBER:
            least = 1 if argument.kind is Kind.COUNT else 0
            if not (value.isascii() and value.isdigit() and len(value) <= COUNT_DIGITS and int(value) >= least):
                raise _error(command, argument, f"a whole number from {least}, not {quoted(_short(value))}")
        case Kind.CHOICE:
            if value.lower() not in argument.choices:
                raise _error(command, argument, f"{' or '.join(argument.choices)}, not {quoted(_short(value))}")
            return value.lower()
        case Kind.KEY:
            if not value and not argument.optional:
                raise _error(command, argument, "a key can't be empty")
        case Kind.FILE:
            if not value or "\0" in value:
                raise _error(command, argument, "the name of a file")
        case Kind.TOPIC:
            if find(value) is None and find_term(value) is None:
                raise CommandError(f"{argument.name}: {_unknown_topic(value)}", argument.name)
        case Kind.VALUE | Kind.TEXT:
            pass
    return value


def _too_many(command: Command) -> CommandError:
    if command.settings:
        return CommandError(f"{command.name}: after its arguments come settings, name=value. {_usage(command)}")
    if not command.arguments:
        return CommandError(f"{command.name} takes no arguments. {_usage(command)}")
    last = command.arguments[-1]
    quotes = "; put quotes round one that holds spaces" if last.kind is Kind.KEY else ""
    return CommandError(
        f"{last.name}: something is left after {last.placeholder}{quotes}. {_usage(command)}", last.name
    )


def _error(command: Command, argument: Argument, problem: str, bare: Command | None = None) -> CommandError:
    return CommandError(f"{argument.name}: {problem}. {_usage(command)}", argument.name, bare)


def _usage(command: Command) -> str:
    return f"Usage: {usage_line(command)}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
