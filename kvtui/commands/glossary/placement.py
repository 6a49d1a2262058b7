"""Words of where keys are: from the ring and its slots to shares and balance."""

from __future__ import annotations

from kvtui.commands.glossary.term import Term, each_node, listed
from kvtui.commands.reachable import keys_words
from kvtui.commands.sizes import size
from kvtui.commands.wording import counted, harmless
from kvtui.core.balance import balance
from kvtui.core.snapshot import ClusterSnapshot, RangeView


def _keys(picture: ClusterSnapshot) -> str:
    return f"{keys_words(picture)}, in {counted(picture.copies, 'copy', 'copies')}."


def _copies(picture: ClusterSnapshot) -> str:
    return f"All nodes together hold {counted(picture.copies, 'copy', 'copies')} now. {_replicas(picture)}"


def _replicas(picture: ClusterSnapshot) -> str:
    wanted = counted(picture.replication, "replica")
    if not picture.nodes:
        return f"Every key is to have {wanted} here, once there are nodes."
    if picture.copies_each < picture.replication:
        return f"Every key is to have {wanted} here, and has {picture.copies_each}: more need more nodes."
    return f"Every key has {wanted} here, on {counted(len(picture.nodes), 'node')}; setreplica changes that."


def _ring(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return f"This ring has {picture.slots:,} slots and no node yet: addnode A 5001 starts one."
    return (
        f"This ring has {picture.slots:,} slots in {counted(len(picture.ranges), 'range')},"
        f" on {counted(len(picture.nodes), 'node')}."
    )


def _slots(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return f"This ring has {picture.slots:,} slots; no node is there to serve them."
    firsts = [
        f"{round(node.first_share * picture.slots):,} {'of them have' if place == 0 else ''} {harmless(node.id)}"
        f"{' as first replica' if place == 0 else ''}"
        for place, node in enumerate(picture.nodes)
    ]
    return f"This ring has {picture.slots:,} slots; {listed([' '.join(text.split()) for text in firsts])}."


def _token(picture: ClusterSnapshot) -> str:
    bits = max(0, picture.slots.bit_length() - 1)
    return f"The first {bits} of its bits say which of the {picture.slots:,} slots a key is in; where <key> shows a key's token."


def _ranges(picture: ClusterSnapshot) -> str:
    if not picture.ranges:
        return "There is none yet: the cluster has no nodes."
    longest = max(_slots_of(picture, part) for part in picture.ranges)
    return f"There are {counted(len(picture.ranges), 'range')}; the longest has {counted(longest, 'slot')}."


def _slots_of(picture: ClusterSnapshot, part: RangeView) -> int:
    return round(part.stop * picture.slots) - round(part.start * picture.slots)


def _firsts(picture: ClusterSnapshot) -> str:
    return each_node(picture, "Of the ring", lambda node: f"{harmless(node.id)} {node.first_share:.1%}")


def _later(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return "There are no nodes yet, and so no copies."
    later = max(0, picture.copies_each - 1)
    return f"Every key has {counted(later, 'later copy', 'later copies') if later else 'none'} here now."


def _list(picture: ClusterSnapshot) -> str:
    if not picture.ranges:
        return "There is none yet: the cluster has no nodes."
    part = picture.ranges[0]
    return f"At the top of the ring it is {', '.join(harmless(node) for node in part.replicas)}; where <key> shows a key's."


def _policy(picture: ClusterSnapshot) -> str:
    return f"This ring is {picture.policy}."


def _virtual(picture: ClusterSnapshot) -> str:
    name, _, vnodes = picture.policy.partition(" ")
    if name != "classic" or not vnodes.isdigit():
        return "This ring is balanced and has none; policy classic places it by them."
    points = int(vnodes) * sum(node.weight for node in picture.nodes)
    return f"This ring is classic: {vnodes} for each node of weight 1, {points:,} in all."


def _weights(picture: ClusterSnapshot) -> str:
    return each_node(picture, "Weights now", lambda node: f"{harmless(node.id)} {node.weight}")


def _quotas(picture: ClusterSnapshot) -> str:
    total = sum(node.quota for node in picture.nodes) or 1.0
    return each_node(picture, "Quotas now", lambda node: f"{harmless(node.id)} {node.quota / total:.1%}")


def _shares(picture: ClusterSnapshot) -> str:
    total = sum(node.share for node in picture.nodes) or 1.0
    return each_node(picture, "Of all copies", lambda node: f"{harmless(node.id)} {node.share / total:.1%}")


def _balance(picture: ClusterSnapshot) -> str:
    if not picture.nodes:
        return "There are no nodes to compare."
    fullest = max(picture.nodes, key=lambda node: node.share / node.weight)
    return f"It is {balance(picture):.2f} now; the fullest node is {harmless(fullest.id)}."


def _average(picture: ClusterSnapshot) -> str:
    nodes = len(picture.nodes)
    if not nodes:
        return "There are no nodes yet."
    return f"{counted(picture.copies, 'copy', 'copies')} on {counted(nodes, 'node')}: {picture.copies / nodes:,.0f}."


def _values(picture: ClusterSnapshot) -> str:
    stored = sum(node.bytes for node in picture.nodes)
    return f"Keys and values take {size(stored)} now, all copies together."


TERMS: tuple[Term, ...] = (
    Term(
        "key",
        "A key is the name under which a value is stored: any bytes, up to 64 KiB. Its hash says where on the ring it is, so it"
        " is found without asking around.",
        _keys,
        ("keys", "entry", "entries"),
    ),
    Term(
        "value",
        "A value is what is stored under a key: any bytes, up to 16 MiB. A put replaces all of it.",
        _values,
        ("values", "binary"),
    ),
    Term(
        "copy",
        "A copy of a key is what one node holds of it. Where a key has several copies, on several nodes, it outlives the death"
        " of one of them.",
        _copies,
        ("copies",),
    ),
    Term(
        "replica",
        "A replica of a key is a node that holds a copy of it. Every write goes to all replicas of its key, and any one of them"
        " that is clean can answer a get.",
        _replicas,
        ("replicas", "replication", "n"),
    ),
    Term(
        "first replica",
        "The first replica of a key is the one that is asked first for it; the others follow when it is away or behind. The"
        " coloured arcs of the ring show which node it is.",
        _firsts,
        ("first replicas", "first copy", "first copies"),
    ),
    Term(
        "later copy",
        "A later copy of a key is what its replicas but the first hold: all of them are written, and one of them answers where"
        " the first can't. The inner rim of the ring shows those of the node in focus.",
        _later,
        ("later copies", "later replica", "later replicas", "another copy", "other copy", "other copies"),
    ),
    Term(
        "preference list",
        "The preference list of a slot is its replicas in the order in which they are asked. Its first is the first replica.",
        _list,
        ("preference order",),
    ),
    Term(
        "ring",
        "The ring is the row of all tokens, bent to a circle: the last one is followed by the first, at the top. Each node"
        " serves its parts of it, so one that comes or goes changes only some parts.",
        _ring,
        ("ring order",),
    ),
    Term(
        "token",
        "The token of a key is its hash: a number of 64 bits that looks random, and is the same every time. It is the key's"
        " place on the ring.",
        _token,
        ("tokens", "hash", "position"),
    ),
    Term(
        "slot",
        "A slot is one of the equal parts that the ring is cut into; all keys whose tokens fall into it are on the same nodes."
        " Slots are what is given to nodes, what moves, and what is counted when copies are missing.",
        _slots,
        ("slots",),
    ),
    Term(
        "range",
        "A range is a run of neighbouring slots that are on the same nodes, in the same order. On the ring a range is an arc,"
        " in the colour of its first replica.",
        _ranges,
        ("ranges", "arc", "arcs"),
    ),
    Term(
        "policy",
        "The policy says how slots are given to nodes: balanced, or classic. The command policy changes it, also while the"
        " cluster is in use.",
        _policy,
        ("placement",),
    ),
    Term(
        "balanced",
        "On a balanced ring every node holds exactly its share of the slots, and a change moves as few of them as it can. The"
        " replicas of a slot are chosen for balance: they need not be neighbours on the ring.",
        _policy,
        ("chosen for balance",),
    ),
    Term(
        "classic",
        "On a classic ring every node has many points, its virtual nodes, where hashes put them. The replicas of a slot are the"
        " nodes of the next points clockwise, as textbooks draw it.",
        _policy,
        ("clockwise", "walk", "skipped"),
    ),
    Term(
        "virtual node",
        "A virtual node is one of the many points that a node has on a classic ring. The more points each node has, the more"
        " even the shares of the nodes become.",
        _virtual,
        ("virtual nodes", "vnode", "vnodes"),
    ),
    Term(
        "weight",
        "The weight of a node says how much it shall hold: one of weight 2 gets twice the share of one of weight 1. It is for"
        " machines that are larger than others.",
        _weights,
        ("weights",),
    ),
    Term(
        "quota",
        "The quota of a node is the share of all copies that the ring plans for it, by its weight. The thin mark on a node's"
        " bar is where its quota is.",
        _quotas,
        ("quotas",),
    ),
    Term(
        "share",
        "The share of a node is the part of all copies of slots that is on it. It differs from the quota while slots move.",
        _shares,
        ("shares",),
    ),
    Term(
        "balance",
        "The balance is the share of the fullest node over the mean of all shares, weights taken into account. 1.00 is even;"
        " 1.50 is a node that holds half as much again as it should.",
        _balance,
        ("max/mean",),
    ),
    Term(
        "copies/node",
        "It is the number of copies that a node has on average. With two copies of every key, all nodes together have twice as"
        " many copies as there are keys.",
        _average,
        ("avg/node", "avg", "mean"),
    ),
)
