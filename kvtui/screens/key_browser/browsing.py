"""The table and the value side by side, and what can be done with a key while one of the two has the focus."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive


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

    more: reactive[bool] = reactive(False, repaint=False, bindings=True)
    """Whether more rows may follow."""

    class Wanted(Message):
        """A person wants that: ``edit``, ``new``, ``delete``, ``more``, ``again`` or ``prefix``."""

        def __init__(self, what: str) -> None:
            self.what = what
            super().__init__()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Going on needs more rows."""
        return self.more if parameters == ("more",) else True

    def action_want(self, what: str) -> None:
        """Say so."""
        self.post_message(self.Wanted(what))
