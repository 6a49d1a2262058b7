"""A node, or a key's place, in full: what the command ``inspect`` says and what the dashboard's inspector shows."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kvtui.commands.address import Address
from kvtui.commands.command import Argument, Command, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.copies import copy_is_fine, held_words, newest_of
from kvtui.commands.placed import why_words
from kvtui.commands.sizes import size
from kvtui.commands.wording import counted, harmless, shown
from kvtui.core.cluster import IT_IS_DOWN, ClusterError, Heard, Location, ReplicaCopy
from kvtui.core.events import Level
from kvtui.core.naming import named
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView, RangeView
from kvtui.notation import as_word

RANGES_LISTED = 100
"""Ranges of a node that are listed; of the others it is said how many there are."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of an account. ``name`` is empty where it goes on with the line above."""

    name: str
    text: str
    level: Level = Level.INFO


async def inspect(invocation: Invocation, context: Context) -> bool:
    """``inspect``: in the dashboard it opens the inspector, elsewhere it says the lines."""
    node = invocation.values["id"]
    picture = await context.cluster.refresh()
    view = picture.node(node)
    if view is None:
        known = ", ".join(harmless(known.id) for known in picture.nodes) or "none"
        raise ClusterError(f"there is no node {as_word(node)}; there are: {known}")
    if context.inspected is not None:
        context.inspected(node)
        return True
    facts = node_facts(picture, view)
    width = max(len(fact.name) for fact in facts)
    context.say(Line(f"Node {harmless(node)}"))
    for fact in facts:
        context.say(Line(f"  {fact.name:<{width}}  {fact.text}", fact.level, asked=True))
    return True


def duration(seconds: int) -> str:
    """``5 s``, ``3 min``, ``2 h``: as exactly as somebody who waits wants to know."""
    if seconds < 100:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 5_970 else f"{seconds / 3600:.0f} h"


def moment(at: float, now: float) -> str:
    """A time of day, with its date where that is not today's. ``now``: seconds since 1970, as ``at``."""
    then, today = time.localtime(at), time.localtime(now)
    return time.strftime("%H:%M:%S" if then[:3] == today[:3] else "%Y-%m-%d %H:%M:%S", then)


def node_facts(picture: ClusterSnapshot, view: NodeView) -> list[Fact]:
    """All that is known of a node: first whether it is well, then what it holds, then who it is, then its ranges."""
    parts = (_health(picture, view), _holds(picture, view), _asked(view), _identity(view), _ranges(picture, view.id))
    return [fact for part in parts for fact in part]


def _health(picture: ClusterSnapshot, view: NodeView) -> Iterator[Fact]:
    since = f" since {moment(view.since, time.time())}" if view.since else ""
    levels = {NodeState.UP: Level.INFO, NodeState.SUSPECT: Level.WARNING, NodeState.DOWN: Level.BAD}
    leaving = ", is being emptied to leave" if view.leaving else ""
    yield Fact("state", f"{view.state}{since}{leaving}", Level.WARNING if leaving else levels[view.state])
    if view.fault:
        yield Fact("command", view.fault, Level.WARNING)
    if view.note:
        yield Fact("trouble", harmless(view.note), Level.WARNING)
    if view.awaited:
        yield Fact("awaited", f"{_waiting(view)} for it", Level.BAD)
    if view.waits_for:
        yield Fact("moves", f"wait for {named(view.waits_for)}", Level.WARNING)
    held = counted(round(view.share * picture.slots), "slot")
    behind = f"{view.behind:,} of {held}"
    yield Fact("behind", f"{behind} may lack writes" if view.behind else behind, _warning(view.behind))
    yield Fact("hints", f"{counted(view.hints, 'key')} missing here" if view.hints else "0", _warning(view.hints))
    damaged = counted(view.damaged, "entry", "entries")
    yield Fact("damaged", f"{damaged}, not served" if view.damaged else "0", Level.BAD if view.damaged else Level.INFO)


def _waiting(view: NodeView) -> str:
    return f"{counted(view.awaited, 'slot')} {'waits' if view.awaited == 1 else 'wait'}"


def _warning(number: int) -> Level:
    return Level.WARNING if number else Level.INFO


def _holds(picture: ClusterSnapshot, view: NodeView) -> Iterator[Fact]:
    yield Fact("copies", f"{view.keys:,} ({size(view.bytes)})")
    yield Fact("tombstones", f"{view.tombstones:,}")
    weight = f", weight {view.weight}" if view.weight != 1 else ""
    copies = sum(node.share for node in picture.nodes) or 1.0
    planned = sum(node.quota for node in picture.nodes) or 1.0
    share = f"{view.share / copies:.1%} of all copies, quota {view.quota / planned:.1%}{weight}"
    yield Fact("share", share, _warning(abs(view.share - view.quota) >= 0.0005))
    yield Fact("", f"first replica of {view.first_share:.1%} of the ring")
    moving = view.receiving
    if moving is not None and moving.done < moving.total:
        pace = f", {moving.rate:,.{0 if moving.rate >= 10 else 1}f}/s" if moving.rate else ""
        left = f", {duration(moving.left)} left" if moving.left is not None else ""
        yield Fact("receiving", f"{moving.done:,} of {counted(moving.total, 'slot')}{pace}{left}")


def _asked(view: NodeView) -> Iterator[Fact]:
    yield Fact("operations", f"{view.operations:,.0f}/s")
    yield Fact("latency", f"p50 {view.p50:.2f}  p99 {view.p99:.2f} ms" if view.p99 else "not asked lately")


def _identity(view: NodeView) -> Iterator[Fact]:
    yield Fact("address", str(Address(view.host, view.port)))
    if view.pid is not None:
        process = f"pid {view.pid}, started here"
    else:
        process = "started here, not running" if view.started_here else "runs by itself"
    yield Fact("process", process)
    memory = ("memory only: gone when its process ends", Level.WARNING)
    yield Fact("storage", *(("durable", Level.INFO) if view.durable else memory))
    yield Fact("data id", harmless(view.data_id) or "not known yet")
    yield Fact("epoch", f"{view.epoch:,} granted")
    yield Fact("counter", f"{counted(view.counter, 'batch', 'batches')} synced")


def _ranges(picture: ClusterSnapshot, node: str) -> Iterator[Fact]:
    mine = [part for part in picture.ranges if node in part.replicas or node in part.receiving]
    slots = sum(round(part.stop * picture.slots) - round(part.start * picture.slots) for part in mine)
    yield Fact("ranges", f"{len(mine):,}, {counted(slots, 'slot')}" if mine else "none")
    for part in mine[:RANGES_LISTED]:
        yield Fact("", f"{_extent(part, picture.slots, 6)}: {_role(part, node)}", _level(part, node))
    if len(mine) > RANGES_LISTED:
        yield Fact("", f"… and {len(mine) - RANGES_LISTED:,} more")


def _extent(part: RangeView, slots: int, width: int = 0) -> str:
    """A range as part of the circle, and as slots, the last one included."""
    first, last = round(part.start * slots), round(part.stop * slots) - 1
    return f"{100 * part.start:{width}.2f} to {100 * part.stop:{width}.2f} %, slots {first:,} to {last:,}"


def _role(part: RangeView, node: str) -> str:
    if node not in part.replicas:
        return "being filled"
    place = part.replicas.index(node)
    role = "first replica" if place == 0 else f"replica {place + 1}"
    if node not in part.clean:
        role += ", behind"
    if node in (*part.waits_for, *part.writes_wait_for):
        role += ", awaited"
    return f"{role}, moving away" if node in part.giving else role


def _level(part: RangeView, node: str) -> Level:
    if node in (*part.waits_for, *part.writes_wait_for):
        return Level.BAD
    return Level.WARNING if node in part.replicas and node not in part.clean else Level.INFO


def key_facts(picture: ClusterSnapshot, location: Location) -> list[Fact]:
    """A key's place now, and what its replicas hold as far as that is known of now: what one told that is down since is history."""
    facts = [Fact("key", shown(location.key)), Fact("token", f"0x{location.token:016x}")]
    facts.append(Fact("position", f"{100 * location.position:.2f} % round the ring"))
    if not picture.ranges:
        return [*facts, Fact("replicas", "none: the cluster has no nodes", Level.WARNING)]
    part = picture.ranges[bisect_right(picture.ranges, location.position, key=lambda known: known.start) - 1]
    facts.append(Fact("slot", f"{int(location.position * picture.slots):,} of {picture.slots:,}"))
    facts.append(Fact("range", _extent(part, picture.slots)))
    if part.waits_for:
        facts.append(Fact("served", f"not now: it waits for {named(part.waits_for)}", Level.BAD))
    elif part.writes_wait_for:
        facts.append(Fact("written", f"not now: that waits for {named(part.writes_wait_for)}", Level.BAD))
    elif part.replicas and not part.clean:
        facts.append(Fact("served", "no: no clean copy is left, its newest writes may be lost", Level.BAD))
    known = {copy.node: copy for copy in location.replicas}
    copies = [_now(known.get(node), part, node, picture.node(node)) for node in replicas_of(part)]
    newest = newest_of(copies)
    for place, copy in enumerate(copies):
        unknown = copy.heard is Heard.NOT_ASKED and not copy.why
        held = "not asked yet" if unknown else held_words(copy, newest)
        words = f"{harmless(copy.node)}: {held}, {_role_of(copy)}"
        fine = copy_is_fine(copy, newest) or (unknown and (copy.clean or copy.receiving))
        facts.append(Fact("" if place else "replicas", words, Level.INFO if fine else Level.WARNING))
    why = why_words(picture, location.position)
    if why:
        facts.append(Fact("why there", why))
    return facts


def replicas_of(part: RangeView) -> tuple[str, ...]:
    """Who serves a range, first replica first, then who is being filled with it."""
    return (*part.replicas, *(node for node in part.receiving if node not in part.replicas))


def _now(copy: ReplicaCopy | None, part: RangeView, node: str, view: NodeView | None) -> ReplicaCopy:
    """What is known of a replica's copy now; ``copy`` is what it told when it was asked."""
    down = view is None or view.state is NodeState.DOWN
    role = ReplicaCopy(
        node,
        None,
        clean=node in part.clean,
        receiving=node not in part.replicas,
        heard=Heard.NOT_ASKED,
        why=IT_IS_DOWN if down else "",
    )
    if down or copy is None or (copy.heard is Heard.NOT_ASKED and copy.why == IT_IS_DOWN):
        return role
    return replace(role, version=copy.version, deleted=copy.deleted, heard=copy.heard, why=copy.why)


def _role_of(copy: ReplicaCopy) -> str:
    if copy.receiving:
        return "being filled"
    return "clean" if copy.clean else "behind"


COMMANDS: tuple[Command, ...] = (
    Command(
        "inspect",
        (Argument("id", "the node's id", Kind.NODE),),
        "Show a node in full",
        "Address, process, state and since when, what it holds, its share and quota, what it may lack, how fast it answers, and"
        " its ranges. In the dashboard it opens the inspector, which follows the node until Esc; where shows a key there.",
        inspect,
        changes=False,
    ),
)
