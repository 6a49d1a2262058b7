"""Help for the key browser."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from kvtui.screens.key_browser.editing import EDITED_BYTES
from kvtui.screens.key_browser.found import ROWS_MOST

TOLD = (
    "Keys come in ring order, the order of their tokens, not of their names: a search passes every key of the cluster"
    f" and shows what it finds as it goes. {ROWS_MOST:,} rows are held at once; m goes on with the ones that follow, r"
    " begins again from the first. Another prefix ends the search under way.",
    "A value is read from a clean replica. JSON is laid out, what is not text is shown as hex, and a long value is cut:"
    ' the line "shown" says how much of it is not there.',
    f"Text of up to {EDITED_BYTES:,} bytes can be edited. If somebody else wrote the key since you read it, you are asked"
    " before you overwrite that. Deleting always asks.",
)


class KeyHelp(ModalScreen[None]):
    """Closed by the keys that open it, by escape or q."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter", "dismiss", "Close")]
    CSS_PATH = "keys.tcss"

    def __init__(self, explained: Sequence[type[Widget]]) -> None:
        """``explained``: whose keys are to be told, in that order."""
        super().__init__()
        self._explained = explained

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="key-help") as scroll:
            scroll.border_title = "Help · Keys"
            scroll.border_subtitle = "Esc closes"
            yield Static(help_text(bound_keys(self._explained, self.app.get_key_display)))


def bound_keys(explained: Sequence[type[Widget]], display: Callable[[Binding], str]) -> list[tuple[str, str]]:
    """Each thing that can be done, with the keys that do it."""
    keys: dict[str, list[str]] = {}
    for source in explained:
        for binding in Binding.make_bindings(source.BINDINGS):
            if binding.show:
                keys.setdefault(binding.tooltip or binding.description, []).append(
                    binding.key_display or display(binding)
                )
    return [(" ".join(dict.fromkeys(shown)), words) for words, shown in keys.items()]


def help_text(keys: list[tuple[str, str]]) -> Content:
    """What one sees, and every key; ``keys`` are pairs of key and what it does."""
    width = max((len(key) for key, _ in keys), default=0)
    parts: list[str | tuple[str, str]] = [("Keys\n", "bold")]
    for key, words in keys:
        parts += [(f"  {key:<{width}}   ", "$primary"), f"{words}\n"]
    parts += ["\n", "\n\n".join(TOLD)]
    return Content.assemble(*parts)
