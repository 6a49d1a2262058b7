"""What ``--readonly`` refuses."""

from kvtui.commands.command import Command


def refusal(command: Command) -> str:
    """Why a command that changes something is not run, and what to do about it."""
    return f"{command.name}: refused, kvtui runs with --readonly; leave, and start without it"
