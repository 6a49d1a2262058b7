"""How many keys can be reached, in words: whatever counts keys says so where that is not all of them."""

from __future__ import annotations

from kvtui.commands.wording import counted
from kvtui.core.snapshot import ClusterSnapshot


def keys_words(picture: ClusterSnapshot) -> str:
    """``20,002 keys``; with slots that can't be served ``18,130 of 20,002 keys can be reached``, ``18,130 of about 20,002 …`` where
    some may have been written since those were counted, and ``18,130 keys can be reached`` where nobody counted them, or
    some are lost."""
    known = picture.known_keys
    if not picture.unavailable and not picture.lost:
        return counted(picture.keys, "key")
    last = picture.keys if known is None or picture.lost else known
    return f"{reached_words(picture)} {'key' if last == 1 else 'keys'} can be reached"


def reached_words(picture: ClusterSnapshot) -> str:
    """The numbers of that alone: ``18,130 of 20,002``, ``18,130 of about 20,002``, or ``18,130``."""
    if picture.known_keys is None or picture.lost:
        return f"{picture.keys:,}"
    return f"{picture.keys:,} of {known_words(picture)}"


def known_words(picture: ClusterSnapshot) -> str:
    """How many keys there are in all: ``20,002``, ``about 20,002``, ``not known``."""
    known = picture.known_keys
    if known is None:
        return "not known: those that can't be reached were not counted"
    return f"{'' if picture.unreachable_sure else 'about '}{known:,}"
