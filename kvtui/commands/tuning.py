"""Commands that tune a cluster while it serves: setquorum, reads, throttle, policy, weight."""

from __future__ import annotations

from kvtui.commands.command import Argument, Command, CommandError, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.ring import throttle_words
from kvtui.commands.rising import slots_move
from kvtui.commands.wording import counted
from kvtui.core.cluster import Cluster, ClusterError, Guarantees, Policies, ReadMode, Throttles
from kvtui.core.events import Level
from kvtui.core.naming import named
from kvtui.core.snapshot import ClusterSnapshot


async def set_quorum(invocation: Invocation, context: Context) -> bool:
    """``setquorum``."""
    wanted = int(invocation.values["W"])
    await _guarantees(context.cluster).set_quorum(wanted)
    picture = await context.cluster.refresh()
    needs = f"A write needs {counted(picture.write_quorum, 'clean copy', 'clean copies')}"
    default = "" if wanted else f", the default for {counted(picture.copies_each, 'copy', 'copies')}"
    needed = [Line(f"{needs}{default}", Level.GOOD)]
    context.answer(needed, needed if default else [])
    if wanted > picture.write_quorum:
        nodes = counted(len(picture.nodes), "node")
        context.say(Line(f"There are only {nodes}; add some to reach {wanted}", Level.WARNING))
    _say_guarantee(context)
    return True


async def set_reads(invocation: Invocation, context: Context) -> bool:
    """``reads``."""
    mode = ReadMode(invocation.values["mode"])
    await _guarantees(context.cluster).set_reads(mode)
    context.answer([Line(f"Reads are {mode}", Level.GOOD)], [])
    await context.cluster.refresh()
    _say_guarantee(context)
    return True


async def set_throttle(invocation: Invocation, context: Context) -> bool:
    """``throttle``."""
    cluster = context.cluster
    if not isinstance(cluster, Throttles):
        raise ClusterError("this cluster's moves can't be throttled")
    before = cluster.snapshot().throttle
    await cluster.set_throttle(int(invocation.values["rate"]))
    picture = await cluster.refresh()
    told = Line(f"Throttle: {throttle_words(picture.throttle)}", Level.GOOD)
    changed = [Line("The new rate holds at once, for moves under way too", Level.GOOD)]
    context.answer([told], changed if picture.throttle != before else [told])
    return True


def _say_guarantee(context: Context) -> None:
    picture = context.cluster.snapshot()
    level = Level.WARNING if picture.guarantee_weakened else Level.INFO
    context.say(Line(f"Guarantee: {picture.guarantee}", level))


async def set_policy(invocation: Invocation, context: Context) -> bool:
    """``policy``."""
    policy, vnodes = invocation.values["policy"], invocation.values.get("vnodes")
    if vnodes is not None and policy != "classic":
        raise CommandError("vnodes: only the classic ring has virtual nodes", "vnodes")
    await _policies(context.cluster).set_policy(policy, int(vnodes or 0))
    picture = await context.cluster.refresh()
    moves = slots_move(picture)
    told = [Line(f"Placement: {picture.policy}", Level.GOOD)]
    context.answer([*told, *moves], moves or told)
    return True


async def set_weight(invocation: Invocation, context: Context) -> bool:
    """``weight``."""
    node, weight = invocation.values["id"], int(invocation.values["weight"])
    await _policies(context.cluster).set_weight(node, weight)
    picture = await context.cluster.refresh()
    moves = slots_move(picture)
    told = Line("All is where it is to be", Level.GOOD)
    context.answer([Line(f"Node {node} has weight {weight}", Level.GOOD), *moves], moves or [told])
    return True


def _needed(picture: ClusterSnapshot) -> str:
    return f"a write needs {picture.write_quorum} of {counted(picture.copies_each, 'copy', 'copies')}"


def _guarantees(cluster: Cluster) -> Guarantees:
    if not isinstance(cluster, Guarantees):
        raise ClusterError("this cluster's guarantee can't be tuned")
    return cluster


def _policies(cluster: Cluster) -> Policies:
    if not isinstance(cluster, Policies):
        raise ClusterError("this cluster can't place its ring anew")
    return cluster


COMMANDS: tuple[Command, ...] = (
    Command(
        "setquorum",
        (Argument("W", "copies; 0: the default, a majority from three copies on, else 1", Kind.NUMBER),),
        "Set how many copies a write needs",
        "A write is acknowledged only once so many clean replicas have it on disk. More copies are safer; but where fewer can be"
        " reached, writes fail.",
        set_quorum,
        present=_needed,
        capability=Guarantees,
        changes=True,
    ),
    Command(
        "reads",
        (
            Argument(
                "mode", "what a get does where no clean replica can be asked", Kind.CHOICE, choices=tuple(ReadMode)
            ),
        ),
        "Fail reads, or answer them stale",
        "strict: a get fails rather than answer with something that may be old. available: another replica answers, and the answer"
        " is called stale.",
        set_reads,
        present=lambda picture: str(picture.reads),
        capability=Guarantees,
        changes=True,
    ),
    Command(
        "throttle",
        (Argument("rate", "keys a second; 0: no limit", Kind.NUMBER),),
        "Limit how fast keys are copied",
        "Rebalances and recoveries copy at most so many keys a second, all nodes together, so that clients feel less of them. It"
        " takes effect at once, and holds until it is set anew.",
        set_throttle,
        present=lambda picture: throttle_words(picture.throttle),
        capability=Throttles,
        changes=True,
    ),
    Command(
        "policy",
        (
            Argument("policy", "how keys are placed", Kind.CHOICE, choices=("balanced", "classic")),
            Argument("vnodes", "virtual nodes of each node, on a classic ring (64)", Kind.COUNT, optional=True),
        ),
        "Place the ring anew",
        "balanced: every node holds exactly its share. classic: hashed virtual nodes, as in textbooks. Slots move in the"
        " background, while reads and writes go on.",
        set_policy,
        present=lambda picture: picture.policy,
        capability=Policies,
        changes=True,
    ),
    Command(
        "weight",
        (
            Argument("id", "the node's id", Kind.NODE),
            Argument("weight", "its share, in shares of a node of weight 1", Kind.COUNT),
        ),
        "Give a node a larger share",
        "A node of weight 2 holds twice as many slots as one of weight 1. Slots move in the background.",
        set_weight,
        present=lambda picture: named([f"{node.id} {node.weight}" for node in picture.nodes]) or "no node is there",
        capability=Policies,
        changes=True,
    ),
)
