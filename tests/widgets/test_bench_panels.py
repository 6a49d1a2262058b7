"""The panels of a bench, as lines: they fit, they keep their places, and they tell what they should."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from rich.cells import cell_len

from kvtui.bench.view import BenchView, NodeLoad, Percentiles, Phase, Second
from kvtui.bench.workloads import Asked
from kvtui.widgets.bench.columns import filled, spread
from kvtui.widgets.bench.digits import ROWS, large
from kvtui.widgets.bench.headline import headline
from kvtui.widgets.bench.latency import latency_lines
from kvtui.widgets.bench.nodes import SHOWN_MOST, node_lines
from kvtui.widgets.bench.plot import AXIS, bounds, plot_lines
from kvtui.widgets.bench.terms import terms_lines
from kvtui.widgets.bench.throughput import throughput_lines
from kvtui.widgets.panel import plain
from kvtui.widgets.signs import PLAIN
from kvtui.widgets.tints import Line
from tests.bench import runs

COLOURS = {"A": 0, "B": 1, "C": 2}
VIEWS = {"loading": runs.LOADING, "running": runs.RUNNING, "done": runs.done(), "bad": runs.bad(), "scans": runs.SCANS}
PANELS: dict[str, Callable[[BenchView, int], Sequence[Line]]] = {
    "headline": lambda view, width: [headline(view, width)],
    "throughput": lambda view, width: throughput_lines(view, width, small=True),
    "large throughput": lambda view, width: throughput_lines(view, max(40, width), small=False),
    "latency": latency_lines,
    "plot": lambda view, width: plot_lines(view, width, 12),
    "nodes": lambda view, width: node_lines(view, COLOURS, width),
    "terms": terms_lines,
}


def text(lines: Sequence[Line]) -> list[str]:
    return [plain(line) for line in lines]


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", [34, 40, 76, 116, 246])
def test_no_line_is_wider_than_its_panel(panel: str, view: str, width: int) -> None:
    room = max(40, width) if panel == "large throughput" else width
    for line in text(PANELS[panel](VIEWS[view], width)):
        assert cell_len(line.rstrip()) <= room, line


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("view", VIEWS)
def test_every_sign_has_a_letter(panel: str, view: str) -> None:
    signs = {sign for line in text(PANELS[panel](VIEWS[view], 116)) for sign in line if not sign.isascii()}
    assert signs <= set(PLAIN)


@pytest.mark.parametrize("panel", ["headline", "throughput", "large throughput", "latency", "plot", "nodes"])
def test_panels_keep_their_height_from_the_first_record_to_the_last(panel: str) -> None:
    heights = {len(PANELS[panel](view, 80)) for view in (runs.LOADING, runs.RUNNING, runs.ENDED, runs.done())}
    assert len(heights) == 1


def test_the_headline_says_how_far_it_is() -> None:
    assert plain(headline(runs.LOADING, 100)).rstrip().endswith("loading records 4,000 of 10,000")
    assert plain(headline(runs.RUNNING, 100)).startswith(" bench A · 50 % read, 50 % update")
    assert "━╸─" in plain(headline(runs.RUNNING, 100)) or "━━─" in plain(headline(runs.RUNNING, 100))
    assert plain(headline(runs.RUNNING, 100)).rstrip().endswith("─  7 of 10 s")
    assert "0 of 5,000" in plain(headline(runs.SCANS, 100))
    assert "✓ done in 10.0 s" in plain(headline(runs.done(), 100))
    assert "✗ 12 failed, 3 unknown, 1 found nothing" in plain(headline(runs.bad(), 100))
    assert "stopped after 4.0 s" in plain(headline(replace(runs.ENDED, elapsed=4.0), 100))
    assert "nothing measured" in plain(headline(replace(runs.LOADING, phase=Phase.DONE), 100))


def test_throughput_is_of_the_last_second_and_at_the_end_of_all() -> None:
    assert text(throughput_lines(runs.RUNNING, 60, small=True))[0].startswith("47,520 ")
    assert text(throughput_lines(runs.ENDED, 60, small=True))[0].startswith("47,442 ")
    assert text(throughput_lines(runs.LOADING, 60, small=True))[0].startswith("- ")
    assert text(throughput_lines(runs.bad(), 60, small=True))[1] == "397,417 ok, 12 failed, 3 unknown, 1 found nothing"
    assert text(throughput_lines(runs.bad(), 44, small=True))[1] == "397,417 ok, 12 failed, 3 unknown"


def test_large_digits_are_as_high_as_they_are_said_to_be() -> None:
    for number in ("0", "1,234,567,890", "-"):
        rows = large(number)
        assert len(rows) == ROWS
        assert len({len(row) for row in rows}) == 1
    assert large("7") == ["▀▀█", "  █", "  ▀"]
    assert len({tuple(large(digit)) for digit in "0123456789"}) == 10


def test_the_table_has_a_row_a_kind_and_what_was_timed() -> None:
    heading, *rows = text(latency_lines(runs.RUNNING, 70))
    assert heading.split() == ["count", "p50", "p90", "p99", "p99.9", "max"]
    assert [row[:9].strip() for row in rows] == ["read", "update", "all", "as timed"]
    assert rows[0].split() == ["read", "168,020", "1.21", "2.34", "6.81", "14.2", "31.6"]
    assert {row.split()[-1] for row in text(latency_lines(runs.LOADING, 70))[1:]} == {"-"}


def test_where_there_is_little_room_the_99th_percentile_stays() -> None:
    assert text(latency_lines(runs.RUNNING, 34))[0].split() == ["p50", "p99", "max"]
    assert text(latency_lines(runs.RUNNING, 26))[0].split() == ["p99", "max"]


def test_the_scale_holds_every_point_between_round_ends() -> None:
    points = [Second(1, 0, 0.7, 3.0, 9.0), Second(1, 0, 1.4, 48.0, 60.0)]
    assert bounds(points) == (0.2, 100.0)
    assert bounds([]) == (0.1, 10.0)
    assert bounds([Second(0, 9, 0, 0, 0)])[0] > 0


def test_the_plot_shows_the_hiccup_and_leaves_room_for_what_is_to_come() -> None:
    rows = text(plot_lines(runs.RUNNING, AXIS + 100, 13))
    cells = [row[AXIS:] for row in rows[:-1]]
    assert all(not row[70:].strip() for row in cells)
    highest = next(row for row in cells if row.strip())
    assert set(highest[50:60]) <= set("▁─▔")
    assert not highest[:50].strip()
    assert not highest[60:].strip()
    assert rows[-1].split() == ["0", "5", "10", "s"]


def test_a_plot_without_room_is_none() -> None:
    assert plot_lines(runs.RUNNING, 10, 12) == []
    assert plot_lines(runs.RUNNING, 80, 2) == []


def test_a_column_of_many_seconds_shows_the_worst_of_them() -> None:
    seconds = [Second(1, 0, 1.0, float(place), 1.0) for place in range(1_000)]
    shown = spread(seconds, 1_000, 10, lambda second: second.p99)
    assert [second.p99 for second in shown if second] == [99, 199, 299, 399, 499, 599, 699, 799, 899, 999]


def test_a_column_fills_cells_from_below() -> None:
    assert [filled(1.5, above) for above in range(3)] == ["█", "▄", ""]
    assert filled(0.0, 0) == ""


def test_nodes_are_told_up_to_a_limit() -> None:
    many = replace(runs.RUNNING, nodes=tuple(NodeLoad(f"n{place}", 10.0, 0.1, 0.2) for place in range(100)))
    lines = text(node_lines(many, {}, 60))
    assert len(lines) == SHOWN_MOST + 2
    assert lines[-1] == "and 68 more"
    assert text(node_lines(replace(runs.RUNNING, nodes=()), {}, 60)) == ["none"]
    idle = replace(runs.RUNNING, nodes=(NodeLoad("A", 0.0, 0.0, 0.0),))
    assert text(node_lines(idle, COLOURS, 34))[1].split() == ["●", "A", "0", "-", "-"]


def test_the_terms_state_the_guarantee_and_the_comparison() -> None:
    words = "\n".join(text(terms_lines(runs.done(), 78)))
    assert "every acknowledged write on 2 nodes; no stale reads" in words
    assert "N=2 W=1, durable, strict reads, balanced ring of 3 nodes" in words
    assert "1.25 x" in words
    assert "better" in words
    assert "clients 64, was 32; copies 2, was 1" in words
    assert "results/today.json" in words
    assert "for a time less: 5,461 slots on 1 node only" in "\n".join(text(terms_lines(runs.bad(), 78)))
    paced = replace(runs.RUNNING, asked=Asked(rate=2_000, clients=1))
    assert "1 client, 2,000/s begun on schedule" in "\n".join(text(terms_lines(paced, 78)))


def test_a_second_in_which_nothing_ended_is_blank() -> None:
    idle = replace(runs.RUNNING, seconds=(*runs.seconds(2), Second(0.0, 0, 0.0, 0.0, 0.0)), whole=Percentiles())
    rows = text(plot_lines(idle, AXIS + 100, 8))[:-1]
    assert all(not row[AXIS + 20 :].strip() for row in rows)
