"""A node's share of the ring in words."""

from fractions import Fraction

from kvtui.core.ring import Classic, Ring

SHOWN_MOST = 20
"""Largest denominator that is shown; a finer share comes in percent."""


def share_words(ring: Ring, node: str) -> str:
    """``all of the ring``, ``1/3 of the ring``, ``about 1/3 of the ring`` where hashes decide; all shares together are 1,
    however many copies there are."""
    share = Fraction(ring.weights[node], sum(ring.weights.values()))
    if share == 1:
        return "all of the ring"
    about = "about " if isinstance(ring.policy, Classic) else ""
    return f"{about}{share if share.denominator <= SHOWN_MOST else f'{float(share):.1%}'} of the ring"
