"""The table of the keys that were found."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from kvtui.commands.wording import shown
from kvtui.core.cluster import Item
from kvtui.screens.key_browser.columns import Columns, bytes_in_words, columns, replicas_of
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Tints

ROWS_AT_ONCE = 100
"""Rows that come into the table in one go: Textual measures each one, and keys are answered between them."""
BREATH_SECONDS = 0.02


class KeyTable(DataTable[Text]):
    """One row a key. Enter or a click chooses; going down from the last row asks for more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "View", tooltip="show the value, and what each replica holds")
    ]

    class Chosen(Message):
        """A person wants to see this key."""

        def __init__(self, key: bytes) -> None:
            self.key = key
            super().__init__()

    class MoreWanted(Message):
        """A person went on at the last row."""

    def __init__(self, picture: Callable[[], Picture], *, id: str | None = None) -> None:
        """``picture`` gives the newest cluster: who has which range, and each node's colour."""
        super().__init__(id=id, cursor_type="row", show_row_labels=False)
        self._picture = picture
        self._items: tuple[Item, ...] = ()
        self._shown = 0
        """Rows of the items that are in the table."""
        self._growing = False
        self._columns = Columns(0, 0, 0, 0)

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._build())

    def on_resize(self) -> None:
        """Share the width out anew."""
        if self._wanted_columns() != self._columns:
            self._build()

    @property
    def chosen(self) -> Item | None:
        """The row that the cursor is on."""
        return self._items[self.cursor_row] if 0 <= self.cursor_row < self._shown else None

    def show(self, items: Sequence[Item]) -> None:
        """Show these rows: what is the same as before stays, the cursor too."""
        old, new = self._items[: self._shown], tuple(items)
        self._items = new
        same = next((at for at, (was, now) in enumerate(zip(old, new, strict=False)) if was is not now), None)
        if same is None and len(new) >= len(old):
            self._grow()
            return
        gone = min(len(old), len(new)) if same is None else same
        if new[gone : len(old) - 1] == old[gone + 1 :]:
            self.remove_row(self.ordered_rows[gone].key)
            self._shown -= 1
            self._grow()
        else:
            self._build()

    def top(self) -> None:
        """Put the cursor on the first row."""
        self.move_cursor(row=0)

    def _wanted_columns(self) -> Columns:
        width = self.scrollable_content_region.width
        ranges = self._picture().snapshot.ranges
        return columns(width, max((len(" ".join(part.replicas)) for part in ranges), default=8))

    def _build(self) -> None:
        row, top = self.cursor_row, self.scroll_offset.y
        self.clear(columns=True)
        self._shown = 0
        self._columns = self._wanted_columns()
        for label, width in zip(("key", "size", "version", "replicas"), self._widths(), strict=True):
            if width:
                self.add_column(Text(label, justify="right" if label == "size" else "left"), width=width)
        self._grow(max(ROWS_AT_ONCE, row + 1))
        self.move_cursor(row=row, scroll=False)
        self.scroll_to(y=top, animate=False)

    def _grow(self, rows: int = ROWS_AT_ONCE) -> None:
        """Put some of the rows that are not in the table yet into it, and the others soon."""
        if not self.columns or self._shown == len(self._items):
            return
        new = self._items[self._shown : self._shown + rows]
        self._add(new)
        self._shown += len(new)
        if self._shown < len(self._items) and not self._growing:
            self._growing = True
            self.set_timer(BREATH_SECONDS, self._grow_on)

    def _grow_on(self) -> None:
        self._growing = False
        self._grow()

    def _widths(self) -> tuple[int, ...]:
        return self._columns.key, self._columns.size, self._columns.version, self._columns.replicas

    def _add(self, items: Sequence[Item]) -> None:
        picture = self._picture()
        tints = Tints.of_theme(self.app.current_theme, self.background_colors[1])
        styles = {node: "rgb({},{},{})".format(*tints.node(place)) for node, place in picture.colours.items()}
        dim = "rgb({},{},{})".format(*tints.dim)
        for item in items:
            replicas = Text(" ").join(
                Text(node, styles.get(node, "")) for node in replicas_of(picture.snapshot, item.key)
            )
            cells = (
                Text(shown(item.key)),
                Text(bytes_in_words(item.size), justify="right"),
                Text(str(item.version), dim),
                replicas,
            )
            for cell in cells:
                cell.no_wrap, cell.overflow = True, "ellipsis"
            self.add_row(*(cell for cell, width in zip(cells, self._widths(), strict=True) if width))

    @on(DataTable.RowSelected)
    def _row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self._choose(event.cursor_row)

    def on_click(self, event: events.Click) -> None:
        """One click is enough. A second one on the same row is Textual's own selection of it."""
        row = event.style.meta.get("row", -1)
        if row != self.cursor_row:
            self._choose(row)

    def _choose(self, row: int) -> None:
        if 0 <= row < self._shown:
            self.post_message(self.Chosen(self._items[row].key))

    def action_cursor_down(self) -> None:
        """A row down; from the last one, more."""
        self._going_on(super().action_cursor_down)

    def action_page_down(self) -> None:
        """A page down; from the last row, more."""
        self._going_on(super().action_page_down)

    def _going_on(self, otherwise: Callable[[], None]) -> None:
        if self._items and self.cursor_row == len(self._items) - 1:
            self.post_message(self.MoreWanted())
        else:
            otherwise()
