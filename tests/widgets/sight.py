"""How colours look to people: distances in OKLab, with each kind of colour vision, and contrast as WCAG counts it."""

from functools import cache

from coloraide import Color

from kvtui.widgets.colour import RGB

SIGHTS = ("all three", "protan", "deutan", "tritan")
"""Colour vision with all three kinds of cones, and without one of them."""


def colour(rgb: RGB) -> Color:
    return Color("srgb", [part / 255 for part in rgb])


@cache
def seen(rgb: RGB, sight: str) -> Color:
    """A colour as someone sees it."""
    if sight == SIGHTS[0]:
        return colour(rgb)
    return colour(rgb).filter(sight).clip()


def apart(one: RGB, other: RGB, sight: str) -> float:
    """How different two colours look: 0.02 is just noticed side by side, 1 is black beside white."""
    return float(seen(one, sight).delta_e(seen(other, sight), method="ok"))


def contrast(one: RGB, other: RGB) -> float:
    """1 to 21; what is no text needs 3."""
    return float(colour(one).contrast(colour(other), method="wcag21"))


def grey(rgb: RGB) -> float:
    """0..255, as a screen without colours shows it."""
    red, green, blue = rgb
    return 0.299 * red + 0.587 * green + 0.114 * blue
