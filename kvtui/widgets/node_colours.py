"""Which node has which colour: stable for a node as long as it is there, whoever comes and goes beside it."""

import re
from collections.abc import Iterable, Mapping
from zlib import crc32

from kvtui.widgets.colour import RGB

DARK: tuple[RGB, ...] = (
    (43, 133, 237), (252, 186, 13), (58, 200, 161), (229, 105, 35), (192, 163, 230), (90, 236, 250),
    (178, 115, 155), (194, 227, 165), (154, 212, 114), (255, 144, 18), (101, 149, 94), (139, 149, 242),
)  # fmt: skip
"""On a dark background. Found by search in OKLCH, in bands of lightness and chroma that are narrow enough for an even look and
wide enough for who sees two of three colours: the first eight are told apart without letters, by everyone; the first four by
their greys as well."""

LIGHT: tuple[RGB, ...] = (
    (64, 43, 166), (220, 112, 8), (28, 139, 128), (195, 48, 49), (150, 78, 197), (40, 145, 253),
    (155, 43, 133), (115, 154, 97), (126, 13, 124), (181, 100, 215), (154, 7, 75), (29, 116, 12),
)  # fmt: skip
"""The same on a light background."""

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
