"""What the replicas of a key hold, in words: who answered, who was not asked, who gave no answer, who may lack writes."""

from __future__ import annotations

from collections.abc import Iterable

from kvtui.commands.wording import harmless
from kvtui.core.cluster import Heard, ReplicaCopy
from kvtui.core.version import NEVER, Version


def newest_of(copies: Iterable[ReplicaCopy]) -> Version:
    """The newest version that any of them told; (0, 0) where none did."""
    return max((copy.version for copy in copies if copy.version is not None), default=NEVER)


def held_words(copy: ReplicaCopy, newest: Version = NEVER) -> str:
    """``version 4.17``, ``deleted at version 4.18``, ``not asked (it is down)``, ``no answer``; ``version 4.17, older than 4.18``
    where another one told that."""
    if copy.version is None:
        heard = Heard.NO_ANSWER if copy.heard is Heard.ANSWERED else copy.heard
        return f"{heard} ({harmless(copy.why)})" if copy.why else str(heard)
    if copy.version == NEVER:
        return "never had it"
    older = f", older than {newest}" if is_older(copy, newest) else ""
    return f"{'deleted at version' if copy.deleted else 'version'} {copy.version}{older}"


def is_older(copy: ReplicaCopy, newest: Version) -> bool:
    """Whether it holds less than another replica; one that is being filled may."""
    return copy.version is not None and copy.version < newest and not copy.receiving


def copy_words(copy: ReplicaCopy, newest: Version = NEVER) -> str:
    """What a replica holds of a key, and whether it counts: ``version 4.17, behind``, ``not asked (it is down), clean``."""
    notes = [held_words(copy, newest)]
    if copy.receiving:
        notes.append("being filled")
    elif not copy.clean:
        notes.append("behind")
    elif copy.version is None:
        notes.append("clean")
    return ", ".join(notes)


def copy_is_fine(copy: ReplicaCopy, newest: Version = NEVER) -> bool:
    """Whether the replica answers and is clean, or on its way to be."""
    return copy.version is not None and (copy.clean or copy.receiving) and not is_older(copy, newest)
