"""Whether every key is on as many nodes as it is to be, and nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvtui.core.naming import nodes

if TYPE_CHECKING:
    from kvtui.core.snapshot import ClusterSnapshot


def settled(picture: ClusterSnapshot) -> bool:
    """Whether every slot is served, has as many clean copies as are wanted and possible, and none too many, and none moves."""
    whole = ((picture.copies_each, picture.slots),)
    served = not (picture.stopped or picture.unavailable or picture.unwritable)
    return served and picture.clean_copies == whole and picture.moving is None


def settled_words(picture: ClusterSnapshot) -> str:
    """``every key is on 2 nodes now``."""
    wanted = f" ({picture.replication} wanted: add nodes)" if picture.copies_each < picture.replication else ""
    return f"every key is on {nodes(picture.copies_each)} now{wanted}"
