"""A small mistake, as somebody might make it: where it is, what it is, and which promise it breaks."""

from dataclasses import dataclass
from typing import Final

PROMISES: Final = {
    1: "versions are a total order, and replicas keep the newest",
    2: "an acknowledged write is on every clean replica, and only clean replicas answer unflagged",
    3: "ok, failed and unknown are what they say, and what is unknown is cleared up by the next read",
    4: "who was away is made equal to the clean set, and what it lost is noticed",
    5: "a deleted key stays deleted, and its tombstone goes when nobody needs it any more",
    6: "a range moves step by step, each logged before it acts, and nothing is deleted before its end",
    7: "who is down is not removed, and nothing throws the last copy away unasked",
    8: "there is one writer, and who is superseded changes nothing",
    9: "what was acknowledged is on disk, and what is damaged is never served",
    10: "nobody gets in who may not",
    11: "nothing waits for ever, or takes memory without a limit",
    12: "what kvtui says of its state is so",
}
"""What the store promises, in a few words each."""


class Unfit(Exception):
    """The mutant does not fit the product any more; the text says in one line why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """``where`` names a function, method, class or constant of kvtui by the end of its dotted path, as much of it as is needed to
    tell it from others: ``Ledger.spoil``, ``quorum.may_shrink``.

    ``old`` is replaced there by ``new``: it occurs once, whatever its white space. Without ``old``, ``new`` is the whole body.
    ``promise`` is the number in ``PROMISES`` of what is broken; ``story`` what goes wrong, in a line.
    ``shown_by``: the scenario's function in ``tests/mutants/scenarios/<area>.py``, if it has another name than the mutant.
    """

    name: str
    where: str
    promise: int
    story: str
    new: str
    old: str = ""
    shown_by: str = ""
    simulated: bool = True
    """The simulation runs what it breaks, and is to catch it. If not, its story or its area says why."""
