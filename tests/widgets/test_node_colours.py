from itertools import pairwise

from kvtui.widgets.colour import distance
from kvtui.widgets.node_colours import COUNT, DARK, LIGHT, assign


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


def test_colours_can_be_told_apart_and_the_first_ones_in_grey_as_well() -> None:
    for colours in (DARK, LIGHT):
        pairs = [(one, other) for place, one in enumerate(colours) for other in colours[:place]]
        assert min(distance(one, other) for one, other in pairs) > 6_000
        grey = sorted(0.299 * red + 0.587 * green + 0.114 * blue for red, green, blue in colours[:4])
        assert all(lighter - darker > 12 for darker, lighter in pairwise(grey))
