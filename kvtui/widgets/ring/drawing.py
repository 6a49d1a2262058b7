"""The ring as rows of strips, from three layers that are each kept until what they depend on changes.

Geometry depends on the size, the band's colours on ranges and node states, the text over it on the whole picture.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from kvtui.core.ring_walk import Step, walk
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.widgets.colour import RGB
from kvtui.widgets.picture import Picture
from kvtui.widgets.ring.arcs import Arc, arcs_of, count_arcs, looks_of
from kvtui.widgets.ring.band import Band
from kvtui.widgets.ring.cells import Overlay
from kvtui.widgets.ring.circle import Circle, fit
from kvtui.widgets.ring.first_steps import LEAST_WIDTH
from kvtui.widgets.ring.glyphs import Glyphs
from kvtui.widgets.ring.inlays import merged
from kvtui.widgets.ring.key_dots import key_dots
from kvtui.widgets.ring.labels import Placed, place
from kvtui.widgets.ring.legend import Entry, Spot, entries, spots
from kvtui.widgets.ring.letters import letters_of
from kvtui.widgets.ring.lookup import lookup_of
from kvtui.widgets.ring.motion import REST, Moment
from kvtui.widgets.ring.names import LABEL_LONGEST, labels, main_arcs, names_shares, whole
from kvtui.widgets.ring.overlay import centre_width, overlay, reached_by, words_only
from kvtui.widgets.ring.ribbon import Inks, ribbon
from kvtui.widgets.ring.turning import turning
from kvtui.widgets.ring.view import View, fitting, most_arcs
from kvtui.widgets.tints import Tints, painted

LABEL_MARGIN, SHARE_MARGIN = 3, 9
"""Columns kept free at either side of the ring beside the longest id: for its mark, and for a share."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a drawing is for: a size in cells, colours and glyphs."""

    columns: int
    rows: int
    tints: Tints
    glyphs: Glyphs = Glyphs.QUADRANTS


class Drawing:
    """Keeps layers and strips. ``draw`` says which rows changed; ``strips`` holds them all."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.strips: list[Strip] = [Strip.blank(settings.columns, settings.tints.style("text"))] * settings.rows
        self.view = View.ARCS
        """The view that was drawn last."""
        self.focused = ""
        """The node that it has in focus."""
        self.rests = True
        """Whether the same picture looks the same at any later moment."""
        self._circle: Circle | None = None
        self._band: Band | None = None
        self._arcs: tuple[Arc, ...] | None = None
        self._known: tuple[object, object, tuple[Arc, ...]] = None, None, ()
        self._seen: tuple[object, object, tuple[Arc, ...]] = None, None, ()
        self._counted: tuple[object, int] = None, 0
        self._colours: object = None
        self._named: tuple[object, tuple[Placed, ...]] = None, ()
        self._explained: tuple[object, tuple[Spot, ...]] = None, ()
        self._strewn: tuple[object, Overlay] = None, {}
        self._overlay: Overlay = {}
        self._stale: set[int] = set()
        """Rows that must be put together again whatever is in them."""

    def draw(self, picture: Picture, wanted: View | None, moment: Moment = REST) -> set[int]:
        """Show a picture in the wanted view, or in the one that fits, so long after what happened; returns the rows that look
        different now."""
        arcs, circle = self._chosen(picture, wanted)
        self.rests = True
        steps = walk(picture.snapshot, picture.located.position) if picture.located is not None else ()
        if circle is None:
            return self._write_only(picture, steps)
        lookup = lookup_of(picture, main_arcs(whole(arcs)), steps) if self.view is not View.SHARE else None
        self.rests = not moment.turns and (lookup is None or moment.looked_up >= lookup.seconds)
        seen = turning(self._merged_of(arcs, circle), moment.turns)
        changed = self._colour(seen, picture, circle) | self._stale
        self._stale = set()
        assert self._band is not None
        names = self._names(picture, arcs, circle, reached_by(picture, lookup, steps, moment.looked_up))
        band, glyphs = self._band.cells.keys(), self.settings.glyphs
        dots = self._dots(picture, seen, circle)
        shown = entries(picture, self.view, arcs, lookup, dots=bool(dots))
        text = overlay(
            dots,
            names,
            self._legend_of(shown, names, circle),
            picture,
            circle,
            band,
            glyphs,
            lookup,
            steps,
            moment.looked_up,
        )
        changed |= {y for y in self._overlay.keys() | text.keys() if self._overlay.get(y) != text.get(y)}
        self._overlay = text
        for y in changed:
            self.strips[y] = self._strip(y)
        return changed

    def node_at(self, x: int, y: int) -> str:
        """The node whose name or arc lies at a cell; empty where there is none."""
        for name in self._named[1] if self._circle else ():
            if y == name.y and name.x <= x < name.x + cell_len(name.text):
                return name.label.node
        position = self._circle.position_of(x, y) if self._circle else None
        if position is None:
            return ""
        arc = next((arc for arc in self._arcs or () if arc.start <= position < arc.stop), None)
        return (arc.node or arc.gaining) if arc else ""

    def _chosen(self, picture: Picture, wanted: View | None) -> tuple[tuple[Arc, ...], Circle | None]:
        snapshot, selected = picture.snapshot, picture.selected
        circle = self._circle_for(picture, View.ARCS)
        self.view = wanted or (fitting(circle, self._count(snapshot, circle), selected) if circle else View.ARCS)
        if self.view is View.SHARE:
            circle = self._circle_for(picture, View.SHARE)
        if circle is not None and not snapshot.nodes and centre_width(circle) < LEAST_WIDTH:
            circle = None  # what to type matters more than an empty circle
        self._use(circle)
        if self.view is View.FOCUS and not selected and snapshot.nodes:
            selected = snapshot.nodes[0].id
        self.focused = selected if self.view is View.FOCUS else ""
        return self._arcs_of(snapshot, selected), circle

    def _count(self, snapshot: ClusterSnapshot, circle: Circle) -> int:
        """How many arcs there are to fit, counted anew only when the ranges are others."""
        if self._counted[0] is not snapshot.ranges:
            self._counted = snapshot.ranges, count_arcs(snapshot, most_arcs(circle))
        return self._counted[1]

    def _arcs_of(self, snapshot: ClusterSnapshot, selected: str) -> tuple[Arc, ...]:
        """The arcs of the view, made anew only when ranges or nodes look different."""
        asked = self.view, selected, looks_of(snapshot)
        if self._known[0] is not snapshot.ranges or self._known[1] != asked:
            self._known = snapshot.ranges, asked, arcs_of(snapshot, self.view, selected)
        return self._known[2]

    def _merged_of(self, arcs: tuple[Arc, ...], circle: Circle) -> tuple[Arc, ...]:
        """The arcs in pieces that can be seen; shares are in one piece as they are."""
        if self.view is View.SHARE:
            return arcs
        if self._seen[0] is not arcs or self._seen[1] != circle:
            self._seen = arcs, circle, merged(arcs, circle)
        return self._seen[2]

    def _circle_for(self, picture: Picture, view: View) -> Circle | None:
        longest = max((len(node.id) for node in picture.snapshot.nodes), default=1)
        margin = min(longest, LABEL_LONGEST) + (SHARE_MARGIN if names_shares(picture, view) else LABEL_MARGIN)
        return fit(self.settings.columns, self.settings.rows, margin)

    def _use(self, circle: Circle | None) -> None:
        """Start anew where the circle is another."""
        if circle != self._circle or self._band is None:
            self._circle, self._arcs = circle, None
            self._stale = set(range(self.settings.rows))
            self._overlay = {}
            self._band = Band(circle, self.settings.glyphs, self.settings.tints.background) if circle else None

    def _colour(self, arcs: tuple[Arc, ...], picture: Picture, circle: Circle) -> set[int]:
        assert self._band is not None
        if arcs == self._arcs and picture.colours == self._colours:
            return set()
        self._arcs, self._colours = arcs, picture.colours
        tints = self.settings.tints

        def colour(node: str) -> RGB:
            return tints.node(picture.colours.get(node, 0))

        letters = letters_of(arcs, colour, tints.bad) if self.settings.glyphs is Glyphs.ASCII else []
        return self._band.paint(ribbon(arcs, circle, Inks(colour, tints.background, tints.faint, tints.bad)), letters)

    def _dots(self, picture: Picture, arcs: tuple[Arc, ...], circle: Circle) -> Overlay:
        """The keys' dots, strewn anew only when keys or arcs are others."""
        snapshot = picture.snapshot
        asked = snapshot.density, snapshot.keys, arcs, self.view, circle, picture.colours
        if self._strewn[0] != asked:
            self._strewn = asked, key_dots(picture, self.view, arcs, circle, self.settings.glyphs)
        return self._strewn[1]

    def _names(
        self, picture: Picture, arcs: tuple[Arc, ...], circle: Circle, reached: AbstractSet[str]
    ) -> tuple[Placed, ...]:
        """The names beside the ring; finding their places takes long when there are many."""
        assert self._band is not None
        asked = arcs, circle, self.view, reached, picture.selected, looks_of(picture.snapshot).down
        if self._named[0] != asked:
            wanted = labels(picture, self.view, arcs, circle, reached)
            self._named = asked, place(wanted, circle, self._band.cells.keys())
        return self._named[1]

    def _legend_of(self, shown: tuple[Entry, ...], names: tuple[Placed, ...], circle: Circle) -> tuple[Spot, ...]:
        """The legend beside the band and the names."""
        assert self._band is not None
        asked = shown, names, circle
        if self._explained[0] != asked:
            written = {(name.x + cell, name.y) for name in names for cell in range(cell_len(name.text))}
            self._explained = asked, spots(shown, circle, self._band.cells.keys(), written)
        return self._explained[1]

    def _write_only(self, picture: Picture, steps: Sequence[Step]) -> set[int]:
        """Without room for a circle: the words of its centre alone."""
        text = words_only(picture, self.settings.columns, self.settings.rows, self.settings.glyphs, steps)
        changed = self._stale | {y for y in self._overlay.keys() | text.keys() if self._overlay.get(y) != text.get(y)}
        self._overlay, self._stale = text, set()
        for y in changed:
            self.strips[y] = self._strip(y)
        return changed

    def _strip(self, y: int) -> Strip:
        """One row: the band's cells, text over it, background elsewhere; neighbours of one style in one segment."""
        tints, columns = self.settings.tints, self.settings.columns
        blank = tints.style("text")
        cells = self._band.cells if self._band else {}
        over = self._overlay.get(y, {})
        segments: list[Segment] = []
        run: list[str] = []
        style: Style = blank
        for x in range(columns):
            if x in over:
                glyph, words = over[x]
                new = tints.style(words)
            elif (x, y) in cells:
                drawn = cells[x, y]
                glyph, new = drawn.glyph, painted(drawn.colour, drawn.background)
            else:
                glyph, new = " ", blank
            if new is not style and run:
                segments.append(Segment("".join(run), style))
                run = []
            style = new
            run.append(glyph)
        segments.append(Segment("".join(run), style))
        return Strip(segments, columns)
