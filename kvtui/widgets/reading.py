"""What is said while a long answer is read: how much there is below, how to get there, and how back."""

from rich.cells import cell_len


def reading_words(below: int, width: int, page: str) -> str:
    """The fullest words that ``width`` cells have room for; ``page`` is the key that goes on."""
    if not below:
        return fullest(("end of the answer · Esc back", "end · Esc back", "Esc back"), width)
    lines = f"{below:,} more line{'' if below == 1 else 's'}"
    ways = (
        f"{lines} below: {page} · Esc back",
        f"{lines}: {page} · Esc back",
        f"{below:,} more: {page}, Esc back",
        f"{below:,} more: {page}, Esc",
        f"{below:,} {page}, Esc",
    )
    return fullest(ways, width)


def fullest(ways: tuple[str, ...], width: int) -> str:
    """The first of some ways to say it, the fullest first, that has room; the last where none has."""
    return next((way for way in ways if cell_len(way) <= width), ways[-1])
