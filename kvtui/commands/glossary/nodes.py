"""Words of what a node is and how it fares."""

from __future__ import annotations

from kvtui.commands.address import Address
from kvtui.commands.glossary.term import Term, each_node, listed
from kvtui.commands.inspection import duration
from kvtui.commands.sizes import size
from kvtui.commands.wording import counted, harmless
from kvtui.core.limits import GRACE_SECONDS
from kvtui.core.snapshot import ClusterSnapshot, NodeState, NodeView

UNKNOWN = "not known yet"


def _named(picture: ClusterSnapshot, *states: NodeState) -> list[str]:
    return [harmless(node.id) for node in picture.nodes if node.state in states]


def _up(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return "There are no nodes yet: addnode A 5001 starts one."
    return f"{len(_named(picture, NodeState.UP))} of {counted(len(picture.nodes), 'node')} are up."


def _down(picture: ClusterSnapshot) -> str:
    return f"Down now: {listed(_named(picture, NodeState.DOWN))}."


def _silent(picture: ClusterSnapshot) -> str:
    return f"Silent now: {listed(_named(picture, NodeState.SUSPECT))}."


def _filling(node: NodeView) -> str:
    if node.receiving is None or node.receiving.done >= node.receiving.total:
        return ""
    return f"{harmless(node.id)}, {node.receiving.done:,} of {counted(node.receiving.total, 'slot')}"


def _receiving(picture: ClusterSnapshot) -> str:
    return f"Being filled now: {listed([text for text in map(_filling, picture.nodes) if text])}."


def _leaving(picture: ClusterSnapshot) -> str:
    return f"Leaving now: {listed([harmless(node.id) for node in picture.nodes if node.leaving])}."


def _moving(picture: ClusterSnapshot) -> str:
    moving = picture.moving
    if moving is None or not moving.total:
        return "Nothing moves now."
    left = f", about {duration(moving.left)} left" if moving.left is not None else ""
    return f"{moving.done:,} of {counted(moving.total, 'slot')} have moved{left}."


def _addresses(picture: ClusterSnapshot) -> str:
    return each_node(picture, "Now", lambda node: f"{harmless(node.id)} at {Address(node.host, node.port)}")


def _processes(picture: ClusterSnapshot) -> str:
    def words(node: NodeView) -> str:
        return f"{harmless(node.id)} {'started here' if node.started_here else 'runs by itself'}"

    return each_node(picture, "Now", words)


def _data_ids(picture: ClusterSnapshot) -> str:
    return each_node(picture, "Now", lambda node: f"{harmless(node.id)} {harmless(node.data_id[:8]) or UNKNOWN}")


def _counters(picture: ClusterSnapshot) -> str:
    return each_node(picture, "Now", lambda node: f"{harmless(node.id)} {node.counter:,}")


def _faults(picture: ClusterSnapshot) -> str:
    told = [f"{harmless(node.id)} is {node.fault}" for node in picture.nodes if node.fault]
    return f"Now {listed(told)}." if told else "Nothing of that kind is done to a node now."


def _notes(picture: ClusterSnapshot) -> str:
    told = [f"{harmless(node.id)} ({harmless(node.note)})" for node in picture.nodes if node.note]
    return f"Now: {listed(told)}." if told else "No node has any."


def _stored(picture: ClusterSnapshot) -> str:
    dead = sum(node.tombstones for node in picture.nodes)
    return f"Nodes hold {size(sum(node.bytes for node in picture.nodes))} of keys and values now, and {counted(dead, 'tombstone')}."


def _bars(picture: ClusterSnapshot) -> str:
    return each_node(picture, "Keys now", lambda node: f"{harmless(node.id)} {node.keys:,}")


def _grace(picture: ClusterSnapshot) -> str:
    return f"It is {GRACE_SECONDS:g} seconds unless --grace says otherwise. Away now: {listed(_named(picture, NodeState.DOWN))}."


TERMS: tuple[Term, ...] = (
    Term(
        "node",
        "A node is a process of its own, kvtui-node, that stores copies of keys in a directory of its own. It may run on this"
        " machine or on another one.",
        _up,
        ("nodes",),
    ),
    Term(
        "up",
        "A node is up while it answers the coordinator, which asks twice a second. What it holds can be read then.",
        _up,
        ("state", "status"),
    ),
    Term(
        "down",
        "A node is down when it did not answer for too long, or its process ended; it stays a member. Others serve its keys"
        " where they have clean copies, and start brings back one that kvtui started.",
        _down,
        ("away",),
    ),
    Term(
        "killed",
        "A node is killed when its process is ended without a warning, as the command kill does: what it had on its disk is"
        " there. It stays a member and is down until start brings it back.",
        _down,
        ("sigkill",),
    ),
    Term(
        "suspect",
        "A node is suspect, or silent, when it has not answered for longer than an answer takes. Soon it is up again, or down.",
        _silent,
        ("silent", "silence"),
    ),
    Term(
        "joining",
        "A new node is joining while it is being filled and serves nothing yet. Keys are served by the others until its slots"
        " are complete.",
        _receiving,
        ("join", "joined"),
    ),
    Term(
        "filling",
        "A node is filling, or receiving, while slots are on their way to it. What is copied is compared before it counts.",
        _receiving,
        ("receiving", "filled", "being filled", "verified"),
    ),
    Term(
        "leaving",
        "A node is leaving while its slots move to the others, after removenode. Once it is empty it is forgotten.",
        _leaving,
        ("moving away", "emptied"),
    ),
    Term(
        "moving",
        "Slots move when nodes come or go, or copies or shares change: they are copied, compared, and only then removed where"
        " they were. Reads and writes go on meanwhile.",
        _moving,
        ("moves", "move", "copying", "copied", "rebalancing"),
    ),
    Term(
        "grace",
        "The grace period is how long a node may be away before its slots are copied to others, so that every key has its"
        " copies again. When it is back later, it is emptied and gets its share anew.",
        _grace,
        ("grace period", "replaced"),
    ),
    Term(
        "address",
        "The address of a node is where it listens: a host and a port. Where only a port is shown, the node is on this machine.",
        _addresses,
        ("port", "host"),
    ),
    Term(
        "process",
        "A node is a process of the system, with a number (pid). Those that kvtui started end with it, others run by themselves.",
        _processes,
        ("pid", "started here"),
    ),
    Term(
        "data id",
        "The data id names one life of a node's data directory. When it changes, what the node had stored is gone, and it is"
        " filled anew.",
        _data_ids,
    ),
    Term(
        "wiped",
        "A node is wiped when what it stored is gone, by the command wipe or because its disk lost it. It counts for nothing"
        " until it is filled anew from the others.",
        _data_ids,
    ),
    Term(
        "counter",
        "The counter of a node counts the batches of writes that it has put on its disk. One that went back has lost something,"
        " and is not believed.",
        _counters,
        ("batch", "batches", "synced"),
    ),
    Term(
        "compaction",
        "A compaction gives back the disk space of what was deleted or overwritten. Nodes do it by themselves when it is due;"
        " the command compact does it now.",
        _stored,
        ("compacted",),
    ),
    Term(
        "command",
        "Beside a node it says what was done to it on purpose: pause, slow or cut; resume and heal end that. It is how to try"
        " out what life does to nodes.",
        _faults,
        ("paused", "slowed", "cut off", "partition", "by command", "fault", "faults"),
    ),
    Term(
        "node bars",
        "The bars beside the nodes compare them: their keys, bytes, operations or latency, and F4 changes which. The mark on a bar"
        " is where the node's quota is.",
        _bars,
        ("node bar", "bars"),
    ),
    Term(
        "trouble",
        "Trouble is what keeps a node from doing its work, in its own words. Often it also says what to do.",
        _notes,
    ),
)
