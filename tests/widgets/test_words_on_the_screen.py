"""No word stands on the screen that ``help`` does not know, but for those that everybody knows."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from kvtui.commands.glossary import FORMS
from kvtui.commands.registry import NAMES
from tests.widgets.on_screen import LABELS

EVERYDAY = frozenset((Path(__file__).parent / "everyday_words.txt").read_text().split())
"""English that needs no explanation, and what the made-up clusters are called. A word of kvtui's own does not belong here: give it
a place in ``kvtui/commands/glossary``."""
KNOWN = EVERYDAY | {*NAMES, *FORMS}
WORD = re.compile(r"[a-zµ][a-zµ'/-]*[a-z]")
EXPLAINED = re.compile(
    r"(?<![\w-])(?:" + "|".join(map(re.escape, sorted(FORMS, key=len, reverse=True))) + r")(?![\w-])"
)
"""Words that belong together count as that."""

ASIDE = re.compile(r"\S*…|0x\w+|\$\w+|\[/?\$?\w*\]|\S+\.json|kvtui-check\S*")
"""What is cut, numbers, markup, names of files."""


def bases(word: str) -> Iterator[str]:
    """The word itself, and what it may be a form of: ``answers``, ``stopped``, ``copies``, ``writing``."""
    yield word
    for ending, instead in (
        ("s", ""),
        ("es", ""),
        ("ies", "y"),
        ("d", ""),
        ("ed", ""),
        ("ied", "y"),
        ("ing", ""),
        ("ing", "e"),
    ):
        if word.endswith(ending):
            base = word.removesuffix(ending) + instead
            yield base
            if not instead and base[-1:] == base[-2:-1]:
                yield base[:-1]


def unexplained(texts: Iterable[str]) -> dict[str, str]:
    """Words that nothing explains, each with a text that it stands in."""
    found: dict[str, str] = {}
    for text in texts:
        for word in WORD.findall(EXPLAINED.sub(" ", ASIDE.sub(" ", text.casefold()))):
            if not any(base in KNOWN for base in bases(word)):
                found.setdefault(word, text.strip())
    return found


@pytest.mark.parametrize("where", LABELS)
def test_every_word_is_everyday_or_explained(where: str) -> None:
    assert unexplained(LABELS[where]()) == {}


def test_a_new_label_that_nothing_explains_is_noticed() -> None:
    assert unexplained(["every key on 2 nodes", "flux 12   hints 3"]) == {"flux": "flux 12   hints 3"}
    assert unexplained(["first replica of 33.4% of the ring", "read repair"]) == {}


def test_what_is_explained_is_no_everyday_word() -> None:
    assert EVERYDAY & {*FORMS, *NAMES} == set()
