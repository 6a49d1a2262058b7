"""explain: a request is carried out, and told step by step."""

from __future__ import annotations

from collections.abc import Sequence

from kvtui.commands.command import Argument, Command, CommandError, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.wording import counted, harmless, to_bytes, whole, wrapped
from kvtui.core.cluster import ClusterError, Explains, Location, Outcome, ReplicaCopy
from kvtui.core.events import Level
from kvtui.core.explanation import Explanation, Holder, Role, reasons
from kvtui.core.snapshot import NodeState
from kvtui.core.trace import SILENT, Exchange, Purpose
from kvtui.core.version import NEVER

WIDTH = 80
"""Columns of the widest line."""
KEY_SHOWN = 24
"""Characters of a key in a line that says more than the key."""
LABEL_LEAST, LABEL_MOST = 8, 16
BAR = 20
TIME = 9

_LEVELS = {Outcome.OK: Level.GOOD, Outcome.FAILED: Level.BAD, Outcome.UNKNOWN: Level.BAD}


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
    for line in explanation_lines(told):
        context.say(line)
    context.located(location_of(told))
    context.explained(told)
    return told.outcome is Outcome.OK


def location_of(told: Explanation) -> Location:
    """Where the key is, with the versions that were told."""
    where, versions = told.where, {one.node: one.version for one in told.exchanges if one.status == "ok"}
    copies = tuple(
        ReplicaCopy(
            holder.node,
            versions.get(holder.node),
            clean=holder.role is Role.CLEAN,
            receiving=holder.role is Role.RECEIVING,
        )
        for holder in where.holders
    )
    start, stop = where.start / where.slots, where.stop / where.slots
    return Location(where.key, where.token, where.position, start, stop, copies)


def explanation_lines(told: Explanation) -> list[Line]:
    """One line a step, each of at most ``WIDTH`` columns: where the key is, who was asked, what that came to."""
    names = [holder.node for holder in told.where.holders]
    label = min(LABEL_MOST, max([LABEL_LEAST, *map(len, names)]))
    where = told.where
    lines = [Line(f"{told.purpose} {short_key(told)}")]
    lines += _step(label, "token", f"0x{where.token:016x}, {100 * where.position:.2f} % round the ring")
    lines += _step(label, "slot", f"{where.slot:,} of {where.slots:,}, in the range {range_words(told)}")
    if not where.holders:
        lines += _step(label, "replicas", "none: the cluster has no nodes", Level.WARNING)
    else:
        lines += _step(label, "replicas", ", ".join(holder_words(holder) for holder in where.holders))
    end = max([told.milliseconds, *(exchange.ended or 0.0 for exchange in told.exchanges)])
    for doubt in told.doubts:
        lines += _step(label, "doubt", doubt)
    for exchange in told.exchanges:
        lines += _exchange_lines(label, exchange, end)
    first, *rest = outcome_words(told)
    lines += _step(label, "outcome", first, Level.WARNING if told.stale else _LEVELS[told.outcome])
    for words in rest:
        lines += _step(label, "", words, Level.INFO if told.outcome is Outcome.OK else Level.BAD)
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


def _exchange_lines(label: int, exchange: Exchange, end: float) -> list[Line]:
    bar = text_bar(exchange, end)
    time = "" if exchange.ended is None else milliseconds(exchange.ended)
    good = exchange.status not in (SILENT, "error")
    words = f"{exchange.purpose:<6} {bar} {time:>{TIME}}  {answer_words(exchange)}"
    level = Level.INFO if good or exchange.text == "not waited for" else Level.WARNING
    return _step(label, exchange.node, words, level, indent=8)


def text_bar(exchange: Exchange, end: float) -> str:
    """From when the node was asked to when it answered, of the whole request, in characters that every terminal has."""
    scale = BAR / end if end else 0.0
    start = min(BAR - 1, int(exchange.began * scale))
    if exchange.ended is None:
        return f"|{' ' * start}{'.' * (BAR - start)}|"
    stop = min(BAR, max(start + 1, round(exchange.ended * scale)))
    return f"|{' ' * start}{'=' * (stop - start)}{' ' * (BAR - stop)}|"


def _step(label: int, name: str, words: str, level: Level = Level.INFO, indent: int = 0) -> list[Line]:
    """One line, and more where it is too long; continued below its ``indent``."""
    name = name if len(name) <= label else f"{name[: label - 1]}…"
    room = WIDTH - label - 4
    parts: Sequence[str] = wrapped(words, room, indent)
    names = [name, *[""] * (len(parts) - 1)]
    return [Line(f"  {begun:<{label}}  {part}", level) for begun, part in zip(names, parts, strict=True)]


COMMANDS: tuple[Command, ...] = (
    Command(
        "explain",
        (
            Argument("request", "what is carried out", Kind.CHOICE, choices=("put", "get", "del")),
            Argument("key", "in quotes if it holds spaces", Kind.KEY),
            Argument("value", "of a put: the rest of the line", Kind.VALUE, optional=True, rest=True),
        ),
        "Carry a request out and show each step",
        "Its token, slot and replicas, what each node was asked, what it answered and when, what a get repaired, and why the"
        " outcome counts.",
        explain,
        capability=Explains,
    ),
)
