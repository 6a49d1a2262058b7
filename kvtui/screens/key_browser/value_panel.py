"""A key's value, and above it what is to be told of the key."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.highlight import highlight
from textual.widgets import Static

from kvtui.commands.wording import shown
from kvtui.screens.key_browser.facts import facts
from kvtui.screens.key_browser.reading import Inspected
from kvtui.screens.key_browser.value import Kind, Presented, present
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Tints
from kvtui.widgets.titles import titled
from kvtui.widgets.words import short

NOTHING = "Enter shows the value of a key, and what each of its replicas holds."


class ValuePanel(VerticalScroll):
    """Shows one key that was read, until another one is."""

    def __init__(self, picture: Callable[[], Picture], *, id: str | None = None) -> None:
        """``picture`` gives each node's colour."""
        super().__init__(id=id)
        self._picture = picture
        self._facts = Static(NOTHING, id="facts", markup=False)
        self._text = Static("", id="value-text", markup=False)
        self.inspected: Inspected | None = None
        self._drawn_width = 0

    def compose(self) -> ComposeResult:
        yield self._facts
        yield self._text

    def on_mount(self) -> None:
        """Follow the theme."""
        self.border_title = "Value"
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._draw())

    def on_resize(self) -> None:
        """Hex and replicas take the width that there is."""
        if self.scrollable_content_region.width != self._drawn_width:
            self._draw()

    def show(self, inspected: Inspected | None) -> None:
        """Show that key; None: no key."""
        self.inspected = inspected
        self.scroll_home(animate=False)
        self._draw()

    def _draw(self) -> None:
        width = self._drawn_width = self.scrollable_content_region.width
        inspected = self.inspected
        if not width:
            return
        if inspected is None:
            self.border_title = "Value"
            self._facts.update(Content.styled(NOTHING, "$foreground 60%"))
            self._text.update("")
            return
        self.border_title = titled(short(shown(inspected.key), max(8, width - 4)))
        value = inspected.read.value
        presented = None if value is None else present(value, width)
        tints = Tints.of_theme(self.app.current_theme, self.background_colors[1])
        colours = {
            node: "bold rgb({},{},{})".format(*tints.node(place)) for node, place in self._picture().colours.items()
        }
        rows = facts(inspected, presented, colours, width)
        self._facts.update(Content("\n").join(Content.assemble(*row) for row in rows))
        self._text.update(_drawn(presented) if presented is not None else "")


def _drawn(presented: Presented) -> Content:
    """The value's text: JSON in colours, all else plain."""
    return highlight(presented.text, language="json") if presented.kind is Kind.JSON else Content(presented.text)
