"""Whatever is stored or typed: the app lives, every place shows it in the notation, nothing hides and no frame moves."""

from dataclasses import replace

import anyio
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.screen import Screen

from kvtui.app import Happened
from kvtui.commands import Level, Line, parse
from kvtui.commands.wording import harmless, shown, to_bytes, whole, whole_value
from kvtui.core.change import AddNode
from kvtui.core.events import Event
from kvtui.notation import as_rest, escape
from kvtui.screens import Confirm, ExplainScreen, PlanScreen
from kvtui.screens.keys import KeyBrowser
from kvtui.widgets.activity import Activity
from tests.screens.key_browser.stores import KeyCluster
from tests.widgets import frozen, told
from tests.widgets.running import Running, running

SIZE = (120, 36)
BEGINNING = 30
"""Characters of a text that are looked for in one row: longer ones may be cut or wrapped."""
MARKUP = [*"[]\\\"'#a…", "[/", "\\[", "[@click=app.quit]", "[bold]", "$primary", "{0}", "{id}", "--", ":smile:"]
CONTROL = ["\x1b[2J", "\x1b]0;x\x07", "\x9b31m", *"\n\t\r\x00\u200b\u202e\u2066\u00a0\u2028\u3164 "]
WIDE = ["e\u0301", "\u0301", "\u093f", "日本", "ｶ", "🎉", "👩\u200d👩", "🇩🇪", "❤\ufe0f", "مفتاح", "\ud7b0"]
NASTY = st.sampled_from([*MARKUP, *CONTROL, *WIDE])
TEXTS = st.lists(st.lists(NASTY, min_size=1, max_size=3).map("".join), min_size=2, max_size=2)
KNOWN = ["[/", "[/x y\n"]


class Looker:
    """Looks at the screen for what was given."""

    def __init__(self, run: Running) -> None:
        self.run = run

    async def sees(self, place: str, text: str) -> None:
        """What is drawn now begins so somewhere, or is seen to be cut; nothing in it hides, or has a width of its own."""
        rows: list[str] = []
        text = text[:BEGINNING].rstrip()
        seen = [text, *(f"{text[:size].rstrip()}…" for size in range(8, len(text)))]

        def there() -> bool:
            rows[:] = [strip.text for strip in self.run.app.screen._compositor.render_strips()]
            return any(beginning in row for row in rows for beginning in seen)

        try:
            await self.run.until(there)
        except TimeoutError:
            raise AssertionError(f"{place}: {text!r} is not in\n" + "\n".join(rows)) from None
        for row in rows:
            bare = row.replace("\u2800", " ")
            assert escape(bare) == bare, (place, row)
            assert cell_len(row) <= SIZE[0], (place, row)

    async def closes(self) -> None:
        """Back to the dashboard."""
        while len(self.run.app.screen_stack) > 1:
            self.run.app.pop_screen()
            await self.run.pilot.pause()


def enter(run: Running, line: str) -> None:
    run.line.value = line
    run.line._enter(line)


async def on_the_dashboard(look: Looker, text: str) -> None:
    """As a key, a value, a filter, and as somebody's words."""
    run, key = look.run, to_bytes(text)
    for line in (f"put {whole(key)} {whole_value(key)}", f"get {whole(key)}", f"where {whole(key)}"):
        assert parse(line) is not None
        enter(run, line)
    answer = f"get {whole(key)} = {whole_value(key)}"
    await look.sees("get", answer)
    assert f"{answer} ← A" in [entry.text.rpartition(" 0.2 ms")[0] for entry in run.dashboard.activity.journal.entries]
    await look.sees("inspector", f"Key {shown(key)}")
    run.app.post_message(Happened(Event(frozen.NOON, Level.INFO, f"said: {text}")))
    await run.until(
        lambda: f"said: {harmless(text)}" in [entry.text for entry in run.dashboard.activity.journal.entries]
    )
    enter(run, f"filter {as_rest(text)}")
    words = run.dashboard.query_one(Activity)
    await run.until(lambda: words.journal.filter.text != "" or not text.split())
    await look.sees(
        "filter", f"Activity · {as_rest(words.journal.filter.text)}" if words.journal.filter.text else "Activity"
    )
    enter(run, "filter")


async def in_the_key_browser(look: Looker, text: str) -> None:
    """As a prefix, in the table, as title and value; in a question and its end."""
    run, key = look.run, to_bytes(text)
    run.app.action_browse(text)
    await run.until(lambda: isinstance(run.app.screen, KeyBrowser))
    await look.sees("table", shown(key))
    browser = run.app.screen
    assert isinstance(browser, KeyBrowser)
    await run.until(lambda: browser._table.chosen is not None)
    browser._table.focus()
    await run.pilot.press("enter")
    await run.until(lambda: browser._value.inspected is not None)
    await look.sees("value", shown(key))
    assert browser._value.inspected is not None
    assert browser._value.inspected.key == key
    await run.pilot.press("d")
    await run.until(lambda: isinstance(run.app.screen, Confirm))
    await look.sees("question", f"del {shown(key)}")
    await run.pilot.press("n")
    await run.until(lambda: run.app.screen is browser)
    await look.sees("notice", f"{shown(key)}: not deleted")
    await look.closes()


async def on_sheets(look: Looker, text: str) -> None:
    """As a key that is explained, a node that is planned, a command that is asked about."""
    run, key = look.run, to_bytes(text)
    request = replace(told.PUT, where=replace(told.PUT.where, key=key), text=text)
    made = replace(told.plan(), change=AddNode(text))
    sheets: list[tuple[Screen[None] | Screen[bool], str]] = [
        (ExplainScreen(request, run.dashboard.picture), shown(key)),
        (PlanScreen(made, run.dashboard.picture), "Plan"),
        (Confirm(f"put {whole(key)}", f"{whole(key)}?"), f"{whole(key)}?"),
    ]
    for sheet, expected in sheets:
        run.app.push_screen(sheet)
        await look.sees(type(sheet).__name__, expected)
    await look.closes()
    run.app.notify(harmless(text), markup=False)
    run.app._say(Line(harmless(text), Level.BAD))
    await look.sees("answer", harmless(text).strip())
    run.app.clear_notifications()


async def everywhere(texts: list[str]) -> None:
    cluster = KeyCluster(frozen.healthy())
    async with running(cluster, size=SIZE) as run:
        look = Looker(run)
        run.line.value = "get k\x1b[2J\u202e"  # as a terminal may paste it
        await look.sees("line", "> get k[2J")
        await look.sees("line", r"""it holds what can't be seen: get "k\x1b[2J\u202e""")
        for text in texts:
            await on_the_dashboard(look, text)
            await in_the_key_browser(look, text)
            await on_sheets(look, text)


@given(TEXTS)
@example(KNOWN)
@settings(max_examples=1, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_any_text_is_drawn_as_what_it_is_wherever_it_can_appear(texts: list[str]) -> None:
    anyio.run(everywhere, texts)
