"""Words of whether the data is safe: from clean and behind to quorum and tombstone."""

from __future__ import annotations

from kvtui.commands.glossary.term import NAMED, Term, each_node, listed
from kvtui.commands.wording import counted, harmless
from kvtui.core.guarantee import unserved, unwritten
from kvtui.core.read_mode import ReadMode
from kvtui.core.snapshot import ClusterSnapshot, NodeState


def _clean(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return "There are no nodes yet, and so no copies."
    whole = sum(slots for copies, slots in picture.clean_copies if copies >= picture.copies_each)
    copies = {1: "their only copy", 2: "both copies"}.get(picture.copies_each, f"all {picture.copies_each} copies")
    return f"{whole:,} of {counted(picture.slots, 'slot')} have {copies} clean now."


def _behind(picture: ClusterSnapshot) -> str:
    late = [f"{harmless(node.id)} in {counted(node.behind, 'slot')}" for node in picture.nodes if node.behind]
    return f"Behind now: {listed(late)}." if late else "Nobody is behind now."


def _hints(picture: ClusterSnapshot) -> str:
    missing = [f"{counted(node.hints, 'key')} on {harmless(node.id)}" for node in picture.nodes if node.hints]
    return (
        f"Known to be missing: {listed(missing)}." if missing else "There are none now: no key is known to be missing."
    )


def _under(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return "There are no nodes yet."
    return (
        f"{counted(picture.under_replicated, 'slot')} of {picture.slots:,} now; every one should have"
        f" {counted(picture.copies_each, 'clean copy', 'clean copies')}."
    )


def _unavailable(picture: ClusterSnapshot) -> str:
    told = [text for text in (unserved(picture, NAMED), unwritten(picture, NAMED)) if text]
    return f"Now {'; '.join(told)}." if told else "No slot is unavailable now."


def _served(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return "There are no nodes yet."
    return f"{picture.slots - picture.unavailable - picture.lost:,} of {counted(picture.slots, 'slot')} are served now."


def _lost(picture: ClusterSnapshot) -> str:
    if not picture.lost:
        return "Nothing is lost."
    return f"{counted(picture.lost, 'slot')} now; start the nodes that held them if you can, else accept-loss serves what is left."


def _guarantee(picture: ClusterSnapshot) -> str:
    weak = ", which is less than it could be" if picture.guarantee_weakened and picture.clean_copies else ""
    return f"Now: {picture.guarantee}{weak}."


def _quorum(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return "There are no nodes yet."
    copies = counted(picture.copies_each, "copy", "copies")
    return f"W is {picture.write_quorum} now, of {copies} of every key; setquorum changes it."


def _acknowledged(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return "There are no nodes yet to store anything."
    where = "on disk" if picture.durable else "in memory (nothing is kept on disk here)"
    return f"That takes {counted(picture.write_quorum, 'clean replica')} at least that {_have(picture)} it {where}."


def _have(picture: ClusterSnapshot) -> str:
    return "has" if picture.write_quorum == 1 else "have"


def _reads(picture: ClusterSnapshot) -> str:
    if picture.reads is ReadMode.STRICT:
        return "Reads are strict now: a get fails rather than answer with something that may be old."
    return (
        "Reads are available now: where no clean replica can be asked, another one answers, and that is called stale."
    )


def _version(picture: ClusterSnapshot) -> str:
    return (
        f"Writes of now have versions that begin with {picture.epoch}, the epoch; where <key> shows a key's versions."
    )


def _tombstones(picture: ClusterSnapshot) -> str:
    total = sum(node.tombstones for node in picture.nodes)
    return f"Nodes hold {counted(total, 'tombstone')} now, all copies together."


def _damaged(picture: ClusterSnapshot) -> str:
    bad = [
        f"{counted(node.damaged, 'entry', 'entries')} on {harmless(node.id)}" for node in picture.nodes if node.damaged
    ]
    return f"Now: {listed(bad)}." if bad else "No entry is known to be damaged."


def _repair(picture: ClusterSnapshot) -> str:
    return each_node(picture, "Replicas that may lack something now", lambda n: harmless(n.id) if n.behind else "")


def _doubtful(picture: ClusterSnapshot) -> str:
    away = [harmless(node.id) for node in picture.nodes if node.state is not NodeState.UP]
    return f"Nodes that don't answer now: {listed(away)}."


def _refusing(picture: ClusterSnapshot) -> str:
    writes = f", writes alone in {picture.unwritable:,} more" if picture.unwritable else ""
    return f"Operations fail now in {counted(picture.unavailable + picture.lost, 'slot')} of {picture.slots:,}{writes}."


def _operations(picture: ClusterSnapshot) -> str:
    return f"Now: {picture.puts.rate:,.0f} writes and {picture.gets.rate:,.0f} reads a second."


TERMS: tuple[Term, ...] = (
    Term(
        "clean",
        "A replica of a slot is clean while it has every write of it that was acknowledged. Only clean replicas count: for a"
        " write, and for an answer that is not called stale.",
        _clean,
        ("clean copy", "clean copies", "clean replica", "clean replicas", "s"),
    ),
    Term(
        "behind",
        "A replica of a slot is behind when it may lack writes of it, as after it was away. It gets all new writes, and counts"
        " again once it was compared with a clean one and made equal.",
        _behind,
        ("lag",),
    ),
    Term(
        "not asked",
        "A replica is not asked while it can't be reached, or where nobody needs its answer: what it holds is not known then."
        " That says nothing against it; whether it is clean or behind is said besides.",
        _doubtful,
        ("unasked",),
    ),
    Term(
        "no answer",
        "A replica gave no answer when it was asked, and its connection ended or its time was up first. It may have done what"
        " it was asked for.",
        _doubtful,
        ("not answered",),
    ),
    Term(
        "hint",
        "A hint is a note of the coordinator that a replica missed a write of one key. When the replica is back, the keys that"
        " it missed are known, and copied to it.",
        _hints,
        ("hints",),
    ),
    Term(
        "under-replicated",
        "A slot is under-replicated while it has fewer clean copies than it should; its keys are served all the same. The next"
        " node that dies may make it unavailable or lost.",
        _under,
        ("under replicated", "under", "lack copies", "lacks copies"),
    ),
    Term(
        "unavailable",
        "A slot is unavailable while none of its clean replicas can be reached: its keys can't be read or written. Nothing is"
        " lost: it is served again when one of the nodes that it waits for is back.",
        _unavailable,
        (
            "awaited",
            "waits",
            "wait",
            "wait for",
            "waits for",
            "reached",
            "can't be reached",
            "can't be served",
            "takes no writes",
            "take no writes",
        ),
    ),
    Term(
        "served",
        "A slot is served while a clean replica of it can be reached: gets and puts of its keys are answered. What is not"
        " served fails, and says why.",
        _served,
        ("serves", "serve", "be served", "can be served", "can be reached", "be reached"),
    ),
    Term(
        "lost",
        "A slot is lost when no clean copy of it is left on any node: its newest writes may be gone. Its keys are not served"
        " until somebody says accept-loss.",
        _lost,
        ("loss",),
    ),
    Term(
        "guarantee",
        "The guarantee says what kvtui promises at this moment: on how many nodes every acknowledged write is, and whether"
        " reads may be old. It is weaker while nodes are away.",
        _guarantee,
        ("promise",),
    ),
    Term(
        "quorum",
        "The write quorum (W) is how many clean copies there must be on disk before a write is acknowledged. Where fewer"
        " replicas can be reached, writes fail rather than promise too much.",
        _quorum,
        ("write quorum", "w"),
    ),
    Term(
        "acknowledged",
        "A write is acknowledged when kvtui has said that it is stored: all clean replicas of its key have it then. From then"
        " on no get returns anything older.",
        _acknowledged,
        ("acknowledged write", "ok"),
    ),
    Term(
        "outcome",
        "Every operation ends in one of three ways: ok, failed, or unknown. Only what is ok was promised.",
        _operations,
        ("outcomes",),
    ),
    Term(
        "unknown",
        "An operation is unknown when nobody can say whether it happened, as when a node died while it wrote. The next get of"
        " that key asks all clean replicas, and settles it.",
        _doubtful,
        ("doubt", "in flight"),
    ),
    Term(
        "failed",
        "An operation that failed did not happen, and never will. It can be tried again without harm.",
        _refusing,
    ),
    Term(
        "stale",
        "An answer is stale when the replica that gave it may lack newer writes. kvtui says so with the answer, and gives one"
        " only where reads is set to available.",
        _reads,
        ("staleness", "stale read", "stale reads", "older"),
    ),
    Term(
        "strict",
        "With strict reads a get fails where no clean replica can be asked; with available reads another replica answers, which"
        " may be old. The command reads chooses.",
        _reads,
        ("reads", "available"),
    ),
    Term(
        "version",
        "Every write gets a version, such as 4.1207: the epoch, and a number that counts up. Of two writes of a key the later"
        " one has the greater version, and replicas keep that one.",
        _version,
        ("versions",),
    ),
    Term(
        "tombstone",
        "A tombstone is what a delete leaves on the replicas, so that no older copy brings the key back. It is removed once all"
        " replicas are known to have it.",
        _tombstones,
        ("tombstones",),
    ),
    Term(
        "read repair",
        "A get that finds an older version on a replica writes the newest one back before it answers. Explain shows it when it"
        " happens.",
        _repair,
        ("repair", "repairs", "repaired"),
    ),
    Term(
        "damaged",
        "An entry is damaged when its checksum does not fit what the disk gave back. It is never served, and is copied anew"
        " from another clean replica.",
        _damaged,
        ("checksum",),
    ),
    Term(
        "linearizable",
        "A history is linearizable when every get returned what the last put before it had stored, as if there were one copy"
        " alone. The command check proves it, or shows what went wrong.",
        _reads,
        ("linearizability", "verdict", "violation", "violated", "undecided", "history"),
    ),
)
