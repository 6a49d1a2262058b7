"""A request drawn: bars where the time was, the key's place on the band, nothing wider than there is room."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kvtui.core.explanation import Explanation
from kvtui.core.trace import Exchange, Purpose
from kvtui.widgets.explained import explained_lines, ring_band, span_of
from kvtui.widgets.node_colours import assign
from kvtui.widgets.panel import plain
from tests.widgets import frozen, told

RANGES = frozen.healthy().ranges
COLOURS = assign({}, "ABCD")
TOLD = {"put": told.PUT, "get": told.REPAIRED, "unknown": told.UNKNOWN}


def texts(explanation: Explanation, width: int = 70) -> list[str]:
    return [plain(line) for line in explained_lines(explanation, RANGES, COLOURS, width)]


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("width", [17, 30, 34, 46, 70, 104, 200])
def test_every_line_fits(name: str, width: int) -> None:
    long = replace(TOLD[name], where=replace(TOLD[name].where, key="日".encode() * 90))
    for text in texts(TOLD[name], width) + texts(long, width):
        assert cell_len(text) <= width, text


def test_bars_begin_and_end_with_their_exchanges() -> None:
    lines = texts(told.REPAIRED)
    bars = {line[:8].strip(): line for line in lines if line.rstrip().endswith(("4.1207", "4.1190", "error"))}
    first, repair = bars["A get"], next(line for line in lines if line.startswith("B repair"))
    assert first.index("█") < repair.index("█")
    assert first.rindex("█") <= repair.index("█")
    assert [line.split()[0] for line in lines if "repair" in line] == ["B", "C"]


def test_what_was_asked_and_why_is_all_there() -> None:
    text = "\n".join(texts(told.REPAIRED))
    for words in ("0x517a430dcf1f8a00", "81 of 256, range 56 to 95", "an earlier write of the key ended unknown"):
        assert words in text
    assert "the entry is damaged: its checksum differs" in text
    assert "✓ ok after 1.71 ms: 3 bytes at version 4.1207" in text
    assert "○ C behind, down" in "\n".join(texts(told.PUT))
    assert "+ ◐ D receiving" in "\n".join(texts(told.PUT))
    assert "? unknown after 5,003 ms" in "\n".join(texts(told.UNKNOWN))


def test_the_key_s_place_on_the_band_is_its_token_and_its_range_stands_out() -> None:
    marker, band = ring_band(told.PUT, RANGES, COLOURS, 64)
    place = plain(marker).index("▼")
    assert place == int(told.PUT.where.position * 64)
    cells = plain(band)
    assert len(cells) == 64
    assert cells[place] == "█"
    high = [cell for cell, glyph in enumerate(cells) if glyph == "█"]
    assert high == list(range(high[0], high[-1] + 1))
    assert high[0] / 64 == pytest.approx(56 / 256, abs=1 / 64)


def test_the_band_has_the_colour_of_each_range_s_first_replica() -> None:
    _, band = ring_band(told.PUT, RANGES, COLOURS, 256)
    drawn = [words for text, words in band for _ in text]
    for part in RANGES:
        middle = int((part.start + part.stop) / 2 * 256)
        assert drawn[middle] == f"node:{COLOURS[part.replicas[0]]}"


@given(st.floats(0, 100), st.floats(0, 100), st.integers(4, 80))
def test_a_bar_has_exactly_the_width_there_is_and_shows_even_the_shortest_time(
    began: float, took: float, width: int
) -> None:
    exchange = Exchange("A", Purpose.GET, began, began + took)
    left, drawn, right = span_of(exchange, 200.0, width)
    assert len(left + drawn + right) == width
    assert drawn
    assert abs(len(left) - began / 200 * width) <= 1
    assert span_of(replace(exchange, ended=None), 200.0, width)[2] == ""


def test_a_request_that_asked_nobody_says_so() -> None:
    assert "nobody was asked" in texts(replace(told.PUT, exchanges=()))
