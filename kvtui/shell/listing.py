"""What Tab lists at the prompt, in lines."""

from __future__ import annotations

from collections.abc import Sequence

from kvtui.commands import Candidate
from kvtui.commands.wording import harmless


def listed(candidates: Sequence[Candidate], columns: int) -> list[str]:
    """A line each where there is something to say about them, else as many on a line as fit in ``columns``."""
    words = [harmless(candidate.word) for candidate in candidates]
    width = max(map(len, words), default=0)
    if any(candidate.help for candidate in candidates):
        lines = [f"{word:<{width}}   {found.help}".rstrip() for word, found in zip(words, candidates, strict=True)]
        return [line if len(line) < columns else line[: max(1, columns - 2)] + "…" for line in lines]
    each = max(1, columns // (width + 2))
    rows = [words[at : at + each] for at in range(0, len(words), each)]
    return ["  ".join(f"{word:<{width}}" for word in row).rstrip() for row in rows]
