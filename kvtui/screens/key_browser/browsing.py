"""The table and the value side by side, and what can be done with a key while one of the two has the focus."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

CHANGING = frozenset({"edit", "new", "delete"})
"""What a person who may only read can't want."""


class Browsing(Horizontal):
    """Tells what a person wants done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "want('edit')", "Edit", tooltip="edit the value"),
        Binding("n", "want('new')", "New", tooltip="store a new key"),
        Binding("d,delete", "want('delete')", "Delete", tooltip="delete the key, after asking"),
        Binding("m", "want('more')", "More", tooltip="the rows that follow; ↓ on the last row does the same"),
        Binding("r", "want('again')", "Again", tooltip="search again, from the first row"),
        Binding("slash", "want('prefix')", "Prefix", key_display="/", tooltip="type another prefix"),
    ]

    HELP = """\
# On a key
What can be done with the key under the cursor, or with the one that is shown."""

    more: reactive[bool] = reactive(False, repaint=False, bindings=True)
    """Whether more rows may follow."""

    class Wanted(Message):
        """A person wants that: ``edit``, ``new``, ``delete``, ``more``, ``again`` or ``prefix``."""

        def __init__(self, what: str) -> None:
            self.what = what
            super().__init__()

    def __init__(self, *panels: Widget, readonly: bool = False, id: str | None = None) -> None:
        super().__init__(*panels, id=id)
        self._readonly = readonly

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Going on needs more rows; changing, that one may."""
        if action == "want" and self._readonly and parameters[0] in CHANGING:
            return False
        return self.more if parameters == ("more",) else True

    def action_want(self, what: str) -> None:
        """Say so."""
        self.post_message(self.Wanted(what))
