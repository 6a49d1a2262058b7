"""Colours as plain triples, for what is drawn cell by cell."""

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
