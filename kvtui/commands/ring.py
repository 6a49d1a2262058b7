"""Commands about the whole ring: stats, setreplica, rebalance."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from kvtui.commands import original, plain
from kvtui.commands.command import Argument, Command, Flag, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.reachable import reached_words
from kvtui.commands.rising import number_set
from kvtui.commands.trouble import trouble_lines
from kvtui.commands.wording import counted, harmless
from kvtui.core.balance import balance
from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level
from kvtui.core.naming import named
from kvtui.core.snapshot import ClusterSnapshot, NodeState, OperationView

EACH_ONCE = "(Total Keys counts every copy, Distinct Keys each key once)"


async def stats(invocation: Invocation, context: Context) -> bool:
    """``stats``: the original's lines, then how many keys that are; ``--all`` adds what it did not tell apart."""
    picture = await context.cluster.refresh()
    nodes, copies = len(picture.nodes), picture.copies
    told = (
        "",
        "[System Stats]",
        f"Nodes: {nodes}",
        f"Total Keys: {copies}",
        f"Avg Keys per Node: {average(copies, nodes)}",
    )
    context.answer([*(Line(text) for text in told), *distinct_lines(picture)], [plain.counts(picture)])
    for line in trouble_lines(picture, keys=False):
        context.say(line)
    if "--all" in invocation.flags:
        for line in all_stats(picture):
            context.say(line)
    return True


def average(copies: int, nodes: int) -> str:
    """``1``, or ``1.5`` where it isn't whole; ``0`` without nodes."""
    if nodes == 0:
        return "0"
    return str(copies // nodes) if copies % nodes == 0 else f"{copies / nodes:.1f}"


def distinct_lines(picture: ClusterSnapshot) -> list[Line]:
    """How many keys there are, each counted once; where that is not what Total Keys says, why. With slots that can't be served: how
    many can be reached, and of how many."""
    served = not picture.unavailable and not picture.lost
    number = f"{picture.keys}" if served else f"{reached_words(picture)} can be reached"
    line = Line(f"Distinct Keys: {number}", Level.INFO if served else Level.BAD, asked=True)
    return [line] if picture.copies == picture.keys else [line, Line(EACH_ONCE)]


def all_stats(picture: ClusterSnapshot) -> list[Line]:
    """The cluster in numbers, one a line; what needs attention has level WARNING or BAD."""
    up = sum(view.state is NodeState.UP for view in picture.nodes)
    lines = [
        Line(f"Guarantee: {picture.guarantee}", _guarantee_level(picture), asked=True),
        Line(f"Nodes up: {up} of {len(picture.nodes)}", Level.INFO if up == len(picture.nodes) else Level.WARNING),
        Line(f"Copies of each key: {picture.copies_each} of {picture.replication} wanted"),
        Line(f"Copies a write needs: {picture.write_quorum}"),
        Line(f"Reads: {picture.reads}"),
        Line(f"Throttle: {throttle_words(picture.throttle)}"),
        Line(f"Balance (fullest node's share / mean): {balance(picture):.2f}" if picture.nodes else "Balance: -"),
        Line(f"Puts: {_operation_words(picture.puts)}"),
        Line(f"Gets: {_operation_words(picture.gets)}"),
        _count("Copies of slots behind", picture.behind, Level.WARNING),
        _count("Keys known missing on them", picture.hints, Level.WARNING),
        _count("Slots under-replicated (served, with too few copies)", picture.under_replicated, Level.WARNING),
        _count("Slots lost", picture.lost, Level.BAD),
    ]
    if picture.log_full:
        lines.append(Line(f"Waiting for space: {harmless(picture.log_full)}", Level.BAD, asked=True))
    if picture.moving is not None:
        waits = f", waiting for {named(picture.moves_wait_for)}" if picture.moves_wait_for else ""
        lines.append(Line(f"Slots moving: {picture.moving.done} of {picture.moving.total} done{waits}"))
    kept = f"in {picture.state_directory}" if picture.state_directory else "kept by its nodes"
    return [
        *lines,
        Line(f"Placement: {picture.policy}, {picture.slots} slots, {counted(len(picture.ranges), 'range')}"),
        Line(f"Epoch: {picture.epoch}"),
        Line(f"State: {kept}" if picture.durable else "State: memory only; nothing outlives kvtui"),
    ]


def _guarantee_level(picture: ClusterSnapshot) -> Level:
    if picture.lost or picture.unavailable or picture.unwritable:
        return Level.BAD
    return Level.WARNING if picture.guarantee_weakened else Level.INFO


def throttle_words(keys_per_second: int) -> str:
    """How fast keys are copied between nodes."""
    return f"at most {keys_per_second:,} keys copied a second" if keys_per_second else "none"


def _operation_words(operation: OperationView) -> str:
    took = f"p50 {operation.p50:.1f} ms, p99 {operation.p99:.1f} ms, p99.9 {operation.p999:.1f} ms"
    return f"{operation.rate:,.0f}/s, {took}, longest {operation.longest:.1f} ms"


def _count(name: str, number: int, level: Level) -> Line:
    return Line(f"{name}: {number}", level if number else Level.INFO, asked=True)


async def set_replicas(invocation: Invocation, context: Context) -> bool:
    """``setreplica``."""
    wanted = int(invocation.values["N"])
    before = context.cluster.snapshot()
    await context.cluster.set_replication(wanted)
    follows = number_set(wanted, before, await context.cluster.refresh())
    done = Line("Nothing had to be copied or removed", Level.GOOD)
    context.answer([Line(f"[Coordinator] Replica set to {wanted}", Level.GOOD), *follows], follows or [done])
    return True


async def rebalance(_invocation: Invocation, context: Context) -> bool:
    """``rebalance``: moves finished, replicas compared and repaired."""
    context.answer([Line("[Coordinator] Starting rebalance...")], [])
    watching = asyncio.ensure_future(_tell_progress(context))
    try:
        done = await context.cluster.rebalance()
    finally:
        watching.cancel()
        context.progress("", 0, 0)
    context.answer(original.rebalanced(done), plain.rebalanced(done))
    return True


async def _tell_progress(context: Context) -> None:
    """How far the moves are, for as long as somebody waits for them."""
    picture = context.cluster.snapshot()
    with suppress(ClusterError):  # whoever waits is told of it
        while True:
            moving = picture.moving
            context.progress("Rebalancing", *((moving.done, moving.total) if moving else (0, 1)))
            picture = await context.cluster.changed(picture)


COMMANDS: tuple[Command, ...] = (
    Command(
        "stats",
        (),
        "Show nodes, total keys, average keys per node",
        "Total Keys counts every copy, as nodes hold them; Distinct Keys counts each key once. What is lost, or waits for a node"
        " that can't be reached, has lines of its own.",
        stats,
        flags=(Flag("--all", "also balance, rates, what is behind or lost, placement"),),
        changes=False,
    ),
    Command(
        "setreplica",
        (Argument("N", "copies of every key", Kind.COUNT),),
        "Set how many copies every key has",
        "With two copies a key outlives the death of one node. Keys that exist are copied in the background; with fewer nodes"
        " than N, every node holds every key.",
        set_replicas,
        present=lambda picture: f"{counted(picture.replication, 'copy', 'copies')} of every key",
        changes=True,
    ),
    Command(
        "rebalance",
        (),
        "Finish all moves and repair the replicas",
        "Moving is automatic; this waits for it, then compares all replicas and repairs what differs.",
        rebalance,
        changes=True,
    ),
)
