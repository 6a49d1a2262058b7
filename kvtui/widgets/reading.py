"""What is said while a long answer is read: how much there is below, how to get there, and how back."""

from rich.cells import cell_len

WAY_BACK = ("Esc back",)


def reading_ways(below: int, page: str) -> tuple[str, ...]:
    """Ways to say it, the fullest first; ``page`` is the key that goes on."""
    if not below:
        return ("end of the answer · Esc back", "end · Esc back", "Esc back")
    lines = f"{below:,} more line{'' if below == 1 else 's'}"
    return (
        f"{lines} below: {page} · Esc back",
        f"{lines}: {page} · Esc back",
        f"{below:,} more: {page}, Esc back",
        f"{below:,} more: {page}, Esc",
        f"{below:,} {page}, Esc",
    )


def fullest(ways: tuple[str, ...], width: int) -> str:
    """The first of some ways that has room; the last where none has."""
    return next((way for way in ways if cell_len(way) <= width), ways[-1])
