"""explain: a request is carried out, and told step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from kvtui.commands.command import Argument, Command, CommandError, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.wording import counted, harmless, to_bytes, whole, wrapped
from kvtui.core.cluster import IT_IS_DOWN, ClusterError, Explains, Heard, Location, Outcome, ReplicaCopy
from kvtui.core.events import Level
from kvtui.core.explanation import Explanation, Holder, Role, reasons
from kvtui.core.snapshot import NodeState
from kvtui.core.trace import SILENT, Exchange, Purpose
from kvtui.core.version import NEVER

WIDTH_LEAST, WIDTH_MOST = 36, 80
"""Columns that a line is made for."""
KEY_SHOWN = 24
"""Characters of a key in a line that says more than the key."""
LABEL_LEAST, LABEL_MOST = 8, 16
BAR = 20
BAR_LEAST = 6
TIME = 9

_LEVELS = {Outcome.OK: Level.GOOD, Outcome.FAILED: Level.BAD, Outcome.UNKNOWN: Level.BAD}


class Step(NamedTuple):
    """One step of the way, before it is cut into lines."""

    name: str
    words: str
    level: Level = Level.INFO


async def explain(invocation: Invocation, context: Context) -> bool:
    """``explain put|get|del``."""
    cluster = context.cluster
    if not isinstance(cluster, Explains):
        raise ClusterError("this cluster can't tell how it carries requests out")
    request, key = invocation.values["request"], to_bytes(invocation.values["key"])
    value = invocation.values.get("value")
    if (value is not None) != (request == "put"):
        problem = "missing" if value is None else f"{request} takes none"
        raise CommandError(f"value: {problem}. Usage: explain put <key> <value>, explain get|del <key>", "value")
    if request == "put":
        told = await cluster.explain_put(key, to_bytes(value or ""))
    elif request == "get":
        told = await cluster.explain_get(key)
    else:
        told = await cluster.explain_delete(key)
    for line in explanation_lines(told, context.columns):
        context.say(line)
    context.located(location_of(told))
    context.explained(told)
    return told.outcome is Outcome.OK


def location_of(told: Explanation) -> Location:
    """Where the key is, with what this request made known of each replica."""
    where = told.where
    last = {one.node: one for one in told.exchanges if one.purpose is not Purpose.WAIT}
    copies = tuple(_copy(told, holder, last.get(holder.node)) for holder in where.holders)
    start, stop = where.start / where.slots, where.stop / where.slots
    return Location(where.key, where.token, where.position, start, stop, copies)


def _copy(told: Explanation, holder: Holder, last: Exchange | None) -> ReplicaCopy:
    unknown = ReplicaCopy(
        holder.node,
        None,
        clean=holder.role is Role.CLEAN,
        receiving=holder.role is Role.RECEIVING,
        heard=Heard.NOT_ASKED,
        why=_why_unasked(told, holder),
    )
    if last is None:
        return unknown
    if last.status == SILENT:
        return replace(unknown, heard=Heard.NO_ANSWER, why=last.text if last.text != "no answer" else "")
    if last.status == "error":
        return replace(unknown, heard=Heard.REFUSED, why=last.text)
    version = last.version or NEVER
    deleted = version != NEVER and (last.status == "not_found" or told.purpose is Purpose.DELETE)
    return replace(unknown, version=version, deleted=deleted, heard=Heard.ANSWERED, why="")


def _why_unasked(told: Explanation, holder: Holder) -> str:
    if holder.state is NodeState.DOWN:
        return IT_IS_DOWN
    if told.purpose is not Purpose.GET or told.outcome is not Outcome.OK or holder.role is not Role.CLEAN:
        return ""
    return "one clean answer was enough"


def explanation_lines(told: Explanation, columns: int = WIDTH_MOST) -> list[Line]:
    """One line a step, longer ones continued below: where the key is, who was asked, what that came to."""
    where = told.where
    longest = LABEL_MOST if columns >= WIDTH_MOST else LABEL_LEAST
    label = min(longest, max([LABEL_LEAST, *(len(holder.node) for holder in where.holders)]))
    room = min(WIDTH_MOST, max(WIDTH_LEAST, columns)) - label - 4
    steps = [
        Step("token", f"0x{where.token:016x}, {100 * where.position:.2f} % round the ring"),
        Step("slot", f"{where.slot:,} of {where.slots:,}, in the range {range_words(told)}"),
    ]
    if not where.holders:
        steps.append(Step("replicas", "none: the cluster has no nodes", Level.WARNING))
    else:
        steps.append(Step("replicas", ", ".join(holder_words(holder) for holder in where.holders)))
    steps += [Step("doubt", doubt) for doubt in told.doubts]
    end = max([told.milliseconds, *(exchange.ended or 0.0 for exchange in told.exchanges)])
    bar = BAR - (WIDTH_MOST - LABEL_LEAST - 4 - room)
    steps += [_exchange_step(exchange, end, bar if bar >= BAR_LEAST else 0) for exchange in told.exchanges]
    first, *rest = outcome_words(told)
    steps.append(Step("outcome", first, Level.WARNING if told.stale else _LEVELS[told.outcome]))
    steps += [Step("", words, Level.INFO if told.outcome is Outcome.OK else Level.BAD) for words in rest]
    lines = [Line(f"{told.purpose} {short_key(told)}")]
    for step in steps:
        lines += _lines(step, label, room)
    return lines


def short_key(told: Explanation) -> str:
    """The key, cut when it is long."""
    text = whole(told.where.key[: 4 * KEY_SHOWN])
    return text if len(text) <= KEY_SHOWN and len(told.where.key) <= 4 * KEY_SHOWN else f"{text[:KEY_SHOWN]}…"


def range_words(told: Explanation) -> str:
    """The first and last slot of the key's range."""
    return f"{told.where.start:,} to {told.where.stop - 1:,}"


def holder_words(holder: Holder) -> str:
    """``A clean``, ``B behind (DOWN)``."""
    state = "" if holder.state is NodeState.UP else f" ({holder.state})"
    return f"{holder.node} {holder.role}{state}"


def outcome_words(told: Explanation) -> list[str]:
    """How it ended, then why that counts."""
    if told.outcome is Outcome.OK:
        first = f"{'stale' if told.stale else 'ok'} after {milliseconds(told.milliseconds)}: {_what(told)}"
    elif told.outcome is Outcome.FAILED:
        first = f"failed after {milliseconds(told.milliseconds)}"
    else:
        first = f"unknown after {milliseconds(told.milliseconds)}: it may have happened"
    return [first, *(harmless(words) for words in reasons(told))]


def _what(told: Explanation) -> str:
    at = "" if told.version == NEVER else f" at version {told.version}"
    if told.purpose is Purpose.DELETE:
        return f"{'deleted' if told.existed else 'deleted, though it was not there,'}{at}"
    if told.size is None:
        return f"not found, deleted{at}" if at else "not found"
    return f"{counted(told.size, 'byte')}{at}"


def answer_words(exchange: Exchange) -> str:
    """``ok 4.17``; why not, where something failed."""
    if exchange.purpose is Purpose.WAIT:
        return "still in flight" if exchange.ended is None else "a write ended"
    text = f": {harmless(exchange.text)}" if exchange.text else ""
    if exchange.status == SILENT:
        return harmless(exchange.text) or "no answer"
    version = "" if exchange.version is None or exchange.version == NEVER else f" {exchange.version}"
    return f"{exchange.status.replace('_', ' ')}{version}{text}"


def milliseconds(value: float) -> str:
    """``0.31 ms``, ``12.4 ms``, ``1,532 ms``."""
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def _exchange_step(exchange: Exchange, end: float, bar: int) -> Step:
    drawn = f"{text_bar(exchange, end, bar)} " if bar else ""
    time = "" if exchange.ended is None else milliseconds(exchange.ended)
    words = f"{exchange.purpose:<6} {drawn}{time:>{TIME}}  {answer_words(exchange)}"
    good = exchange.status not in (SILENT, "error") or exchange.text == "not waited for"
    return Step(exchange.node, words, Level.INFO if good else Level.WARNING)


def text_bar(exchange: Exchange, end: float, width: int = BAR) -> str:
    """From when the node was asked to when it answered, of the whole request, in characters that every terminal has."""
    scale = width / end if end else 0.0
    start = min(width - 1, int(exchange.began * scale))
    if exchange.ended is None:
        return f"|{' ' * start}{'.' * (width - start)}|"
    stop = min(width, max(start + 1, round(exchange.ended * scale)))
    return f"|{' ' * start}{'=' * (stop - start)}{' ' * (width - stop)}|"


def _lines(step: Step, label: int, room: int) -> list[Line]:
    name = step.name if len(step.name) <= label else f"{step.name[: label - 1]}…"
    parts = wrapped(step.words, room, indent=2)
    names = [name, *[""] * (len(parts) - 1)]
    return [Line(f"  {begun:<{label}}  {part}", step.level) for begun, part in zip(names, parts, strict=True)]


COMMANDS: tuple[Command, ...] = (
    Command(
        "explain",
        (
            Argument("request", "what is carried out", Kind.CHOICE, choices=("put", "get", "del")),
            Argument("key", "in quotes if it holds spaces", Kind.KEY),
            Argument("value", "of a put: the rest of the line", Kind.VALUE, optional=True, rest=True),
        ),
        "Carry a request out and show each step",
        "The request is really made. Shown are its token, slot and replicas, what each node was asked, what it answered and when,"
        " what a get repaired, and why the outcome counts.",
        explain,
        capability=Explains,
        changes=frozenset({"put", "del"}),
    ),
)
