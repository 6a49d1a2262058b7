"""The original's lines, for the shell and for scripts: word for word where the original has them.

What is said besides comes behind such a line, or in one of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from kvtui.commands.context import Line
from kvtui.commands.wording import counted, shown, shown_value, whole_value
from kvtui.core.cluster import Read, Rebalanced, ReplicaAnswer, Written
from kvtui.core.events import Level
from kvtui.core.trace import SILENT, UNASKED
from kvtui.notation import NOT_FOUND


def stored(key: bytes, value: bytes, written: Written, more: str) -> list[Line]:
    """``put``: one line a replica. ``more``: of copies that follow."""
    names = " ".join(answer.node for answer in written.replicas)
    first = [Line(f"Replicas for key {shown(key)}: {names}{f' ({more})' if more else ''}")] if names else []
    return [*first, *_answers(f"PUT {shown(key)} = {shown_value(value)}", written.replicas)]


def deleted(key: bytes, written: Written) -> list[Line]:
    """``del``."""
    return _answers(f"DEL {shown(key)}", written.replicas)


def found(key: bytes, read: Read) -> list[Line]:
    """``get``."""
    return [Line(f"{shown(key)} -> {NOT_FOUND if read.value is None else whole_value(read.value)}")]


def _answers(done: str, answers: Sequence[ReplicaAnswer]) -> list[Line]:
    return [Line(f"[{answer.node}] {done} -> {answer_words(answer)}", level_of(answer)) for answer in answers]


def level_of(answer: ReplicaAnswer) -> Level:
    """How a person should take what a replica said."""
    return Level.INFO if answer.status in ("ok", "not_found") else Level.WARNING


def answer_words(answer: ReplicaAnswer) -> str:
    """A replica's answer as it was on the wire: ``{"status":"ok"}``; ``no answer`` of one that was asked and gave none, ``not
    asked`` of one that was not."""
    if answer.status in (SILENT, UNASKED):
        words = "no answer" if answer.status == SILENT else "not asked"
        return f"{words} ({answer.text})" if answer.text else words
    reply = {"status": answer.status}
    if answer.status == "error":
        reply["msg"] = answer.text
    return json.dumps(reply, separators=(",", ":"))


def rebalanced(done: Rebalanced) -> list[Line]:
    """A line for every key that is named, one for the number of those that are not, and one for the end."""
    texts = [f"[Rebalance] Copied key '{shown(key)}' to {node}" for key, node in done.copied]
    if done.copies > len(done.copied):
        texts.append(f"[Rebalance] Made {counted(done.copies - len(done.copied), 'more copy', 'more copies')}")
    texts += [f"[Rebalance] Removed key '{shown(key)}' from {node}" for key, node in done.removed]
    if done.removals > len(done.removed):
        texts.append(f"[Rebalance] Removed {counted(done.removals - len(done.removed), 'more copy', 'more copies')}")
    return [*(Line(text) for text in texts), Line("[Coordinator] Rebalance complete.", Level.GOOD)]
