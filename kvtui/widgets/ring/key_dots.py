"""The keys' dots as cells: each in the colour of the node that serves it."""

import math
from collections.abc import Sequence

from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc
from kvtui.widgets.ring.cells import Overlay
from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.dots import BRAILLE, dust, strewn
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.samples import STEPS
from kvtui.widgets.ring.view import View

SHARE_PARTS = 128
"""Equal parts of the ring that keys are spread over where arcs are put together by node."""


def key_dots(picture: Picture, view: View, arcs: Sequence[Arc], circle: Circle, glyphs: Glyphs) -> Overlay:
    """A cell for every group of dots."""
    rows: Overlay = {}
    density = _share_density(picture, arcs) if view is View.SHARE else picture.snapshot.density
    if not density or not any(density):
        return rows
    servers = _servers(arcs)
    centre_x, centre_y = circle.centre
    for (x, y), bits in strewn(density, dust(circle)).items():
        step = int(_position(x + 0.5 - centre_x, 2 * y + 1 - centre_y) * STEPS) % STEPS
        server = servers[step]
        words = f"node:{picture.colours[server]}" if server in picture.colours else "dim"
        glyph = chr(BRAILLE | bits) if glyphs is Glyphs.QUADRANTS else "·" if glyphs is Glyphs.HALVES else "."
        rows.setdefault(y, {})[x] = glyph, words
    return rows


def _servers(arcs: Sequence[Arc]) -> list[str]:
    """The node that serves each step."""
    servers = [""] * STEPS
    for arc in arcs:
        first, last = round(arc.start * STEPS), round(arc.stop * STEPS)
        servers[first:last] = [arc.node] * (last - first)
        if arc.hollow and arc.follower and not arc.dimmed:
            taken = round(arc.reach * (last - first))
            servers[first : first + taken] = [arc.follower] * taken
    return servers


def _position(x: float, y: float) -> float:
    return math.atan2(x, -y) / (2 * math.pi) % 1.0


def _share_density(picture: Picture, arcs: Sequence[Arc]) -> list[int]:
    """Keys by share: there a key's place says nothing but whose it is."""
    return [math.ceil(picture.snapshot.keys / SHARE_PARTS)] * SHARE_PARTS if arcs else []
