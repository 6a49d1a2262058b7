"""The legend beside the ring: what is on the screen, in the words of the one table."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len

from kvtui.commands.legend import Sign
from kvtui.core.ring import Classic, Ring
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.drawing import Drawing, Settings
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.legend import FIRST_TOLD
from kvtui.widgets.ring.view import View
from kvtui.widgets.tints import Tints
from tests.widgets import frozen

TINTS = Tints(True, (10, 10, 10), (220, 220, 220), (90, 90, 255), (0, 200, 0), (200, 200, 0), (200, 0, 0))
LARGE, AT_120x36, AT_100x30, AT_80x24 = (110, 46), (64, 31), (56, 24), (36, 17)
ALWAYS = {Sign.ARC, Sign.DOTS}
NODES = ["n1", "n2", "n3", "n4", "n5"]


def drawn(
    picture: Picture, size: tuple[int, int] = LARGE, glyphs: Glyphs = Glyphs.QUADRANTS, view: View | None = None
) -> Drawing:
    drawing = Drawing(Settings(*size, TINTS, glyphs))
    drawing.draw(picture, view)
    return drawing


def shown(snapshot: ClusterSnapshot, key: bytes = b"", selected: str = "") -> Picture:
    picture = replace(Picture().with_snapshot(snapshot), selected=selected)
    return replace(picture, located=frozen.located(snapshot, key)) if key else picture


def legend(drawing: Drawing) -> set[Sign]:
    return {spot.entry.sign for spot in drawing._explained[1]}


def with_ranges(snapshot: ClusterSnapshot, **changes: tuple[str, ...]) -> ClusterSnapshot:
    first, *others = snapshot.ranges
    return replace(snapshot, ranges=(replace(first, **changes), *others))  # type: ignore[arg-type]


def classic() -> ClusterSnapshot:
    ring = Ring.empty(Classic(8), 2, frozen.SLOTS).join_all(NODES)
    return replace(
        frozen.healthy(NODES), policy="classic 8", ranges=frozen.ranges_of(ring), nodes=frozen.nodes_of(ring, ())
    )


@pytest.mark.parametrize(
    ("picture", "signs"),
    [
        (shown(frozen.healthy()), ALWAYS),
        (shown(frozen.healthy(keys=0)), {Sign.ARC}),
        (shown(frozen.healthy(), b"apple"), ALWAYS | {Sign.KEY, Sign.COPY, Sign.CHOSEN}),
        (shown(frozen.healthy(["A"], replication=1), b"apple"), ALWAYS | {Sign.KEY}),
        (shown(frozen.healthy(), selected="B"), ALWAYS | {Sign.RIM}),
        (shown(frozen.one_down()), ALWAYS | {Sign.HOLLOW, Sign.STANDS_IN, Sign.DOWN}),
        (shown(frozen.joining()), ALWAYS | {Sign.STRIPES, Sign.RIM}),
        (shown(classic(), b"k7"), ALWAYS | {Sign.KEY, Sign.COPY, Sign.CLOCKWISE}),
        (shown(with_ranges(frozen.healthy(), waits_for=("A", "B"))), ALWAYS | {Sign.WAITING}),
        (shown(replace(with_ranges(frozen.healthy(), clean=()), lost=9)), ALWAYS | {Sign.LOST}),
    ],
    ids=["at rest", "no keys", "a lookup", "one copy", "focus", "one down", "joining", "classic", "unavailable", "lost"],
)  # fmt: skip
@pytest.mark.parametrize("glyphs", list(Glyphs))
def test_the_signs_that_are_on_the_screen_are_told_and_no_others(
    picture: Picture, signs: set[Sign], glyphs: Glyphs
) -> None:
    drawing = drawn(picture, glyphs=glyphs)
    assert legend(drawing) - {Sign.SKIPPED} == signs
    text = "\n".join(strip.text for strip in drawing.strips)
    for sign in signs:
        assert sign.value.brief in text
    assert glyphs is not Glyphs.ASCII or text.isascii()
    assert [cell_len(strip.text) for strip in drawing.strips] == [LARGE[0]] * LARGE[1]


def test_a_copy_on_a_node_that_is_down_is_shown_and_told_as_that() -> None:
    """Its other copy is on B, and B is down: there is no ◇ on the screen."""
    snapshot = frozen.one_down("B")
    key = next(b"%d" % number for number in range(99) if "B" in shown(snapshot, b"%d" % number).holders[1:])
    drawing = drawn(shown(snapshot, key))
    assert Sign.COPY not in legend(drawing)
    assert not any("◇" in strip.text for strip in drawing.strips)


def test_a_share_is_told_as_that() -> None:
    assert legend(drawn(shown(frozen.healthy()), view=View.SHARE)) == {Sign.SHARE, Sign.DOTS}


def test_the_signs_of_skipped_virtual_nodes_and_of_nodes_that_are_filled_are_told() -> None:
    for snapshot, sign in ((classic(), Sign.SKIPPED), (frozen.joining(part=0.3), Sign.FILLING)):
        drawing = Drawing(Settings(*LARGE, TINTS))
        told = set()
        for number in range(12):
            drawing.draw(shown(snapshot, b"key-%d" % number), None)
            told |= legend(drawing)
        assert sign in told


@pytest.mark.parametrize("make", [frozen.healthy, frozen.one_down, frozen.joining])
@pytest.mark.parametrize("size", [AT_120x36, AT_100x30])
def test_what_is_out_of_the_ordinary_is_told_first(make: Callable[[], ClusterSnapshot], size: tuple[int, int]) -> None:
    told = legend(drawn(shown(make()), size))
    assert Sign.ARC in told
    everything = legend(drawn(shown(make())))
    assert everything & {Sign.HOLLOW, Sign.STANDS_IN, Sign.STRIPES} <= told


@pytest.mark.parametrize("size", [AT_80x24, (40, 12), (20, 6)])
def test_without_room_for_the_first_words_there_are_none(size: tuple[int, int]) -> None:
    assert not legend(drawn(shown(frozen.one_down(), b"apple"), size))


def test_an_empty_cluster_has_nothing_to_explain() -> None:
    assert not legend(drawn(Picture().with_snapshot(frozen.empty())))


def test_the_legend_stands_still_while_keys_are_counted_and_a_lookup_is_drawn() -> None:
    drawing = drawn(shown(frozen.healthy()))
    before = drawing._explained[1]
    drawing.draw(shown(frozen.healthy(keys=20_000)), None)
    assert drawing._explained[1] is before or drawing._explained[1] == before


def test_every_sign_has_few_words_and_a_sentence() -> None:
    for sign in Sign:
        assert 1 <= cell_len(sign.value.sample) <= 2
        assert cell_len(sign.value.brief) <= 24, "a legend's line fits a corner"
        assert len(sign.value.meaning) > len(sign.value.brief)
    assert len({sign.value.name for sign in Sign}) == len(Sign)
    assert len(set(FIRST_TOLD)) == len(FIRST_TOLD)
