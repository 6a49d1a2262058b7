"""The keys inside the circle: a dust of dots where keys are, thinned when there are many."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from kvtui.widgets.ring.circle import Circle
from kvtui.widgets.ring.samples import band_cells

DUST_PART = 0.24
"""Part of the radius that the dust takes, from the band inwards."""
FULL = 0.26
"""Part of all places that hold a dot where keys are densest."""
BRAILLE = 0x2800
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille cell's dots, by row and column."""

Place = tuple[int, int, int]
"""Column, row and bit of one dot."""


@dataclass(frozen=True, slots=True)
class Dust:
    """Places for dots, by part of the ring, each part's in the order in which they are taken."""

    parts: tuple[tuple[Place, ...], ...]


@lru_cache(maxsize=4)
def dust(circle: Circle) -> Dust:
    """All places for dots inside a circle. Depends on the size alone; parts are as many as fit side by side."""
    outer = circle.inner - 0.6
    inner = max(0.0, outer - max(2.0, circle.outer * DUST_PART))
    count = max(8, int(math.pi * outer / 2))
    taken = {(cell.x, cell.y) for cell in band_cells(circle)}
    centre_x, centre_y = circle.centre
    parts: list[list[tuple[float, Place]]] = [[] for _ in range(count)]
    for y in range(circle.rows):
        for x in range(circle.columns):
            if (x, y) in taken:
                continue
            for row in range(4):
                for column in range(2):
                    across = x + 0.25 + column / 2 - centre_x
                    down = 2 * y + 0.25 + row / 2 - centre_y
                    radius = math.hypot(across, down)
                    if inner <= radius < outer:
                        part = int(math.atan2(across, -down) / (2 * math.pi) % 1.0 * count) % count
                        depth = (outer - radius) / (outer - inner)
                        order = _scatter(2 * x + column, 4 * y + row) + 1.1 * depth
                        parts[part].append((order, (x, y, BITS[row][column])))
    return Dust(tuple(tuple(place for _, place in sorted(places)) for places in parts))


def _scatter(x: int, y: int) -> float:
    """0..1, well mixed (an integer hash): places taken in this order look strewn."""
    mixed = (x * 0x9E3779B1 ^ y * 0x85EBCA77) & 0xFFFFFFFF
    mixed = ((mixed ^ mixed >> 15) * 0x2C1B3C6D) & 0xFFFFFFFF
    mixed = ((mixed ^ mixed >> 12) * 0x297A2D39) & 0xFFFFFFFF
    return (mixed ^ mixed >> 15) / 0xFFFFFFFF


def strewn(density: Sequence[int], places: Dust) -> dict[tuple[int, int], int]:
    """Bits of the dots by cell, for keys counted in equal parts of the ring.

    Every key has its dot while all fit; beyond that the densest part keeps ``FULL`` of its places and the others have theirs in
    proportion, at least one where there is a key.
    """
    counts = spread(density, len(places.parts))
    crowd = max((count / len(part) for count, part in zip(counts, places.parts, strict=True) if part), default=0.0)
    thinned = min(1.0, FULL / crowd) if crowd else 1.0
    bits: dict[tuple[int, int], int] = {}
    for count, part in zip(counts, places.parts, strict=True):
        if count <= 0:
            continue
        for x, y, bit in part[: max(1, round(count * thinned))]:
            bits[x, y] = bits.get((x, y), 0) | bit
    return bits


def spread(density: Sequence[int], parts: int) -> list[float]:
    """Counts in equal parts of the ring, recounted in another number of equal parts; the sum stays.

    A count that fits whole in one part goes there whole (to where its middle is), so that few keys are not smeared.
    """
    counts = [0.0] * parts
    if not density:
        return counts
    ratio = parts / len(density)
    for place, count in enumerate(density):
        if not count:
            continue
        if ratio <= 1 or count < ratio:
            counts[min(parts - 1, int((place + 0.5) * ratio))] += count
        else:
            first, last = int(place * ratio), max(int(place * ratio) + 1, int((place + 1) * ratio))
            for part in range(first, min(last, parts)):
                counts[part] += count / (last - first)
    return counts
