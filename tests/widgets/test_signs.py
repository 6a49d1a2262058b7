"""A terminal that has letters alone."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

import kvtui
from kvtui.screens.help import Help
from kvtui.screens.keys import KeyBrowser
from kvtui.widgets.bars import LEFT_EIGHTHS, LOWER_EIGHTHS
from kvtui.widgets.signs import PLAIN
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import Running, running

pytestmark = pytest.mark.anyio


def test_every_sign_in_the_source_has_a_letter() -> None:
    sources = [
        path
        for room in ("widgets", "screens", "commands")
        for path in (Path(kvtui.__file__).parent / room).rglob("*.py")
    ]
    for path in sources:
        signs = set(re.findall(r"[^\x00-\x7f]", path.read_text(encoding="utf-8")))
        assert signs <= PLAIN.keys(), path
    assert all(len(letter) == 1 and letter.isascii() for letter in PLAIN.values())


def test_full_empty_and_half_full_look_different() -> None:
    assert len({PLAIN[sign] for sign in "█░▓"}) == 3
    assert PLAIN["━"] != PLAIN["─"]
    assert len({PLAIN[sign] for sign in LOWER_EIGHTHS}) == len(LOWER_EIGHTHS)
    assert {PLAIN[sign] for sign in LEFT_EIGHTHS.strip()} == {PLAIN["█"]}


def screen_of(shown: Running) -> str:
    return "\n".join(strip.text for strip in shown.app.screen._compositor.render_strips())


@pytest.mark.parametrize("size", [(40, 15), (80, 24), (120, 36)])
async def test_no_screen_draws_anything_but_letters(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    monkeypatch.setenv("KVTUI_GLYPHS", "ascii")
    cluster = FrozenCluster(frozen.joining(), frozen.EVENTS)
    cluster.stored = {b"key-%d" % number: b"{}" for number in range(40)}
    async with running(cluster, size) as shown:

        async def looks_plain(*words: str) -> None:
            await shown.until(lambda: all(word in screen_of(shown) for word in words))
            assert screen_of(shown).isascii(), _signs(screen_of(shown))

        await looks_plain("F1 Help")
        cluster.show(frozen.one_down())
        await looks_plain("31 ", "slots")
        await shown.type("put a 1")
        await shown.until(lambda: b"a" in cluster.stored)
        await shown.pilot.press("f6", "f6")
        await looks_plain("F1 Help")
        await shown.pilot.press("f1")
        await shown.until(lambda: isinstance(shown.app.screen, Help))
        await looks_plain("Esc")
        await shown.pilot.press("escape", "f3")
        await shown.until(lambda: isinstance(shown.app.screen, KeyBrowser))
        await looks_plain("key-1", "Esc Back")
        await shown.pilot.press("escape", "ctrl+p")
        await looks_plain("Search for commands")


def _signs(text: str) -> Sequence[str]:
    return sorted(set(re.findall(r"[^\x00-\x7f]", text)))
