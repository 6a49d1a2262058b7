"""What is told of a key above its value. Pure functions."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

from rich.cells import cell_len

from kvtui.commands.copies import copy_is_fine, copy_words, newest_of
from kvtui.commands.wording import counted, harmless
from kvtui.core.cluster import Outcome, Read, ReplicaCopy
from kvtui.screens.key_browser.reading import Inspected
from kvtui.screens.key_browser.value import Kind, Presented
from kvtui.widgets.wrapping import wrapped_text

LABEL = 10
"""Cells before what a label names."""
Part = tuple[str, str]
"""A piece of text and its style."""
Row = tuple[Part, ...]


def facts(inspected: Inspected, presented: Presented | None, colours: Mapping[str, str], width: int) -> list[Row]:
    """Value, version, replicas and place in lines of ``width`` cells; ``colours`` are styles by node id, ``presented`` None
    without a value."""
    read, location = inspected.read, inspected.location
    place = f"0x{location.token:016x}, {100 * location.position:.2f} % round the ring"
    rows = [*_told("value", *_value(read, presented), width)]
    if read.outcome is Outcome.OK:
        rows += _told("version", *_version(read), width)
    rows += _replicas(location.replicas, colours, width - LABEL)
    rows += _told("token", place, "", width)
    if presented is not None and presented.left_out:
        rows += _told("shown", presented.left_out, "$warning", width)
    return rows


def _label(name: str) -> Part:
    return f"{name:<{LABEL}}", "$foreground 60%"


def _told(name: str, text: str, style: str, width: int) -> list[Row]:
    lines = wrap(text, max(8, width - LABEL)) or [""]
    return [(_label("" if place else name), (line, style)) for place, line in enumerate(lines)]


def _value(read: Read, presented: Presented | None) -> Part:
    if read.outcome is not Outcome.OK:
        why = f": {harmless(read.text)}" if read.text else ""
        return f"can't be read{why}", "$error"
    if read.value is None or presented is None:
        return "none: the key is not there", "$warning"
    layout = _layout(read.value) if presented.kind is Kind.TEXT else ""
    return f"{counted(len(read.value), 'byte')}, {presented.kind}{layout}", ""


def _layout(value: bytes) -> str:
    """What can't be seen of text that stands as it is: whether a line of the panel is one of its own, and how it ends."""
    ends = len(value) - len(value.rstrip(b"\n"))
    lines = value.count(b"\n") - ends + 1
    return (f", {lines:,} lines" if lines > 1 else "") + (f"; {counted(ends, 'newline')} at its end" if ends else "")


def _version(read: Read) -> Part:
    told = f"{read.version}, read from {harmless(read.node)}"
    return (f"{told}: stale, it may lack newer writes", "$warning") if read.stale else (told, "")


def _replicas(copies: Sequence[ReplicaCopy], colours: Mapping[str, str], width: int) -> list[Row]:
    """One after the other, in as many lines as it takes, first replica first."""
    if not copies:
        return [(_label("replicas"), ("none: the cluster has no nodes", "$warning"))]
    newest = newest_of(copies)
    rows: list[list[Part]] = [[_label("replicas")]]
    used = 0
    for copy in copies:
        name = harmless(copy.node)
        words, *more = wrapped_text(f" {copy_words(copy, newest)}", max(8, width - cell_len(name) - 1))
        wide = cell_len(name + words)
        if used and used + 3 + wide > width:
            rows.append([_label("")])
            used = 0
        if used:
            rows[-1].append(("   ", ""))
            used += 3
        style = "" if copy_is_fine(copy, newest) else "$warning"
        rows[-1] += [(name, colours.get(copy.node, "bold")), (words, style)]
        rows += [[_label(""), (" " * (cell_len(name) + 1) + text, style)] for text in more]
        used = width if more else used + wide
    return [tuple(row) for row in rows]
