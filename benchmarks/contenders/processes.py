"""What the processes below this one use, as Linux tells it; nothing elsewhere."""

import os
from pathlib import Path

_PROC = Path("/proc")


def descendants() -> list[int]:
    """Their process numbers."""
    parents: dict[int, int] = {}
    for entry in _PROC.glob("[0-9]*/stat"):
        if (fields := _stat(entry)) is not None:
            parents[int(entry.parent.name)] = int(fields[1])
    found, below = [], {os.getpid()}
    while below := {child for child, parent in parents.items() if parent in below}:
        found += sorted(below)
    return found


def processor_seconds(of: list[int]) -> float:
    """User and system time that these processes have taken."""
    ticks = 0
    for number in of:
        if (fields := _stat(_PROC / str(number) / "stat")) is not None:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes(of: list[int]) -> int:
    """Memory that these processes hold."""
    total = 0
    for number in of:
        try:
            pages = int((_PROC / str(number) / "statm").read_text().split()[1])
        except OSError:
            continue
        total += pages * os.sysconf("SC_PAGE_SIZE")
    return total


def _stat(file: Path) -> list[str] | None:
    """The fields after the command's name, which may hold blanks."""
    try:
        return file.read_text().rpartition(")")[2].split()
    except OSError:
        return None
