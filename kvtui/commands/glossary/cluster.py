"""Words of the cluster as a whole: who holds it, and what is kept."""

from __future__ import annotations

from kvtui.commands.glossary.term import Term, listed
from kvtui.commands.reachable import keys_words
from kvtui.commands.ring import throttle_words
from kvtui.commands.wording import counted, harmless
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.notation import as_word

HERE = ("127.0.0.1", "localhost", "::1")


def _cluster(picture: ClusterSnapshot) -> str:
    return f"This one is called {as_word(picture.name)} and has {counted(len(picture.nodes), 'node')}."


def _holder(picture: ClusterSnapshot) -> str:
    if picture.stopped:
        return f"It serves no more: {harmless(picture.stopped)}."
    return f"Here it is in {harmless(picture.attached)}." if picture.attached else "Here it is in this process."


def _epoch(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return f"The epoch is {picture.epoch:,} now, and no node is there to obey it."
    granted = listed([f"{harmless(node.id)} {node.epoch:,}" for node in picture.nodes])
    return f"The epoch is {picture.epoch:,} now; the highest that nodes obey: {granted}."


def _attached(picture: ClusterSnapshot) -> str:
    if picture.attached:
        return f"This kvtui is attached to {harmless(picture.attached)}."
    return "This kvtui holds the coordinator itself."


def _kept(picture: ClusterSnapshot) -> str:
    if not picture.durable:
        return "This cluster keeps nothing: all is gone when kvtui ends."
    memory = [harmless(node.id) for node in picture.nodes if not node.durable]
    some = f", but for what {listed(memory)} {'holds' if len(memory) == 1 else 'hold'}" if memory else ""
    where = f"; who holds what is noted in {harmless(picture.state_directory)}" if picture.state_directory else ""
    return f"This cluster keeps all on disk{some}{where}."


def _reachable(picture: ClusterSnapshot) -> str:
    if picture.state_directory:
        return f"This cluster's state directory is {harmless(picture.state_directory)}."
    return "This cluster has no state directory: nobody else can connect to it."


def _throttle(picture: ClusterSnapshot) -> str:
    return f"Now: {throttle_words(picture.throttle)}." if picture.throttle else "There is no limit now."


def _full(picture: ClusterSnapshot) -> str:
    return f"Now: {harmless(picture.log_full)}." if picture.log_full else "There is space enough now."


def _elsewhere(picture: ClusterSnapshot) -> str:
    far = [harmless(node.id) for node in picture.nodes if node.host not in HERE]
    return f"Nodes that are not on this machine's own address: {listed(far, 'none')}."


def _as_it_is(picture: ClusterSnapshot) -> str:
    copies = counted(picture.replication, "copy", "copies")
    return f"What it would leave as it is here: {counted(len(picture.nodes), 'node')}, {keys_words(picture)}, {copies} of each."


TERMS: tuple[Term, ...] = (
    Term(
        "cluster",
        "A cluster is a number of nodes that share one ring, and the coordinator that knows who holds what. It is kept in a"
        " state directory, and is there again the next time.",
        _cluster,
    ),
    Term(
        "coordinator",
        "The coordinator gives every write its version, knows which nodes hold which slots, and brings them up to date. There"
        " is one at a time, inside a kvtui.",
        _holder,
        ("holder", "stopped", "ended"),
    ),
    Term(
        "epoch",
        "The epoch counts the coordinators that this cluster has had; each new one has a higher number. Nodes obey the highest"
        " that they know, so an old coordinator can do no harm.",
        _epoch,
        ("granted",),
    ),
    Term(
        "attached",
        "A kvtui is attached when another process holds the coordinator: it sees and does the same through that one. When the"
        " other ends, takeup goes on here.",
        _attached,
    ),
    Term(
        "connect",
        'In Python, kvtui.connect("lab") opens the cluster in the state directory lab, or attaches to the kvtui that holds it, and'
        " kvtui.connect_sync does so without async. It is no command: a second kvtui --state lab, or kvtui -c CMD, attaches by"
        " itself.",
        _reachable,
        ("connect_sync", "kvtui.connect", "kvtui.connect_sync", "api", "python"),
    ),
    Term(
        "memory only",
        "Memory only means that nothing is written to disk, as with --memory. It is gone when its process ends.",
        _kept,
        ("memory",),
    ),
    Term(
        "durable",
        "What is durable is on disk: it outlives the death of all processes and of the machine. A write is acknowledged only"
        " when the disk has it.",
        _kept,
        ("storage", "state directory"),
    ),
    Term(
        "read-only",
        "A kvtui that was started with --readonly refuses every command that changes data, members or settings. Others on the"
        " same cluster may change them.",
        _as_it_is,
        ("readonly", "refused"),
    ),
    Term(
        "secret",
        "The secret is what kvtui and its nodes share, and prove to know without sending it, so that strangers get nothing."
        " Nodes that are reached by others than this machine need one.",
        _elsewhere,
    ),
    Term(
        "loopback",
        "Loopback is the address of this machine for itself, 127.0.0.1: nothing that goes there leaves the machine. Nodes that"
        " kvtui starts listen there alone.",
        _elsewhere,
    ),
    Term(
        "throttle",
        "The throttle limits how many keys a second are copied between nodes, so that clients feel less of it. The command"
        " throttle sets it.",
        _throttle,
    ),
    Term(
        "metadata log",
        "The metadata log is where the coordinator notes every change of who holds what, before it acts on it. A kvtui that is"
        " opened anew, or takes over, goes on from there.",
        _kept,
        ("metadata", "log"),
    ),
    Term(
        "disk full",
        "The coordinator writes every change of who holds what to its log, and can't where its disk is full. Gets and puts go"
        " on, and changes wait until there is space.",
        _full,
        ("changes wait",),
    ),
)
