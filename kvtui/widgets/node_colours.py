"""Which node has which colour: stable for a node as long as it is there, whoever comes and goes beside it."""

import re
from collections.abc import Iterable, Mapping
from zlib import crc32

from kvtui.widgets.colour import RGB

DARK: tuple[RGB, ...] = (
    (92, 140, 250), (240, 178, 50), (70, 208, 170), (226, 70, 80), (178, 140, 255), (168, 212, 72),
    (60, 190, 230), (255, 146, 84), (236, 130, 200), (120, 200, 110), (220, 200, 120), (150, 170, 200),
)  # fmt: skip
"""On a dark background. Neighbours in the list differ in hue and in lightness, so that grey shades differ as well."""

LIGHT: tuple[RGB, ...] = (
    (36, 92, 214), (190, 120, 0), (0, 104, 84), (222, 60, 60), (116, 68, 206), (92, 132, 0),
    (0, 118, 160), (222, 84, 0), (180, 48, 136), (36, 124, 40), (132, 108, 16), (84, 104, 136),
)  # fmt: skip
"""On a light background."""

COUNT = len(DARK)

_NUMBERED = re.compile(r"(\d+)$")


def preferred(node: str) -> int:
    """The colour that a node would have if it were alone: A, B, C… and n1, n2, n3… count up, others by their hash."""
    if len(node) == 1 and node.isascii() and node.isalpha():
        return (ord(node.upper()) - ord("A")) % COUNT
    numbered = _NUMBERED.search(node)
    if numbered:
        return (int(numbered[1][-6:]) - 1) % COUNT
    return crc32(node.encode("utf-8", "surrogatepass")) % COUNT


def assign(known: Mapping[str, int], nodes: Iterable[str]) -> dict[str, int]:
    """Colours, as places in the list, of ``nodes``: those of ``known`` stay, others get the next free from their preferred.

    With more nodes than colours, the extra ones share their preferred colour with another: labels tell them apart.
    """
    wanted = list(nodes)
    colours = {node: known[node] for node in wanted if node in known}
    taken = set(colours.values())
    for node in wanted:
        if node in colours:
            continue
        first = preferred(node)
        free = next((at % COUNT for at in range(first, first + COUNT) if at % COUNT not in taken), first)
        colours[node] = free
        taken.add(free)
    return colours
