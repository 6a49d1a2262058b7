"""The key browser: search by prefix, view, edit and delete."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from time import monotonic
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from kvtui.commands.wording import from_bytes, shown, to_bytes
from kvtui.commands.words import one_text
from kvtui.core.cluster import ClusterError, Item, Outcome
from kvtui.core.events import Level
from kvtui.notation import as_rest
from kvtui.screens.defects import noted
from kvtui.screens.key_browser.asking import asking
from kvtui.screens.key_browser.browsing import Browsing
from kvtui.screens.key_browser.editing import EDITED_BYTES, not_editable
from kvtui.screens.key_browser.editor import Editor, Stored
from kvtui.screens.key_browser.found import ROWS_MOST, Found, Phase
from kvtui.screens.key_browser.key_table import KeyTable
from kvtui.screens.key_browser.notice import Notice
from kvtui.screens.key_browser.port import KeyStore
from kvtui.screens.key_browser.prefix_line import PrefixLine
from kvtui.screens.key_browser.reading import inspect
from kvtui.screens.key_browser.status import status_words
from kvtui.screens.key_browser.value_panel import ValuePanel
from kvtui.screens.key_browser.writing import Ended, Seen, delete
from kvtui.screens.steady import Steady
from kvtui.widgets.bars import progress_bar
from kvtui.widgets.footer import Footer
from kvtui.widgets.picture import Picture

TYPING_SECONDS = 0.06
"""A search waits for so long whether another key is pressed: a scan that is given up still costs a node one page."""
UPDATE_SECONDS = 0.1
"""What was found is drawn at most so often."""
PROGRESS_WIDTH = 16


class KeyBrowser(Steady, Screen[None]):
    """Finds keys while they are asked for, and shows, changes and deletes them."""

    CSS_PATH = "key_browser/keys.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (104, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", tooltip="back: from the value to the table, then to the ring"),
        Binding("f3", "back", show=False),
        Binding("f1", "app.help", "Help", id="help"),
        Binding("f12", "app.save_picture", "Save as SVG", show=False, id="save_picture"),
    ]
    AUTO_FOCUS = "#prefix"
    HELP = f"""\
# Keys
Keys come in ring order, the order of their tokens, not of their names: a search passes every key of the cluster and shows
what it finds as it goes. {ROWS_MOST:,} rows are held at once; m goes on with the ones that follow, r begins again from the
first. Another prefix ends the search under way; what is not plain text is typed in double quotes, as it is shown. A value
is read from a clean replica. JSON is laid out, what is not text is shown as hex, and a long value is cut: the line "shown"
says how much of it is not there. Text of up to {EDITED_BYTES:,} bytes can be edited. If
somebody else wrote the key since you read it, you are asked before you overwrite that. Deleting always asks."""

    def __init__(
        self, keys: KeyStore, picture: Callable[[], Picture], prefix: str = "", *, readonly: bool = False
    ) -> None:
        """``picture`` gives the newest cluster, for replicas and their colours; ``prefix`` is searched first. With ``readonly``
        nothing can be stored or deleted."""
        super().__init__()
        self._keys = keys
        self._found = Found(to_bytes(prefix))
        self._more = asyncio.Event()
        self._due = False
        self._drawn_at = 0.0
        self._writing = 0
        """Deletes under way."""
        self._line = PrefixLine(as_rest(prefix) if prefix else "", id="prefix")
        self._status = Static("", id="status", markup=False)
        self._table = KeyTable(picture, id="keys")
        self._value = ValuePanel(picture, id="value")
        self._browsing = Browsing(self._table, self._value, readonly=readonly, id="browsing")
        self._notice = Notice(id="notice")

    def compose(self) -> ComposeResult:
        with Horizontal(id="search"):
            yield Static("prefix", id="prefix-label")
            yield self._line
        yield self._status
        yield self._browsing
        yield self._notice
        yield Footer(palette=False, id="footer")

    def on_mount(self) -> None:
        """Search at once."""
        self._table.border_title = "Keys"
        self._search(self._found.prefix)

    def on_resize(self) -> None:
        """Say as much as there is room for."""
        self._tell_status()

    @on(Input.Changed, "#prefix")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            prefix = to_bytes(one_text(event.value, typing=True))
        except ValueError as error:
            self._notice.tell(f"prefix: {error}", Level.BAD)
            return
        if prefix != self._found.prefix:
            self._search(prefix)

    @on(Input.Submitted, "#prefix")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._table.focus()

    def _search(self, prefix: bytes) -> None:
        """Look for keys that begin so; a search under way ends."""
        self._notice.tell("")
        self._take(Found(prefix))
        self._look(prefix)

    @work(group="search", exclusive=True, exit_on_error=False)
    async def _look(self, prefix: bytes) -> None:
        await asyncio.sleep(TYPING_SECONDS)
        try:
            await self._scan(prefix)
        except ClusterError as error:
            self._take(self._found.failed(str(error)))
        except Exception as error:
            self._take(self._found.failed(f"the search ended: {noted(error)}"))

    async def _scan(self, prefix: bytes) -> None:
        """Take matches as they come; where the rows are full, wait until a person wants the next."""
        pages = self._keys.scan(prefix, values=False, passed=self._passed)
        try:
            async for page in pages:
                self._take(self._found.with_matches(page))
                while self._found.phase is Phase.FULL:
                    self._more.clear()
                    await self._more.wait()
                    self._take(self._found.went_on())
                    self._table.top()
            self._take(self._found.ended())
        finally:
            if isinstance(pages, AsyncGenerator):
                await pages.aclose()

    def _passed(self, part: float) -> None:
        self._take(self._found.far(part))

    def _take(self, found: Found) -> None:
        """The newest of what was found; shown at once where nothing was shown lately, else soon."""
        self._found = found
        if not self._due:
            self._due = True
            wait = self._drawn_at + UPDATE_SECONDS - monotonic()
            if wait > 0:
                self.set_timer(wait, self._draw)
            else:
                self.call_later(self._draw)

    def _draw(self) -> None:
        self._due = False
        self._drawn_at = monotonic()
        self._table.show(self._found.rows)
        self._tell_status()
        self._browsing.more = self._found.phase is Phase.FULL

    def _tell_status(self) -> None:
        found, width = self._found, self.size.width - 2
        if found.phase is Phase.SEARCHING and width > 3 * PROGRESS_WIDTH:
            words = status_words(found, width - PROGRESS_WIDTH - 2)
            done, left = progress_bar(found.passed, PROGRESS_WIDTH)
            self._status.update(Content.assemble((done, "$primary"), (left, "$foreground 25%"), f"  {words}"))
        else:
            self._status.update(Content(status_words(found, width)))
        self._status.set_class(found.phase is Phase.FAILED, "-bad")

    @on(KeyTable.MoreWanted)
    def _more_wanted(self) -> None:
        self._more.set()

    @on(Browsing.Wanted)
    def _wanted(self, event: Browsing.Wanted) -> None:
        event.stop()
        key = self._subject
        match event.what:
            case "edit" if key is not None:
                self._do(self._edit(key))
            case "delete" if key is not None:
                self.run_worker(self._delete(key), group="writing", exit_on_error=False)
            case "new":
                self.app.push_screen(Editor(self._keys, None, "", None, prefix=self._line.value), self._edited)
            case "more":
                self._more.set()
            case "again":
                self._search(self._found.prefix)
            case "prefix":
                self._line.focus()

    @on(KeyTable.Chosen)
    def _chosen(self, event: KeyTable.Chosen) -> None:
        self._do(self._view(event.key))

    def _do(self, work: Coroutine[None, None, None]) -> None:
        """Run what one key press asks for, instead of what an earlier one did. Reads only: a write is never given up."""
        self.run_worker(self._read(work), group="reading", exclusive=True, exit_on_error=False)

    async def _read(self, work: Coroutine[None, None, None]) -> None:
        self._table.border_subtitle = "reading…"
        try:
            await work
        finally:
            self._table.border_subtitle = ""

    async def _view(self, key: bytes) -> None:
        try:
            inspected = await inspect(self._keys, key)
        except ClusterError as error:
            self._notice.tell(f"{shown(key)}: {error}", Level.BAD)
        except Exception as error:
            self._notice.tell(f"{shown(key)} can't be shown: {noted(error)}", Level.BAD)
        else:
            self._notice.tell("")
            self.add_class("-viewing")
            self._value.show(inspected)
            self._value.focus()

    @property
    def _subject(self) -> bytes | None:
        """The key that a person means: the one shown, while they are in it, else the one under the cursor."""
        if self._value.has_focus and self._value.inspected is not None:
            return self._value.inspected.key
        item = self._table.chosen
        return None if item is None else item.key

    async def _edit(self, key: bytes) -> None:
        try:
            read = await self._keys.get(key)
        except Exception as error:
            self._notice.tell(f"{shown(key)} can't be read: {noted(error)}", Level.BAD)
            return
        why = "" if read.value is None else not_editable(read.value)
        if read.outcome is not Outcome.OK:
            self._notice.tell(f"{shown(key)} can't be read: {read.text}", Level.BAD)
        elif read.value is None:
            self._notice.tell(f"{shown(key)} is not there any more", Level.WARNING)
        elif why:
            self._notice.tell(f"{shown(key)} can't be edited: {why}", Level.WARNING)
        else:
            self._notice.tell("")
            seen = Seen(read.version, present=True)
            self.app.push_screen(Editor(self._keys, key, from_bytes(read.value), seen), self._edited)

    def _edited(self, stored: Stored | None) -> None:
        if stored is None or stored.ended.version is None:
            return
        self._take(self._found.stored(Item(stored.key, None, stored.ended.version, stored.size)))
        self._ended(stored.key, stored.ended)

    async def _delete(self, key: bytes) -> None:
        try:
            self._writing += 1
            ended = await delete(self._keys, key, asking(self.app))
        except Exception as error:
            text = f"outcome unknown, {shown(key)} may or may not be deleted: {noted(error)}"
            ended = Ended(False, text, Level.BAD)
        finally:
            self._writing -= 1
        if ended.done:
            self._take(self._found.without(key))
        self._ended(key, ended)

    def _ended(self, key: bytes, ended: Ended) -> None:
        """Say how a write ended; a value that is shown is read anew."""
        self._notice.tell(ended.text, ended.level)
        if ended.done and self._value.inspected is not None and self._value.inspected.key == key:
            self._do(self._renew(key))

    async def _renew(self, key: bytes) -> None:
        try:
            inspected = await inspect(self._keys, key)
        except ClusterError:
            inspected = None  # what became of the write is said already
        if inspected is None or inspected.read.value is None:
            self._value.show(None)
            self._close_value()
        else:
            self._value.show(inspected)

    def action_back(self) -> None:
        """From the value to the table, from there to where one came from."""
        # Focus moves a moment later: the class tells at once what was closed already.
        if self.has_class("-viewing") and (self._value.has_focus or not self.has_class("-wide")):
            self._close_value()
        elif self._writing:
            self._notice.tell("a key is being deleted; wait for its end", Level.WARNING)
        else:
            self.dismiss()

    def _close_value(self) -> None:
        self.remove_class("-viewing")
        self._table.focus()
