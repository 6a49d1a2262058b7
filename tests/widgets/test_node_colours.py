from collections.abc import Sequence
from itertools import combinations, pairwise

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from kvtui.widgets.colour import RGB
from kvtui.widgets.node_colours import COUNT, DARK, LIGHT, assign
from kvtui.widgets.themes import CONTRAST, DAY, NIGHT
from kvtui.widgets.tints import Tints
from tests.widgets.sight import SIGHTS, apart, colour, contrast, grey


def test_a_nodes_colour_stays_whoever_comes_and_goes() -> None:
    colours = assign({}, ["A", "n1", "B", "n2"])
    assert len(set(colours.values())) == 4, "A and n1 would both like the first"
    kept = assign(colours, ["n1", "n2", "C"])
    assert {node: kept[node] for node in ("n1", "n2")} == {node: colours[node] for node in ("n1", "n2")}
    back = assign(assign({}, ["A", "B", "C"]), ["C", "A", "B"])
    assert back == {"A": 0, "B": 1, "C": 2}


def test_as_many_nodes_as_colours_are_all_different() -> None:
    colours = assign({}, [f"host-{number}.example" for number in range(COUNT)])
    assert len(set(colours.values())) == COUNT


def test_more_nodes_than_colours_share_them() -> None:
    assert len(assign({}, [f"n{number}" for number in range(40)])) == 40


def pairs(colours: Sequence[RGB]) -> list[tuple[RGB, RGB]]:
    return list(combinations(colours, 2))


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colours", [DARK, LIGHT], ids=["dark", "light"])
def test_the_first_eight_colours_are_told_apart_by_everyone(colours: Sequence[RGB], sight: str) -> None:
    assert min(apart(one, other, sight) for one, other in pairs(colours[:8])) > 0.08


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colours", [DARK, LIGHT], ids=["dark", "light"])
def test_all_colours_differ_for_everyone(colours: Sequence[RGB], sight: str) -> None:
    assert min(apart(one, other, sight) for one, other in pairs(colours)) > 0.06


@pytest.mark.parametrize("colours", [DARK, LIGHT], ids=["dark", "light"])
def test_the_first_four_colours_differ_in_grey_too(colours: Sequence[RGB]) -> None:
    greys = sorted(grey(colour) for colour in colours[:4])
    assert all(lighter - darker > 10 for darker, lighter in pairwise(greys))


@pytest.mark.parametrize("theme", [NIGHT, DAY, CONTRAST], ids=lambda theme: theme.name)
def test_every_colour_stands_out_from_the_themes_background(theme: Theme) -> None:
    assert theme.background is not None
    tints = Tints.of_theme(theme, Color.parse(theme.background))
    assert min(contrast(tints.node(place), tints.background) for place in range(COUNT)) >= 3


@pytest.mark.parametrize("theme", [NIGHT, DAY, CONTRAST], ids=lambda theme: theme.name)
def test_text_can_be_read_on_the_themes_background(theme: Theme) -> None:
    assert theme.background is not None
    tints = Tints.of_theme(theme, Color.parse(theme.background))
    least = 7 if theme is CONTRAST else 4.5
    assert contrast(tints.text, tints.background) >= 7
    for words in (tints.accent, tints.good, tints.bad, tints.warning):
        assert contrast(words, tints.background) >= least
    assert contrast(tints.dim, tints.background) >= (4.5 if theme is CONTRAST else 3)


@pytest.mark.parametrize(
    "theme", [theme for name, theme in BUILTIN_THEMES.items() if "ansi" not in name], ids=lambda theme: theme.name
)
def test_words_in_colour_can_be_read_in_every_theme_of_textual(theme: Theme) -> None:
    for name in ("background", "panel"):
        ground = Color.parse(theme.to_color_system().generate()[name])
        tints = Tints.of_theme(theme, ground)
        if contrast(tints.text, tints.background) >= 3.5:
            for words in (tints.accent, tints.good, tints.bad, tints.warning):
                assert contrast(words, tints.background) >= 3.4


@pytest.mark.parametrize("colours", [DARK, LIGHT], ids=["dark", "light"])
def test_no_colour_shouts(colours: Sequence[RGB]) -> None:
    """Lightness and chroma stay in a band, so that no node seems to matter more than another."""
    lightness, chroma = zip(*(colour(rgb).convert("oklch").coords()[:2] for rgb in colours), strict=True)
    assert max(lightness) - min(lightness) < 0.27
    assert max(chroma) - min(chroma) < 0.1
    assert min(chroma) > 0.08
