"""The words that stand on the screen: each in two sentences, and what it is of this cluster now."""

from __future__ import annotations

from kvtui.commands.glossary import cluster, figures, nodes, placement, safety, screen
from kvtui.commands.glossary.term import Term
from kvtui.core.snapshot import ClusterSnapshot

__all__ = ["FORMS", "TERMS", "Term", "find_term", "term_lines"]

TERMS: tuple[Term, ...] = (*placement.TERMS, *safety.TERMS, *nodes.TERMS, *cluster.TERMS, *figures.TERMS, *screen.TERMS)
"""In the order in which they are best understood."""

_BY_NAME = {name: term for term in TERMS for name in (term.name, *term.aliases)}
assert len(_BY_NAME) == sum(1 + len(term.aliases) for term in TERMS), "two terms share a word"
FORMS: tuple[str, ...] = tuple(_BY_NAME)
"""Every word that can be asked for."""


def find_term(words: str) -> Term | None:
    """The term of that name, or of another form of it, in capitals or not; None if there is none."""
    return _BY_NAME.get(" ".join(words.casefold().split()))


def term_lines(term: Term, picture: ClusterSnapshot) -> list[str]:
    """What a term means, and what it is now."""
    return [f"{term.name}: {term.text}", f"  {term.now(picture)}"]
