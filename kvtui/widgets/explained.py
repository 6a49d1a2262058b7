"""One request drawn as a timeline: where its key is on the ring, who was asked and when, and why the end counts."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from textwrap import wrap

from rich.cells import cell_len

from kvtui.commands.explain import answer_words, milliseconds, outcome_words, range_words, short_key
from kvtui.commands.wording import harmless
from kvtui.core.cluster import Outcome
from kvtui.core.explanation import Explanation, Holder, Role
from kvtui.core.snapshot import NodeState, RangeView
from kvtui.core.trace import SILENT, Exchange
from kvtui.widgets.bars import LEFT_EIGHTHS
from kvtui.widgets.folding import folded
from kvtui.widgets.panel import LinesPanel
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import short

LABEL = 10
"""Cells of the words on the left."""
LABEL_NARROW = 6
NARROW = 46
"""Fewer cells than these are few."""
NAME_MOST = 10
TIME = 8
BAR_LEAST, BAR_MOST = 4, 72
_ENDS = {
    Outcome.OK: ("✓", "good"),
    Outcome.FAILED: ("✗", "bad"),
    Outcome.UNKNOWN: ("?", "warning"),
}


class Explained(LinesPanel):
    """Shows one request, which does not change any more."""

    def __init__(self, told: Explanation, picture: Picture) -> None:
        """``picture`` has the nodes' colours and the ring as they were then."""
        super().__init__()
        self._told = told
        self.set_reactive(Explained.picture, picture)

    def lines(self, picture: Picture, width: int, height: int) -> Sequence[Line]:
        return explained_lines(self._told, picture.snapshot.ranges, picture.colours, width)


def explained_lines(
    told: Explanation, ranges: Sequence[RangeView], colours: Mapping[str, int], width: int
) -> list[Line]:
    """The request in lines of at most ``width`` cells."""
    where = told.where
    label = LABEL if width >= NARROW else LABEL_NARROW
    lines: list[Line] = []
    lines += _step(label, "key", [(short(short_key(told), width - label), "bold")])
    token = short(f"0x{where.token:016x}", width - label)
    lines += _step(label, "token", [(token, "text"), *_fits(label, width)])
    if ranges:
        lines += [_padded(label, line) for line in ring_band(told, ranges, colours, width - label)]
    slot = f"{where.slot:,} of {where.slots:,}"
    long = f"{slot}, range {range_words(told)}"
    lines += _step(label, "slot", [(long if len(long) <= width - label else slot, "text")])
    lines += _replicas(told, colours, label, width)
    lines.append(())
    for place, doubt in enumerate(told.doubts):
        lines += _wrapped(label, "" if place else "doubt", doubt, "warning", width)
    if told.doubts:
        lines.append(())
    lines += _timeline(told, colours, width)
    lines.append(())
    return folded(lines + _outcome(told, label, width), width, label)


def ring_band(
    told: Explanation, ranges: Sequence[RangeView], colours: Mapping[str, int], width: int
) -> tuple[Line, Line]:
    """The ring from 0 to 1 as a band coloured by first replicas, the key's own range higher, and its place above it."""
    marker = min(width - 1, int(told.where.position * width))
    percent = f"{100 * told.where.position:.1f} %"
    before = marker >= len(percent) + 1
    spans: list[Span] = [
        (" " * (marker - len(percent) - 1) + f"{percent} " if before else " " * marker, "dim"),
        ("▼", "accent bold"),
        ("" if before else f" {percent}", "dim"),
    ]
    low, high = told.where.start / told.where.slots, told.where.stop / told.where.slots
    band: list[Span] = []
    for cell in range(width):
        middle = told.where.position if cell == marker else (cell + 0.5) / width
        part = ranges[max(0, bisect_right(ranges, middle, key=lambda one: one.start) - 1)]
        first = part.replicas[0] if part.replicas else ""
        glyph = "█" if low <= middle < high else "▄"
        words = f"node:{colours.get(first, 0)}" if first else "faint"
        if band and band[-1][1] == words:
            band[-1] = band[-1][0] + glyph, words
        else:
            band.append((glyph, words))
    return tuple(span for span in spans if span[0]), tuple(band)


def holder_state(holder: Holder) -> tuple[str, str, str]:
    """Glyph, words and colour of one node of the preference list."""
    if holder.state is NodeState.DOWN:
        return "○", f"{holder.role}, down", "bad"
    if holder.role is Role.BEHIND:
        return "◌", "behind", "warning"
    if holder.role is Role.RECEIVING:
        return "◐", "receiving", "accent"
    return ("●", "clean", "good") if holder.state is NodeState.UP else ("◌", "clean, silent", "warning")


def _replicas(told: Explanation, colours: Mapping[str, int], label: int, width: int) -> list[Line]:
    """The preference list, first replica first; on as many lines as it takes."""
    lines: list[list[Span]] = [[]]
    used = 0
    for place, holder in enumerate(told.where.holders):
        glyph, words, how = holder_state(holder)
        name = short(harmless(holder.node), NAME_MOST)
        joint = ("" if place == 0 else " → ") if holder.role is not Role.RECEIVING else "  + "
        size = len(joint) + 2 + cell_len(name) + 1 + len(words)
        if used and used + size > width - label:
            lines.append([])
            used, joint, size = 0, joint.lstrip(), size - len(joint) + len(joint.lstrip())
        lines[-1] += [
            (joint, "dim"),
            (f"{glyph} {name} ", f"bold node:{colours.get(holder.node, 0)}"),
            (words, how),
        ]
        used += size
    if not told.where.holders:
        lines[0].append(("none: the cluster has no nodes", "warning"))
    labels = ["replicas" if label >= LABEL else "on", *[""] * (len(lines) - 1)]
    return [_labelled(label, name, line) for name, line in zip(labels, lines, strict=True)]


def _timeline(told: Explanation, colours: Mapping[str, int], width: int) -> list[Line]:
    """An axis, then one bar an exchange, from when the node was asked to when it answered."""
    if not told.exchanges:
        return [(("nobody was asked", "dim"),)]
    end = max([told.milliseconds, *(exchange.ended or 0.0 for exchange in told.exchanges)])
    names = min(NAME_MOST, max(cell_len(harmless(exchange.node)) for exchange in told.exchanges))
    purposes = max(len(exchange.purpose) for exchange in told.exchanges)
    words = max(len(_answer(exchange)) for exchange in told.exchanges)
    lead = names + 1 + purposes + 1
    bar = width - lead - 1 - TIME - 2 - words
    if bar < 2 * BAR_LEAST:
        # No room beside the bar: the answer goes below it.
        words, bar = 0, width - lead - 1 - TIME
    bar = min(BAR_MOST, bar)
    lines: list[Line] = []
    if bar >= 2 * TIME:
        last = milliseconds(end)
        lines.append(((" " * lead, "dim"), (f"0{last:>{bar - 1}}", "dim")))
    for exchange in told.exchanges:
        lines += _bar_lines(exchange, colours, (names, purposes, bar, words), end, width)
    return lines


def _bar_lines(
    exchange: Exchange, colours: Mapping[str, int], columns: tuple[int, int, int, int], end: float, width: int
) -> list[Line]:
    names, purposes, bar, room = columns
    colour = f"node:{colours.get(exchange.node, 0)}" if exchange.node else "dim"
    name = short(harmless(exchange.node), names)
    failed = exchange.status in (SILENT, "error") and exchange.text != "not waited for"
    time = "" if exchange.ended is None else milliseconds(exchange.ended)
    left, drawn, right = span_of(exchange, end, bar)
    line: list[Span] = [
        (name + " " * (names - cell_len(name)) + " ", f"bold {colour}"),
        (f"{exchange.purpose:<{purposes}} ", "accent" if exchange.purpose == "repair" else "dim"),
        (left, "faint"),
        (drawn, "bad" if failed else colour),
        (right + " ", "faint"),
        (f"{time:>{TIME}}", "text"),
    ]
    how = "bad" if failed else "dim" if exchange.status == SILENT else "good"
    if room:
        line.append((f"  {_answer(exchange)}", how))
    below = [] if room else [_answer(exchange)]
    if failed and exchange.text:
        below = [answer_words(exchange)]
    lead = names + purposes + 2
    parts = [part for text in below for part in wrap(text, max(8, width - lead))]
    return [tuple(span for span in line if span[0]), *(((" " * lead + part, how),) for part in parts)]


def _answer(exchange: Exchange) -> str:
    """What fits beside a bar."""
    if exchange.status == "error":
        return "error"
    return "silent" if exchange.status == SILENT and exchange.text != "not waited for" else answer_words(exchange)


def span_of(exchange: Exchange, end: float, width: int) -> tuple[str, str, str]:
    """The cells before, of, and after the time that an exchange took; one without an end runs on as dots."""
    scale = width / end if end else 0.0
    start = min(width - 1, int(exchange.began * scale))
    if exchange.ended is None:
        return "─" * start, "·" * (width - start), ""
    eighths = max(1, min(8 * (width - start), round((exchange.ended * scale - start) * 8)))
    whole, part = divmod(eighths, 8)
    drawn = LEFT_EIGHTHS[8] * whole + (LEFT_EIGHTHS[part] if part else "")
    return "─" * start, drawn, "─" * (width - start - len(drawn))


def _outcome(told: Explanation, label: int, width: int) -> list[Line]:
    glyph, words = ("~", "warning") if told.stale else _ENDS[told.outcome]
    first, *rest = outcome_words(told)
    lines = _wrapped(label, "outcome" if label >= LABEL else "end", f"{glyph} {first}", f"bold {words}", width)
    for text in rest:
        lines += _wrapped(label, "", text, "text", width)
    return lines


def _wrapped(label: int, name: str, text: str, words: str, width: int) -> list[Line]:
    parts = wrap(text, max(8, width - label)) or [""]
    labels = [name, *[""] * (len(parts) - 1)]
    return [_labelled(label, begun, [(part, words)]) for begun, part in zip(labels, parts, strict=True)]


def _step(label: int, name: str, spans: list[Span]) -> list[Line]:
    return [_labelled(label, name, spans)]


def _labelled(label: int, name: str, spans: list[Span]) -> Line:
    return ((f"{name:<{label}}", "dim"), *spans)


def _padded(label: int, line: Line) -> Line:
    return ((" " * label, "dim"), *line)


def _fits(label: int, width: int) -> list[Span]:
    """Why the token matters, where there is room to say so."""
    words = "  the key's hash: its place on the ring"
    return [(words, "dim")] if width - label - 18 >= len(words) else []
