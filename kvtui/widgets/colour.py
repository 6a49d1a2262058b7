"""Colours as plain triples, for what is drawn cell by cell."""

from functools import lru_cache

RGB = tuple[int, int, int]
"""Red, green and blue, 0..255."""


def blend(colour: RGB, other: RGB, part: float) -> RGB:
    """``colour`` with ``part`` (0..1) of ``other`` mixed in."""
    keep = 1.0 - part
    return (
        round(colour[0] * keep + other[0] * part),
        round(colour[1] * keep + other[1] * part),
        round(colour[2] * keep + other[2] * part),
    )


def distance(colour: RGB, other: RGB) -> int:
    """How far apart two colours look: the square of a weighted distance, green counting most."""
    red, green, blue = colour[0] - other[0], colour[1] - other[1], colour[2] - other[2]
    return 3 * red * red + 4 * green * green + 2 * blue * blue


def luminance(colour: RGB) -> float:
    """How bright a colour is, 0..1, as WCAG counts it."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=256)
def legible(colour: RGB, background: RGB, text: RGB, least: float) -> RGB:
    """The colour, or so much of the text's colour mixed in that it has a contrast of ``least`` (1..21) to the background."""
    ground = luminance(background)
    for tenths in range(10):
        mixed = blend(colour, text, tenths / 10)
        low, high = sorted((luminance(mixed), ground))
        if (high + 0.05) / (low + 0.05) >= least:
            return mixed
    return text
