"""Words of the screen itself: its panels, and the ways to look at the ring."""

from __future__ import annotations

import time

from kvtui.commands.glossary.term import Term, each_node, listed
from kvtui.commands.inspection import moment
from kvtui.commands.wording import counted, harmless
from kvtui.core.snapshot import ClusterSnapshot, NodeState


def _latest(picture: ClusterSnapshot) -> str:
    known = [node for node in picture.nodes if node.since]
    if not known:
        return "Nothing happened to a node yet."
    node = max(known, key=lambda one: one.since)
    return f"The latest that happened to a node: {harmless(node.id)} is {node.state} since {moment(node.since, time.time())}."


def _shown(picture: ClusterSnapshot) -> str:
    nodes = listed([harmless(node.id) for node in picture.nodes], none="none yet")
    return f"Nodes to look at: {nodes}; {counted(picture.keys, 'key')}."


def _arcs(picture: ClusterSnapshot) -> str:
    return f"This ring has {counted(len(picture.ranges), 'arc')} for {counted(len(picture.nodes), 'node')}."


def _shares(picture: ClusterSnapshot) -> str:
    return each_node(picture, "As first replica", lambda node: f"{harmless(node.id)} {node.first_share:.1%}")


def _slots(picture: ClusterSnapshot) -> str:
    nodes = f"{counted(picture.copies_each, 'node')} of {len(picture.nodes)}"
    return f"A key is in one of {counted(picture.slots, 'slot')}, on {nodes}."


def _hollow(picture: ClusterSnapshot) -> str:
    away = {node.id for node in picture.nodes if node.state is NodeState.DOWN}
    found = [
        part
        for part in picture.ranges
        if part.replicas and (part.replicas[0] in away or part.replicas[:1] != part.clean[:1])
    ]
    return f"There are {counted(len(found), 'range')} of that kind now."


def _striped(picture: ClusterSnapshot) -> str:
    moving = sum(bool(part.receiving) for part in picture.ranges)
    waiting, lost = counted(picture.unavailable, "slot"), counted(picture.lost, "slot")
    return f"Now {counted(moving, 'range')} on the way, {waiting} waiting for a node, {lost} lost."


TERMS: tuple[Term, ...] = (
    Term(
        "activity",
        "The activity is the panel of what was typed, what was answered, and what happened to the cluster, the newest last. F6"
        " takes the keyboard there, and filter shows only some of it.",
        _latest,
    ),
    Term(
        "inspector",
        "The inspector is the panel that shows all of one node, or of one key. Click a node twice, or type inspect A or where"
        " apple; Esc closes it.",
        _shown,
        ("inspect",),
    ),
    Term(
        "focus",
        "The node in focus is the one that was clicked, or chosen with the arrows: its parts of the ring are bright, the others"
        " dim. Esc ends that.",
        _arcs,
        ("in focus", "focus view"),
    ),
    Term(
        "ring view",
        "The ring has three views, and F2 goes to the next: every range, the ranges of the node in focus, and the nodes' shares."
        " The share view has one arc a node, as long as its share.",
        _shares,
        ("ring views", "view", "views", "share view", "shares view"),
    ),
    Term(
        "looked up",
        "A key is looked up by the commands where and explain: the ring shows its place and its replicas until another one is. In"
        " the middle of the ring stands why they are its replicas.",
        _slots,
        ("look up", "lookup", "key looked up", "the key looked up"),
    ),
    Term(
        "inner rim",
        "The inner rim of the ring shows later copies: of the node in focus, or of a node that is being filled. Inside a hollow"
        " arc it shows who serves that range now.",
        _arcs,
        ("rim",),
    ),
    Term(
        "hollow arc",
        "A hollow arc is a range whose first replica is down, or may lack writes. Others serve it, where they have clean copies.",
        _hollow,
        ("hollow", "hollow arcs"),
    ),
    Term(
        "stripes",
        "Stripes on the ring are ranges on their way to another node, in that one's colour. Red stripes are ranges that can't"
        " be served: hollow ones wait for a node, full ones are lost.",
        _striped,
        ("striped", "striped arc", "striped arcs", "red stripes"),
    ),
    Term(
        "dots",
        "The dots inside the ring are keys, each where its token is. Where there are many, a dot stands for several.",
        _shown,
        ("dots inside", "dot"),
    ),
    Term(
        "prefix",
        "A prefix is what a key begins with: keys user: lists all keys that begin with user:. On the ring such keys are strewn"
        " everywhere, as their hashes have nothing in common.",
        _shown,
    ),
    Term(
        "svg",
        "SVG is a format of pictures that browsers show, and that stay sharp at every size. F12 saves the screen as one.",
        _shown,
    ),
    Term(
        "palette",
        "The palette is a list of everything that keys and commands do, found by any of its words. Ctrl+P opens it.",
        _shown,
    ),
)
