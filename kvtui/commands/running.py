"""Running an invocation so that whatever happens ends in words."""

from __future__ import annotations

import logging

from kvtui.commands.command import CommandError, Invocation
from kvtui.commands.context import Context, Line
from kvtui.commands.readonly import refusal
from kvtui.commands.wording import harmless
from kvtui.core.cluster import ClusterError
from kvtui.core.defect_place import kind_and_place
from kvtui.core.events import Level

_log = logging.getLogger(__name__)


async def run(invocation: Invocation, context: Context) -> bool:
    """Run a command; True when it succeeded. What went wrong is said in lines of level BAD; only cancellation is raised."""
    command = invocation.command
    if context.readonly and invocation.changes:
        context.say(Line(refusal(command), Level.BAD))
        return False
    if command.capability is not None and not isinstance(context.cluster, command.capability):
        context.say(Line(f"{command.name}: this cluster can't do that", Level.BAD))
        return False
    try:
        return await command.handler(invocation, context)
    except (ClusterError, CommandError) as error:
        context.say(Line(harmless(str(error)), Level.BAD))
    except Exception as error:
        text = f"{command.name}: {defect(error)}"
        _log.error("%s", text)
        context.say(Line(text, Level.BAD))
    return False


def defect(error: Exception) -> str:
    """An exception that nobody expected, without its message, which may hold a value."""
    return f"a defect of kvtui stopped it ({kind_and_place(error)}); please report it"
