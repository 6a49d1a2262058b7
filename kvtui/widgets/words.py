"""How numbers and long names are written in little room."""

from rich.cells import cell_len, chop_cells, set_cell_size


def percent(fraction: float) -> str:
    """``33.3%``; nothing behind the point from 100 on."""
    return f"{fraction:.0%}" if fraction >= 0.9995 or fraction == 0 else f"{fraction:.1%}"


def short(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, its end replaced by … where it is longer."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def in_words(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells; where it is longer, its first whole words and …; a first word without room is cut."""
    if cell_len(text) <= width:
        return text
    if width < 2:
        return "…"[:width]
    head = chop_cells(text, width - 1)[0]
    if text[len(head) : len(head) + 1] != " ":
        head = head[: head.rfind(" ")] if " " in head.strip() else head
    return f"{head.rstrip(' ,;:·')}…"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 node``, ``3 nodes``, ``10,332 keys``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def milliseconds(value: float) -> str:
    """A latency in milliseconds, in two digits or so."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.1 or value == 0 else f"{value:.2f}"
