"""Bars and sparklines out of eighth blocks."""

from collections.abc import Sequence

LEFT_EIGHTHS = " ▏▎▍▌▋▊▉█"
LOWER_EIGHTHS = "▁▂▃▄▅▆▇█"


def bar(fraction: float, width: int) -> tuple[str, str]:
    """A bar of ``width`` cells: its filled cells, the last in eighths, and the empty ones behind (as ``░``).

    Anything above zero shows at least an eighth.
    """
    eighths = round(min(1.0, max(0.0, fraction)) * width * 8)
    if fraction > 0:
        eighths = max(1, eighths)
    whole, part = divmod(eighths, 8)
    filled = LEFT_EIGHTHS[8] * whole + (LEFT_EIGHTHS[part] if part else "")
    return filled, "░" * (width - len(filled))


def marked(filled: str, empty: str, fraction: float) -> tuple[str, str, str, str]:
    """A bar of ``bar`` with a mark where ``fraction`` of its width is: (filled, empty) before it, and (filled, empty) behind it.

    The mark itself is one cell, and left out of all four.
    """
    width = len(filled) + len(empty)
    at = max(0, min(width - 1, round(fraction * width - 0.5)))
    cells = filled + empty
    edge = len(filled)
    return (
        cells[: min(at, edge)],
        cells[min(at, edge) : at],
        cells[at + 1 : max(at + 1, edge)],
        cells[max(at + 1, edge) :],
    )


def progress_bar(fraction: float, width: int) -> tuple[str, str]:
    """A thin bar in half cells: what is done, and what is left."""
    halves = round(min(1.0, max(0.0, fraction)) * width * 2)
    whole, half = divmod(halves, 2)
    done = "━" * whole + ("╸" if half else "")
    return done, "─" * (width - len(done))


def scale(most: int) -> int:
    """The end of a bar's scale: the least of 1, 2, 5, 10, 20, 50, … that holds ``most``; bars grow until they need the next."""
    end = 1
    while True:
        for step in (1, 2, 5):
            if step * end >= most:
                return step * end
        end *= 10


def sparkline(values: Sequence[float], width: int) -> str:
    """The last ``width`` values as bars from zero to the largest of them; blank in front while there are fewer."""
    shown = list(values[-width:]) if width > 0 else []
    top = max(shown, default=0.0)
    marks = "".join(
        LOWER_EIGHTHS[min(7, int(value / top * 7 + 0.5))] if top > 0 else LOWER_EIGHTHS[0] for value in shown
    )
    return marks.rjust(width)
