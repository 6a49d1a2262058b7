"""Numbers of bytes in few characters."""

from typing import Final

UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
"""Each is 1,024 of the one before."""


def size(number: int) -> str:
    """``512 B``, ``1.2 MiB``."""
    amount = float(number)
    for unit in UNITS:
        if amount < 999.5 or unit == UNITS[-1]:
            break
        amount /= 1024
    return f"{number:,} B" if unit == "B" else f"{amount:.1f} {unit}" if amount < 99.95 else f"{amount:.0f} {unit}"
