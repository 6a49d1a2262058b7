"""Every text that panels, titles and sheets can show, drawn by their pure functions from clusters in all the states there are."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path

import kvtui
from kvtui.commands import key_facts, node_facts
from kvtui.commands.explain import explanation_lines
from kvtui.commands.legend import Sign
from kvtui.commands.nodes import node_words
from kvtui.commands.plans import plan_lines
from kvtui.commands.ring import all_stats
from kvtui.core.change import AddNode, RemoveNode, SetReplication
from kvtui.core.cluster import Heard, Item, Location, Outcome, Read
from kvtui.core.read_mode import ReadMode
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from kvtui.core.version import Version
from kvtui.screens.key_browser.facts import facts
from kvtui.screens.key_browser.found import Found, Phase
from kvtui.screens.key_browser.reading import Inspected
from kvtui.screens.key_browser.status import status_words
from kvtui.screens.key_browser.value import present
from kvtui.screens.palette import WORDS
from kvtui.widgets.bench.headline import headline
from kvtui.widgets.bench.latency import latency_lines
from kvtui.widgets.bench.nodes import node_lines
from kvtui.widgets.bench.plot import plot_lines
from kvtui.widgets.bench.terms import terms_lines
from kvtui.widgets.bench.throughput import throughput_lines
from kvtui.widgets.checked import checked_lines
from kvtui.widgets.explained import explained_lines
from kvtui.widgets.header import header_line
from kvtui.widgets.inspector import inspector_lines
from kvtui.widgets.measures import Measure, Order
from kvtui.widgets.node_lines import NodeLines, hovered
from kvtui.widgets.panel import plain
from kvtui.widgets.picture import Picture, Subject
from kvtui.widgets.planned import planned_lines
from kvtui.widgets.ring.centre import centre_lines
from kvtui.widgets.ring.view import View
from kvtui.widgets.stats import stats_lines
from kvtui.widgets.tints import Line
from tests.bench import runs
from tests.snapshots.test_check_screen import RUNNING, VIOLATED
from tests.widgets import frozen, told

WIDTHS = (200, 60)
"""What has no room is said in other words. In less than these, words are cut."""
PACKAGE = Path(kvtui.__file__).parent


def _everywhere() -> Iterator[ClusterSnapshot]:
    """Clusters in every state that a label tells of, and in all of them at once."""
    healthy, down, joining = frozen.healthy(), frozen.one_down(), frozen.joining(part=0.5)
    yield frozen.empty()
    yield healthy
    yield down
    yield joining
    yield replace(down, lost=12)
    yield replace(down, under_replicated=0, clean_copies=healthy.clean_copies)
    yield frozen.healthy(["A"], replication=2)
    yield replace(healthy, reads=ReadMode.AVAILABLE, policy="classic 64", throttle=500)
    yield replace(healthy, durable=False, attached="")
    yield replace(healthy, attached="kvtui serve (process 7)")
    yield replace(healthy, stopped="it ended")
    yield replace(healthy, attached="kvtui serve (process 7)", stopped="it ended")
    yield replace(healthy, log_full="no space")
    away = frozen.two_down()
    yield away
    yield replace(away, reads=ReadMode.AVAILABLE, stale_at_best=3)
    yield replace(away, unreachable_keys=None)
    yield replace(away, unavailable=0, unwritable=9, writes_wait_for=("A",), unreachable_sure=False)
    waiting = tuple(replace(node, awaited=3, waits_for=("B",)) for node in joining.nodes)
    yield replace(joining, nodes=waiting, moves_waiting=7, moves_wait_for=("B",))
    first, *others = joining.nodes
    worst = replace(
        first, state=NodeState.SUSPECT, leaving=True, damaged=3, durable=False, fault="paused, cut off", note="-", behind=7,
        hints=2, weight=2, started_here=False, pid=None, p99=0.0,
    )  # fmt: skip
    yield replace(joining, nodes=(worst, replace(others[0], leaving=True), *others[1:]))


SNAPSHOTS: Sequence[ClusterSnapshot] = tuple(_everywhere())


def _pictures(snapshot: ClusterSnapshot) -> Iterator[Picture]:
    colours = {node.id: place for place, node in enumerate(snapshot.nodes)}
    picture = Picture(snapshot=snapshot, colours=colours)
    yield picture
    for node in snapshot.nodes:
        yield replace(picture, selected=node.id, inspected=Subject.NODE)
    for location in _locations(snapshot):
        yield replace(picture, located=location, inspected=Subject.KEY)


def _locations(snapshot: ClusterSnapshot) -> Iterator[Location]:
    """Where a key is, and what replicas may answer of it."""
    if not snapshot.ranges:
        return
    known = frozen.located(snapshot, b"1")
    yield known
    for version in (None, Version(0, 0), Version(1, 3)):
        first, *others = known.replicas
        yield replace(known, replicas=(replace(first, version=version, deleted=True), *others))
    for heard in Heard:
        silent = replace(known.replicas[0], version=None, heard=heard)
        yield replace(known, replicas=(silent, *known.replicas[1:]))
    yield replace(known, replicas=())


def _of_clusters(width: int) -> Iterator[Line]:
    for snapshot in SNAPSHOTS:
        for readonly in (False, True):
            yield header_line(snapshot, width, readonly=readonly)
        yield from stats_lines(snapshot, width)
        colours = {node.id: place for place, node in enumerate(snapshot.nodes)}
        for measure in Measure:
            lines = NodeLines(snapshot, colours, "", width, measure)
            yield from (lines[row].line for row in range(len(lines)))
        for picture in _pictures(snapshot):
            yield from centre_lines(picture, width, 20, frozenset(), ())
            yield from inspector_lines(picture, width)


def _of_sheets(width: int) -> Iterator[Line]:
    colours = {node: place for place, node in enumerate("ABCD")}
    ranges = frozen.healthy().ranges
    for explanation in (told.PUT, told.REPAIRED, told.UNKNOWN):
        yield from explained_lines(explanation, ranges, colours, width)
    for change in (AddNode("D"), RemoveNode("B"), SetReplication(3), SetReplication(1)):
        for down in ("", "B"):
            yield from planned_lines(told.plan(change, down), colours, width)
    for view in (RUNNING, VIOLATED):
        yield from checked_lines(view, width)
    for bench in (runs.LOADING, runs.RUNNING, runs.ENDED, runs.done(), runs.bad(), runs.SCANS):
        yield headline(bench, width)
        yield from throughput_lines(bench, width, small=True)
        yield from latency_lines(bench, width)
        yield from plot_lines(bench, width, 12)
        yield from node_lines(bench, colours, width)
        yield from terms_lines(bench, width)


def _of_the_browser() -> Iterator[str]:
    """Keys as they are found, and one of them with its value."""
    item = Item(b"1", None, Version(1, 1), 3)
    for phase in Phase:
        for found in (Found(phase=phase), Found(phase=phase, rows=(item,), skipped=3), Found(b"7", phase)):
            yield from (status_words(found, width) for width in (200, 60, 30, 15))
    reads = (Read(Outcome.OK, b"\x00\n", Version(1, 1), "A", stale=True), Read(Outcome.OK, None, Version(1, 1), "A"))
    for read in (
        *reads,
        Read(Outcome.FAILED, None, Version(0, 0)),
        Read(Outcome.OK, b"7" * 100_000, Version(1, 1), "A"),
    ):
        presented = None if read.value is None else present(read.value, 80)
        for snapshot in SNAPSHOTS:
            for location in _locations(snapshot):
                rows = facts(Inspected(b"1", read, location), presented, {}, 120)
                yield from ("".join(text for text, _ in row) for row in rows)


def _of_the_ring() -> Iterator[str]:
    """Titles, views and signs."""
    yield from (f"Ring · {view} · {order} · {measure}" for view in View for order in Order for measure in Measure)
    for sign in Sign:
        yield f"{sign.value.name} {sign.value.brief} {sign.value.meaning}"
    yield from (hovered(node) for snapshot in SNAPSHOTS for node in snapshot.nodes)
    yield from (f"{title} {words}" for title, words in WORDS.values())


def _strings(node: ast.AST) -> Iterator[str]:
    """The texts within a piece of source; not those that something is compared with, or asked for by."""
    aside = {
        id(inner)
        for part in ast.walk(node)
        if isinstance(part, ast.Compare | ast.Subscript)
        for inner in ast.walk(part)
    }
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in aside:
            yield part.value


@cache
def _sources(folder: str) -> Sequence[ast.Module]:
    return [ast.parse(path.read_text()) for path in sorted((PACKAGE / folder).rglob("*.py"))]


def _titles() -> Iterator[str]:
    """Every title of a frame, as the source has it."""
    for module in chain(_sources("screens"), _sources("widgets")):
        for node in ast.walk(module):
            targets = node.targets if isinstance(node, ast.Assign) else []
            names = {getattr(target, "attr", getattr(target, "id", "")).lower() for target in targets}
            if names & {"border_title", "border_subtitle"}:
                yield from _strings(node)


def _keys() -> Iterator[str]:
    """What the footer and F1 say of keys."""
    for module in chain(_sources("screens"), _sources("widgets"), [ast.parse((PACKAGE / "app.py").read_text())]):
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Binding":
                told = [argument for argument in node.args[2:3] if isinstance(argument, ast.Constant)]
                told += [
                    given.value
                    for given in node.keywords
                    if given.arg == "tooltip" and isinstance(given.value, ast.Constant)
                ]
                yield from (str(text.value) for text in told)


def _calls(folder: str, name: str) -> Iterator[str]:
    """The texts of all calls of a function of that name."""
    for module in _sources(folder):
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == name:
                yield " ".join(text for argument in node.args for text in _strings(argument))


LABELS: Mapping[str, Callable[[], Iterator[str]]] = {
    "header, stats, nodes, centre and inspector": lambda: (
        plain(line) for width in WIDTHS for line in _of_clusters(width)
    ),
    "sheets": lambda: (plain(line) for width in WIDTHS for line in _of_sheets(width)),
    "ring": _of_the_ring,
    "key browser": _of_the_browser,
    "titles": _titles,
    "keys": _keys,
    "answers": lambda: chain(_answers(), _calls("commands", "Line")),
    "events": lambda: _calls("core", "emit"),
}
"""By where they stand. Of answers and events what the source has: their places are too many to bring about."""


def _answers() -> Iterator[str]:
    for snapshot in SNAPSHOTS:
        yield from (line.text for line in all_stats(snapshot))
        yield from (node_words(view) for view in snapshot.nodes)
        yield from (fact.name + " " + fact.text for view in snapshot.nodes for fact in node_facts(snapshot, view))
        yield from (fact.name for location in _locations(snapshot) for fact in key_facts(snapshot, location))
    for explanation in (told.PUT, told.REPAIRED, told.UNKNOWN):
        yield from (line.text for line in explanation_lines(explanation))
    yield from (line.text for line in plan_lines(told.plan()))
