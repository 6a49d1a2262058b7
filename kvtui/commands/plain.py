"""What commands come to in the dashboard's voice: short sentences that name nodes, outcome and time.

What the cluster itself tells as an event (a node that is DOWN, or UP again, that joined, or left) is not said again.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvtui.commands.context import Line
from kvtui.commands.original import level_of
from kvtui.commands.reachable import keys_words
from kvtui.commands.wording import counted, from_bytes, harmless, shown, shown_value, whole_value
from kvtui.core.cluster import Read, Rebalanced, ReplicaAnswer, Written
from kvtui.core.events import Level
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView
from kvtui.core.trace import SILENT, UNASKED
from kvtui.notation import cut

VALUE_CHARACTERS = 40
"""Longest value that stands beside a key that was put; of a longer one that many."""
FOUND_CHARACTERS = 1500
"""Longest value that a get shows: the key browser shows more of one, and get --raw all."""
KEYS_NAMED = 5
"""So many keys, and no more, are named by a rebalance."""


NO_NODES = Line("There are no nodes yet; add one with: addnode A 5001")


def brought_back(picture: ClusterSnapshot, node: str, holding: str) -> Line:
    """What ``start`` makes of a node that ended: it comes back ``holding`` something where nodes keep that on a disk."""
    if picture.durable:
        return Line(f"start {node} brings it back {holding}", Level.GOOD)
    return Line(f"start {node} brings it back empty: with --memory a node keeps nothing when it ends", Level.WARNING)


def stored(key: bytes, value: bytes, written: Written, more: str) -> list[Line]:
    """``put apple = 123 → A ✓ 0.3 ms  B ✓ 0.4 ms``. ``more``: of copies that follow."""
    return _answers(f"put {shown(key)} = {_short(value)}", written.replicas, more)


def deleted(key: bytes, written: Written) -> list[Line]:
    """``del apple → A ✓ 0.3 ms  B ✓ 0.4 ms``."""
    return _answers(f"del {shown(key)}", written.replicas, "" if written.existed else "it was not there")


def found(key: bytes, read: Read) -> list[Line]:
    """``get apple = 123 ← A 0.2 ms``."""
    value = "not found" if read.value is None else f"= {_found(read.value)}"
    return [Line(f"get {shown(key)} {value}{f' ← {read.node}{_took(read.milliseconds)}' if read.node else ''}")]


def _found(value: bytes) -> str:
    text = from_bytes(value[: 4 * FOUND_CHARACTERS + 4])
    return whole_value(value) if len(text) <= FOUND_CHARACTERS else cut(text, FOUND_CHARACTERS, len(value))


def _answers(done: str, answers: Sequence[ReplicaAnswer], besides: str) -> list[Line]:
    if not answers:
        return []
    level = max((level_of(answer) for answer in answers), key=lambda level: level is not Level.INFO)
    told = "  ".join(f"{answer.node} {_answer_words(answer)}" for answer in answers)
    return [Line(f"{done} → {told}{f'; {besides}' if besides else ''}", level)]


def _answer_words(answer: ReplicaAnswer) -> str:
    if answer.status in ("ok", "not_found"):
        return f"✓{_took(answer.milliseconds)}"
    if answer.status in (SILENT, UNASKED):
        words = "✗ no answer" if answer.status == SILENT else "○ not asked"
        return f"{words} ({answer.text})" if answer.text else words
    return f"✗ {answer.text or answer.status}"


def _took(milliseconds: float) -> str:
    if not milliseconds:
        return ""
    return f" {milliseconds:.0f} ms" if milliseconds >= 100 else f" {milliseconds:.1f} ms"


def _short(value: bytes) -> str:
    text = from_bytes(value[: 4 * VALUE_CHARACTERS + 4])
    return shown_value(value) if len(text) <= VALUE_CHARACTERS else cut(text, VALUE_CHARACTERS, len(value))


def rebalanced(done: Rebalanced) -> list[Line]:
    """``rebalance: done; 2 copies made (apple to B, pear to C); all replicas are equal``."""
    told = [
        f"{counted(number, 'copy', 'copies')} {what}{_named([f'{shown(key)} {to} {node}' for key, node in named], number)}"
        for number, what, to, named in (
            (done.copies, "made", "to", done.copied),
            (done.removals, "removed", "from", done.removed),
        )
        if number
    ]
    did = ", ".join(told) or "nothing had to be copied"
    return [Line(f"rebalance: done; {did}; all replicas are equal", Level.GOOD)]


def _named(texts: Sequence[str], number: int) -> str:
    """All of them, where they are few."""
    return f" ({', '.join(texts)})" if number == len(texts) <= KEYS_NAMED else ""


def counts(picture: ClusterSnapshot) -> Line:
    """``3 nodes; 20,002 keys; 40,004 copies, 13,334.7 a node``."""
    nodes = len(picture.nodes)
    each = f", {picture.copies / nodes:,.1f}".removesuffix(".0") + " a node" if nodes else ""
    copies = counted(picture.copies, "copy", "copies")
    return Line(f"{counted(nodes, 'node')}; {keys_words(picture)}; {copies}{each}")


def node(view: NodeView) -> Line:
    """``A at 127.0.0.1:5001 holds 6,667 copies``."""
    up = view.state is NodeState.UP
    state = "" if up else f" is {view.state}"
    fault = f", {view.fault}" if view.fault else ""
    why = f": {harmless(view.note)}" if view.note else ""
    held = f"{' and' if state else ''} {'holds' if up else 'held'} {counted(view.keys, 'copy', 'copies')}"
    return Line(f"{view.id} at {view.host}:{view.port}{state}{held}{fault}{why}", level_of_node(view))


def level_of_node(view: NodeView) -> Level:
    """How a person should take a node's state."""
    return Level.INFO if view.state is NodeState.UP else Level.WARNING
