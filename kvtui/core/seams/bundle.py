"""The seams that a coordinator runs on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kvtui.core.authentication import Secret
from kvtui.core.seams.chance import Random
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.launcher import Launcher
from kvtui.core.seams.storage import OpenEngine
from kvtui.core.seams.transport import Transport


@dataclass(frozen=True, slots=True)
class Seams:
    """One implementation of each seam."""

    transport: Transport
    clock: Clock
    random: Random
    launcher: Launcher
    open_engine: OpenEngine
    home: Callable[[Path], str] = str
    """What tells a directory from a copy of it."""
    admit: Callable[[Path], Sequence[str]] = lambda _: ()
    """Checks that nobody else can have prepared a state directory; returns warnings. Raises UnsafeDirectory."""
    secret: Secret | None = None
    """What nodes that others started must prove to know; without it they are on this machine. Those that are started here have one
    of their own, which this process alone knows."""
