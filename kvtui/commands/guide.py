"""help and exit."""

from __future__ import annotations

from collections.abc import Callable

from kvtui.commands.command import Argument, Command, Invocation, Kind, usage_line
from kvtui.commands.context import Context, Line
from kvtui.core.cluster import Cluster


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


async def leave(_invocation: Invocation, context: Context) -> bool:
    """``exit``."""
    context.leave()
    return True


def commands(registry: Callable[[], tuple[Command, ...]]) -> tuple[Command, ...]:
    """help and exit, for the ``registry`` that they are part of: it is complete only once they are in it."""

    async def help_(invocation: Invocation, context: Context) -> bool:
        """``help``: every command of this cluster, or one in full."""
        name = invocation.values.get("command", "").lower()
        command = next((known for known in registry() if name in (known.name, *known.aliases)), None)
        if command is None and context.overview is not None:
            context.overview()
            return True
        lines = command_help(command) if command else overview(registry(), context.cluster)
        for line in lines:
            context.say(Line(line))
        return True

    return (
        Command(
            "help",
            (Argument("command", "the command to explain", Kind.COMMAND, optional=True),),
            "List the commands, or explain one",
            "",
            help_,
            changes=False,
        ),
        Command(
            "exit",
            (),
            "Leave kvtui",
            "The nodes that kvtui started stop with it; what they store is there again the next time.",
            leave,
            aliases=("quit",),
            changes=False,
        ),
    )
