"""The signs that the ring is drawn with and what they mean: one table, for the legend beside the ring, for F1 and for ``help``."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Told:
    """How a sign looks, and what it says."""

    sample: str
    """Two cells or fewer that look like it."""
    name: str
    """What it is called where it stands in a text."""
    brief: str
    """What it says in few words, beside the ring."""
    meaning: str
    """What it says, for someone who sees it for the first time."""


class Sign(Enum):
    """Every sign of the ring, in the order in which they are best understood."""

    ARC = Told(
        "██",
        "coloured arc",
        "a node's first copies",
        "a range of the ring: its keys have their first copy on that node",
    )
    SHARE = Told(
        "██",
        "coloured arc (share)",
        "a node's share",
        "a node's share of the ring: its keys have their first copy there",
    )
    DOTS = Told("··", "dots inside", "keys", "keys, each where it is on the ring")
    KEY = Told("◆", "◆", "the key looked up", "the key that was looked up last; at a name, the node of its first copy")
    COPY = Told("◇", "◇", "another copy of it", "a node that holds another copy of that key")
    CHOSEN = Told(
        "••", "line from ◆ to ◇", "chosen for balance",
        "balanced ring: the nodes of a key's copies are chosen so that all nodes hold equally much, not by their place",
    )  # fmt: skip
    CLOCKWISE = Told(
        "••", "dots from ◆ to ◇", "clockwise to copies",
        "classic ring: clockwise from the key, the first virtual nodes of as many nodes as there are copies hold them",
    )  # fmt: skip
    SKIPPED = Told(
        "×", "×", "skipped: met before", "classic ring: a virtual node of a node that was met before on that way"
    )
    HOLLOW = Told("▌▐", "hollow arc", "away or behind", "the range's first node is down, or may lack writes")
    STANDS_IN = Told("▄▄", "its inner rim", "serves it now", "the node that serves a hollow arc now, with a later copy")
    WAITING = Told(
        "▌▞", "hollow, red stripes", "waits for its nodes",
        "clean copies of these keys are left, none can be reached: no gets and no puts until a node is back",
    )  # fmt: skip
    LOST = Told("▞▞", "full, red stripes", "lost", "no clean copy of these keys is left")
    STRIPES = Told("▚▚", "striped arc", "moving to that node", "a range that is on its way to the stripes' node")
    RIM = Told("▄▄", "inner rim", "later copies", "later copies, of the node in focus or of one that is being filled")
    UP = Told("●", "●", "node is up", "the node is up")
    FILLING = Told("◐", "◐", "node is being filled", "the node is up, and is being filled")
    LEAVING = Told("◑", "◑", "node is leaving", "the node is up, and gives its copies to the others before it leaves")
    SILENT = Told("◌", "◌", "node is silent", "the node has been silent for longer than an answer takes")
    DOWN = Told("○", "○", "node is down", "the node is down: others serve its keys, where they have a clean copy")
