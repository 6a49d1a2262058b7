"""Commands about nodes: addnode, removenode, show, stop, start."""

from __future__ import annotations

from kvtui.commands import plain
from kvtui.commands.address import Address, parse_address
from kvtui.commands.command import Argument, Command, CommandError, Flag, Invocation, Kind
from kvtui.commands.context import Context, Line, Voice
from kvtui.commands.rising import slots_move
from kvtui.commands.trouble import trouble_lines
from kvtui.commands.wording import counted, harmless
from kvtui.core.cluster import ClusterError, LocalNodes, OwnData
from kvtui.core.events import Level
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView


async def add(invocation: Invocation, context: Context) -> bool:
    """``addnode``."""
    node = invocation.values["id"]
    address = parse_address(invocation.values["port"])
    own_data = _own_data(invocation)
    added = await context.cluster.add_node(node, address.host, address.port, own_data=own_data)
    address = Address(added.host, added.port)
    if added.former:
        where = f"{added.id} is at {address} from here on, no longer at {added.former}"
        back = Line(f"{added.id} is back with all that it held", Level.GOOD)
        context.answer([Line(f"Node taken back: {where}", Level.GOOD)], [back])
        return True
    context.answer([Line(f"Node added: {added.id} ({address})", Level.GOOD)], [])
    if own_data is OwnData.IMPORT:
        context.say(Line(f"{counted(added.imported, 'key')} of its own imported"))
        if added.kept:
            context.say(Line(f"{counted(added.kept, 'key')} left out: the cluster had them already", Level.WARNING))
    moving = slots_move(await _picture(context)) or [Line(f"{added.id} serves: nothing had to move", Level.GOOD)]
    context.answer([Line(f"Rebalancing after adding node {added.id}...")], moving)
    return True


def _own_data(invocation: Invocation) -> OwnData:
    if invocation.flags >= {"--import", "--wipe"}:
        raise CommandError("a node's own keys are either taken over or deleted: give --import or --wipe, not both")
    if "--import" in invocation.flags:
        return OwnData.IMPORT
    return OwnData.WIPE if "--wipe" in invocation.flags else OwnData.REFUSE


async def remove(invocation: Invocation, context: Context) -> bool:
    """``removenode``: returns once the node is empty and forgotten."""
    node = invocation.values["id"]
    if context.cluster.snapshot().node(node) is not None:
        context.answer([Line(f"Rebalancing after removing node {node}...")], [])
    left = await context.cluster.remove_node(node, force="--force" in invocation.flags)
    others = "its keys are on the other nodes" if context.cluster.snapshot().nodes else "it was the last, and held none"
    forgotten = Line(f"{node} is forgotten: {others}", Level.GOOD)
    context.answer([Line(f"Node removed: {node}", Level.GOOD)], [forgotten])
    if left:
        context.say(Line(harmless(left), Level.WARNING))
    return True


async def show(_invocation: Invocation, context: Context) -> bool:
    """``show``: counts as the nodes say them now."""
    picture = await context.cluster.refresh()
    views = [Line(f"  {node_words(view)}", plain.level_of_node(view)) for view in picture.nodes]
    context.answer([Line("Active Nodes:"), *views], [plain.node(view) for view in picture.nodes] or [plain.NO_NODES])
    for line in trouble_lines(picture):
        context.say(line)
    return True


def node_words(view: NodeView) -> str:
    """``A (127.0.0.1:5001, keys=1)``, with its status when it is not up, what was done to it, and why."""
    status = "" if view.state is NodeState.UP else f", status={view.state}"
    fault = f", {view.fault}" if view.fault else ""
    why = f": {harmless(view.note)}" if view.note else ""
    return f"{view.id} ({Address(view.host, view.port)}, keys={view.keys}{status}{fault}){why}"


async def stop(invocation: Invocation, context: Context) -> bool:
    """``stop``."""
    node = invocation.values["id"]
    await _local(context).stop_node(node)
    again = plain.brought_back(context.cluster.snapshot(), node, "with what it holds")
    context.answer([Line(f"Node stopped: {node}", Level.GOOD)], [again])
    return True


async def start(invocation: Invocation, context: Context) -> bool:
    """``start``."""
    node = invocation.values["id"]
    await _local(context).start_node(node)
    context.answer([Line(f"Node started: {node}", Level.GOOD)], [started(node, await _picture(context))])
    return True


async def _picture(context: Context) -> ClusterSnapshot:
    """As nodes say it now, where that is shown: the original's lines need none."""
    return await context.cluster.refresh() if context.voice is Voice.PLAIN else context.cluster.snapshot()


def started(node: str, picture: ClusterSnapshot) -> Line:
    """What a node that runs again has to do before it is as the others are."""
    view = picture.node(node)
    if view is not None and view.behind:
        return Line(f"{node} is made equal to the others in the background: {counted(view.behind, 'slot')} to look at")
    if view is not None and not view.share:
        return Line(f"{node} is a replica of nothing now: it gets its share of the ring in the background")
    return Line(f"{node} has all that it is to have", Level.GOOD)


def _local(context: Context) -> LocalNodes:
    if not isinstance(context.cluster, LocalNodes):
        raise ClusterError("this cluster runs no nodes of its own")
    return context.cluster


_NODE = Argument("id", "the node's id", Kind.NODE)

COMMANDS: tuple[Command, ...] = (
    Command(
        "addnode",
        (
            Argument("id", "what to call it", Kind.NEW_NODE),
            Argument("port", "where it listens, or shall listen", Kind.ADDRESS),
        ),
        "Add a storage node",
        "Attaches to the node that listens there, or starts one (port 0: any free port). Its share of the keys moves to it in"
        " the background, while reads and writes go on. A node that holds keys of its own joins only with --import or --wipe."
        " A node of the cluster that was started at another address goes on there, with its data, when it is named by its id.",
        add,
        flags=(
            Flag("--import", "its own keys become the cluster's, where the cluster has none of that name"),
            Flag(
                "--wipe",
                "its own keys are deleted, for good",
                question="Delete the keys that the node at {port} holds of its own?",
            ),
        ),
        changes=True,
    ),
    Command(
        "removenode",
        (_NODE,),
        "Move a node's keys away, then remove it",
        "The node's keys are copied to the others first; only then is it forgotten, and nothing is lost. With --force a node"
        " that is DOWN is removed too: what it holds is copied from the other replicas.",
        remove,
        flags=(
            Flag(
                "--force",
                "also when it is DOWN",
                question="Remove node {id} even if it is DOWN? Its keys are copied from their other replicas.",
            ),
        ),
        destructive=True,
        question="Remove node {id}? Its keys move to the other nodes first.",
        changes=True,
    ),
    Command(
        "show",
        (),
        "Show the nodes with their key counts",
        "A line a node: its address, how many keys it holds (each a copy), and what is wrong with it. Those that are up"
        " are asked now.",
        show,
        changes=False,
    ),
    Command(
        "stop",
        (_NODE,),
        "Stop a node's process; it stays a member",
        "Ends the process in order. The node stays a member of the cluster, DOWN, until it is started again or removed.",
        stop,
        capability=LocalNodes,
        changes=True,
    ),
    Command(
        "start",
        (_NODE,),
        "Start a stopped node again",
        "Starts the process on the data it had. It is made equal to the other replicas before it answers reads.",
        start,
        capability=LocalNodes,
        changes=True,
    ),
)
