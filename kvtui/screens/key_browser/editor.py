"""The editor of one value."""

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from kvtui.commands.wording import shown, to_bytes
from kvtui.commands.words import one_text
from kvtui.core.events import Level
from kvtui.screens.confirm import Confirm
from kvtui.screens.defects import noted
from kvtui.screens.key_browser.asking import asking
from kvtui.screens.key_browser.key_line import KeyLine
from kvtui.screens.key_browser.notice import Notice
from kvtui.screens.key_browser.port import KeyStore
from kvtui.screens.key_browser.value_area import ValueArea
from kvtui.screens.key_browser.writing import Ended, Seen, put
from kvtui.screens.steady import Steady
from kvtui.widgets.footer import Footer
from kvtui.widgets.titles import titled

UNDER_WAY = "it is being stored; wait for its end"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the editor put."""

    key: bytes
    size: int
    ended: Ended


class Editor(Steady, ModalScreen[Stored | None]):
    """A text and where it goes. It stays open, the text in it, until the put succeeded or the person leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # No priority: it would overtake letters that arrive together with it.
        Binding("ctrl+s", "put", "Put", key_display="^S"),
        Binding("escape", "leave", "Back", key_display="Esc"),
        Binding("f12", "app.save_picture", "Save as SVG", show=False, id="save_picture"),
    ]
    CSS_PATH = "keys.tcss"

    def __init__(self, keys: KeyStore, key: bytes | None, text: str, seen: Seen | None, *, prefix: str = "") -> None:
        """``key`` None: a new one, which the person names, beginning with ``prefix``."""
        super().__init__()
        self._keys = keys
        self._key = key
        self._seen = seen
        self._under_way = False
        self._before = (prefix, text)
        self._named = KeyLine(prefix, "the new key", id="new-key")
        self._area = ValueArea(text, id="new-value")
        self._notice = Notice(id="editor-notice")

    def compose(self) -> ComposeResult:
        with Vertical(id="editor") as frame:
            frame.border_title = "New key" if self._key is None else "Edit"
            frame.border_subtitle = titled("" if self._seen is None else f"version {self._seen.version}")
            if self._key is None:
                yield self._named
            else:
                yield Static(shown(self._key), id="edited-key", markup=False)
            yield self._area
            yield self._notice
        yield Footer(palette=False, id="footer")

    def on_mount(self) -> None:
        """Begin where something is to be typed."""
        (self._named if self._key is None else self._area).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """After the name, the value."""
        event.stop()
        self._area.focus()

    def action_put(self) -> None:
        """Store the text, once."""
        try:
            key = to_bytes(one_text(self._named.value)) if self._key is None else self._key
        except ValueError as error:
            self._notice.tell(f"key: {error}", Level.WARNING)
            self._named.focus()
            return
        if not key:
            self._notice.tell("a key has one byte at least: name it first", Level.WARNING)
            self._named.focus()
        elif not self._under_way:
            self._under_way = True
            self._notice.tell("storing…")
            self.run_worker(self._put(key, to_bytes(self._area.text)), exit_on_error=False)

    async def _put(self, key: bytes, value: bytes) -> None:
        try:
            ended = await put(self._keys, key, value, self._seen, asking(self.app))
        except Exception as error:
            ended = Ended(False, f"outcome unknown, {shown(key)} may or may not be stored: {noted(error)}", Level.BAD)
        finally:
            self._under_way = False
        if ended.done:
            self.dismiss(Stored(key, len(value), ended))
        else:
            self._notice.tell(ended.text, ended.level)

    def action_leave(self) -> None:
        """Close, after asking where something typed would be lost."""
        if self._under_way:
            self._notice.tell(UNDER_WAY, Level.WARNING)
        elif (self._named.value, self._area.text) == self._before:
            self.dismiss(None)
        else:
            self.app.push_screen(Confirm("leave the editor", "Leave what you typed unstored?"), self._left)

    def _left(self, yes: bool | None) -> None:
        if yes:
            self.dismiss(None)
