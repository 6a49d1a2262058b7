"""How far a long command is, in one line."""

from kvtui.commands.wording import harmless
from kvtui.widgets.bars import progress_bar
from kvtui.widgets.reading import fullest
from kvtui.widgets.words import in_words

BAR = 16
TEXT_MOST = 40


def progress_line(text: str, done: int, total: int, hint: str, width: int) -> str:
    """What is under way, a bar, a percentage, and what to do about it (``hint``, or nothing), as much as ``width`` cells have room
    for. ``total`` 0: it is not known, and ``done`` stands for itself. Empty where nothing is under way."""
    if not text:
        return ""
    words = in_words(harmless(text), TEXT_MOST)
    if not total:
        figures = f"{done:,}"
        return fullest(
            (_joined(f"{words} {figures}", hint), _joined(words, hint), _joined(figures, hint), words), width
        )
    part = f"{done / total:.0%}"
    filled, left = progress_bar(done / total, BAR)
    ways = (
        _joined(f"{words} {filled}{left} {part:>4}", hint),
        _joined(f"{words} {part}", hint),
        _joined(words, hint),
        _joined(part, hint),
        part,
    )
    return fullest(ways, width)


def _joined(words: str, hint: str) -> str:
    return f"{words}  {hint}" if hint else words
