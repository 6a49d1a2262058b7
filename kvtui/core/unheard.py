"""What may not be relied on any more when a node lost what it knew, before it was asked. Pure decisions.

On what may be an old copy of the log another coordinator may have gone on, with other clean sets. Of each change of a clean set
one who counted before it has a note at least; where one of those has lost its note nobody may be left who knows.
"""

from kvtui.core.cluster import ClusterError
from kvtui.core.ledger import Ledger
from kvtui.core.records import Behind
from kvtui.core.topology import Topology
from kvtui.notation import as_word


def check_heard(ledger: Ledger, name: str) -> None:
    """Raise ClusterError while a node that counts has not said whether it knows of newer writes than an old copy of the log."""
    counts = any(name in place.counted for place in ledger.topology.distinct)
    if counts and ledger.cautious and name not in ledger.granted:
        raise ClusterError(
            f"this log may be an old copy, and {name} may hold newer writes than it knows of: start it first, or rebuild the"
            f" log from the other nodes, with kvtui recover and without {as_word(name)}"
        )


def discredited(topology: Topology, name: str) -> list[Behind]:
    """Who else is a clean replica where ``name`` counts: it may have gone on without them, which it alone knew."""
    others = {node for place in topology.distinct if name in place.counted for node in place.clean if node != name}
    return [
        Behind(node, topology.runs(lambda place, node=node: name in place.counted and node in place.clean))  # type: ignore[misc]
        for node in sorted(others)
    ]


def loss(slots: int, name: str, *, unheard: bool) -> str:
    """That a node came back without its data, and so many slots have no clean copy, in words."""
    why = (
        f"are not served: this log may be an old copy, and {name} may have known of newer writes"
        if unheard
        else f"have no clean copy left: {name} had the last one"
    )
    return (
        f"{slots:,} slots {why}. If what it held is elsewhere, start it on that again; accept-loss serves what its replicas"
        " then hold"
    )
