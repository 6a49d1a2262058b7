"""The colours of a theme that panels are drawn in, and the words by which text asks for them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from kvtui.widgets.colour import RGB, blend, legible
from kvtui.widgets.node_colours import DARK, LIGHT

Span = tuple[str, str]
"""A piece of text, and how it is drawn: words of ``Tints.style``, separated by spaces."""
Line = tuple[Span, ...]
"""A line of text."""
LEAST_CONTRAST = 3.5
"""Of words in colour to what is behind them; colours of themes that were made for areas are moved towards the text's."""


@dataclass(frozen=True)
class Tints:
    """Colours on one background."""

    dark: bool
    background: RGB
    text: RGB
    accent: RGB
    good: RGB
    warning: RGB
    bad: RGB

    @classmethod
    def of_theme(cls, theme: Theme, background: Color) -> "Tints":
        """The colours of a theme over a panel's own background."""

        def colour(name: str | None, otherwise: str) -> RGB:
            return Color.parse(name or otherwise).rgb

        text = colour(theme.foreground, "#e0e0e0" if theme.dark else "#202020")

        def word(name: str | None, otherwise: str) -> RGB:
            return legible(colour(name, otherwise), background.rgb, text, LEAST_CONTRAST)

        return cls(
            theme.dark,
            background.rgb,
            text,
            word(theme.accent or theme.primary, "#ffa62b"),
            word(theme.success, "#4ebf71"),
            word(theme.warning, "#ffa62b"),
            word(theme.error, "#ba3c5b"),
        )

    @cached_property
    def dim(self) -> RGB:
        """For words that explain."""
        return blend(self.text, self.background, 0.42)

    @cached_property
    def faint(self) -> RGB:
        """For what is hardly there: empty bars, a ring without nodes."""
        return blend(self.text, self.background, 0.84)

    def node(self, place: int) -> RGB:
        """A node's colour, by its place in the list of node colours."""
        colours = DARK if self.dark else LIGHT
        return colours[place % len(colours)]

    def style(self, words: str) -> Style:
        """What a span asks for: ``text dim faint accent good warning bad``, ``node:<place>``, ``bold``, ``reverse``."""
        return _style(self, words)

    def colour(self, word: str) -> RGB | None:
        """The colour of one such word, None for one that isn't a colour's."""
        if word.startswith("node:"):
            return self.node(int(word[5:]))
        named: dict[str, RGB] = {
            "text": self.text, "dim": self.dim, "faint": self.faint, "accent": self.accent,
            "good": self.good, "warning": self.warning, "bad": self.bad,
        }  # fmt: skip
        return named.get(word)


@lru_cache(maxsize=512)
def _style(tints: Tints, words: str) -> Style:
    colour, bold, reverse = tints.text, False, False
    for word in words.split():
        colour = tints.colour(word) or colour
        bold = bold or word == "bold"
        reverse = reverse or word == "reverse"
    return painted(colour, tints.background, bold, reverse)


@lru_cache(maxsize=4096)
def painted(colour: RGB, background: RGB, bold: bool = False, reverse: bool = False) -> Style:
    """A style of two colours."""
    return Style(color=RichColor.from_rgb(*colour), bgcolor=RichColor.from_rgb(*background), bold=bold, reverse=reverse)
