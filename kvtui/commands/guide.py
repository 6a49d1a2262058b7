"""help and exit."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from kvtui.commands.command import Argument, Command, Invocation, Kind, usage_line
from kvtui.commands.context import Context, Line
from kvtui.commands.glossary import TERMS, find_term, term_lines
from kvtui.core.cluster import Cluster
from kvtui.core.snapshot import ClusterSnapshot


def overview(commands: tuple[Command, ...], cluster: Cluster) -> list[str]:
    """One line a command that this cluster has: usage and summary."""
    known = [command for command in commands if command.capability is None or isinstance(cluster, command.capability)]
    width = max(len(usage_line(command)) for command in known)
    return [f"{usage_line(command):<{width}}   {command.summary}" for command in known]


def command_help(command: Command) -> list[str]:
    """Usage, summary, arguments and details of one command."""
    lines = [f"{usage_line(command)}   {command.summary}"]
    rows = [(argument.placeholder, argument.help) for argument in command.arguments]
    rows += [(f"{setting.name}=", setting.help) for setting in command.settings]
    rows += [(flag.name, flag.help) for flag in command.switches]
    width = max((len(name) for name, _ in rows), default=0)
    lines += [f"  {name:<{width}}   {words}" for name, words in rows]
    if command.aliases:
        lines.append(f"  also: {', '.join(command.aliases)}")
    return [*lines, command.details] if command.details else lines


def words_known(columns: int) -> list[str]:
    """Every word that ``help`` explains, in lines of at most ``columns`` characters."""
    names = ", ".join(sorted(term.name for term in TERMS))
    return [
        "Words on the screen; help <word> says what one means, and what it is now:",
        *textwrap.wrap(names, max(20, columns), break_on_hyphens=False),
    ]


def topic_lines(words: str, registry: tuple[Command, ...], picture: ClusterSnapshot) -> list[str]:
    """What there is to say of a command, a word, or of what is both: the command first."""
    name, term = words.lower(), find_term(words)
    command = next((known for known in registry if name in (known.name, *known.aliases)), None)
    return [*(command_help(command) if command else ()), *(term_lines(term, picture) if term else ())]


async def leave(_invocation: Invocation, context: Context) -> bool:
    """``exit``."""
    context.leave()
    return True


def commands(registry: Callable[[], tuple[Command, ...]]) -> tuple[Command, ...]:
    """help and exit, for the ``registry`` that they are part of: it is complete only once they are in it."""

    async def help_(invocation: Invocation, context: Context) -> bool:
        """``help``: every command of this cluster and every word, or one of them in full."""
        words = invocation.values.get("word", "")
        if words:
            lines = topic_lines(words, registry(), context.cluster.snapshot())
        elif context.overview is not None:
            context.overview()
            return True
        else:
            lines = [*overview(registry(), context.cluster), *words_known(context.columns)]
        for line in lines:
            context.say(Line(line))
        return True

    return (
        Command(
            "help",
            (Argument("word", "a command, or a word that stands on the screen", Kind.TOPIC, optional=True, rest=True),),
            "List the commands, or explain one, or a word",
            "A word that stands on the screen (help slot, help virtual node) comes with what it is of this cluster now.",
            help_,
            changes=False,
        ),
        Command(
            "exit",
            (),
            "Leave kvtui",
            "The nodes that kvtui started stop with it, and what they store is there again the next time; with --memory it is gone."
            " A kvtui that is attached leaves alone: the others go on.",
            leave,
            aliases=("quit",),
            changes=False,
        ),
    )
