"""What the store guarantees at this moment, in words: the effective guarantee, not the one that is aimed at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvtui.core.naming import NAMED, awaited, nodes, slots
from kvtui.core.read_mode import ReadMode

if TYPE_CHECKING:
    from kvtui.core.snapshot import ClusterSnapshot


def guarantee(picture: ClusterSnapshot) -> str:
    """Such as ``every acknowledged write on 2 nodes; no stale reads``."""
    if picture.stopped:
        return "none from here: kvtui stopped serving"
    if not picture.clean_copies:
        return "none yet: there are no nodes"
    reads = "no stale reads" if picture.reads is ReadMode.STRICT else "reads may be stale, and say so"
    kept = "" if picture.durable else "; in memory only"
    return f"{_copies(picture)}; {reads}{kept}"


def weakened(picture: ClusterSnapshot) -> bool:
    """Whether it is less than the cluster's nodes and settings make possible."""
    if picture.stopped or picture.lost or picture.unavailable or picture.unwritable:
        return True
    return any(copies < picture.copies_each for copies, _ in picture.clean_copies)


def strength(picture: ClusterSnapshot) -> tuple[int, ...]:
    """Compares guarantees: the smaller tuple promises less. What reads do is as a person chose it, and no part of it."""
    fewest = min((copies for copies, _ in picture.clean_copies if copies), default=0)
    return (not picture.stopped, -picture.lost, -picture.unavailable, -picture.unwritable, fewest)


def unserved(picture: ClusterSnapshot, most: int = NAMED) -> str:
    """Such as ``2,870 slots can't be served: they wait for A and B``, with at most so many nodes named; empty where all are served.
    With ``available`` reads some answer what may be old."""
    if not picture.unavailable:
        return ""
    stale = picture.stale_at_best if picture.reads is ReadMode.AVAILABLE else 0
    if not stale:
        told = f"{slots(picture.unavailable)} can't be served"
    elif stale == picture.unavailable:
        told = f"{slots(stale)} {'answers stale and takes' if stale == 1 else 'answer stale and take'} no writes"
    else:
        told = f"{slots(picture.unavailable - stale)} can't be served, {slots(stale)} stale at best"
    return f"{told}: {_wait(picture.unavailable)} for {awaited(picture.waits_for, most)}"


def unwritten(picture: ClusterSnapshot, most: int = NAMED) -> str:
    """Such as ``2,870 slots take no writes: they wait for A and B``; empty where all do that can be read."""
    if not picture.unwritable:
        return ""
    take = "takes" if picture.unwritable == 1 else "take"
    waiting = (
        f": {_wait(picture.unwritable)} for {awaited(picture.writes_wait_for, most)}" if picture.writes_wait_for else ""
    )
    return f"{slots(picture.unwritable)} {take} no writes{waiting}"


def _wait(number: int) -> str:
    return "it waits" if number == 1 else "they wait"


def _copies(picture: ClusterSnapshot) -> str:
    sizes = [(copies, number) for copies, number in picture.clean_copies if copies]
    lost = f"{slots(picture.lost)} lost" if picture.lost else ""
    worse = [text for text in (lost, unserved(picture), unwritten(picture)) if text]
    if not sizes:
        return "; ".join(worse)
    fewest, number = sizes[0]
    # Those that can't be served are told already.
    number = max(0, number - picture.unavailable)
    wanted = f" ({picture.replication} wanted)" if fewest <= picture.copies_each < picture.replication else ""
    if fewest < picture.copies_each and not number:
        return "; ".join(worse)
    if fewest < picture.copies_each and number < picture.slots:
        said = f"{slots(number)} on {nodes(fewest)} only"
    else:
        only = " only" if fewest < picture.copies_each else ""
        what = "the rest" if picture.lost or picture.unavailable else "every acknowledged write"
        said = f"{what} on {nodes(fewest)}{only}{wanted}"
    return "; ".join([*worse, said])
