"""How far nodes got is logged with each change of a clean set, not only now and then.

Who loses the end of its data is noticed by its write counter, against the one that was logged. What that end holds may be older: it
was copied a moment ago, and its source let go of it; or a node has it, too, that is behind from here on.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from kvtui.core.placement import Placement
from kvtui.core.records import Behind, Cleaned, Counted, CutOver, LossAccepted, Placed, Record, Recovered, Runs, Wiped
from kvtui.core.topology import Topology


class Counts(Protocol):
    """A node as far as its write counter goes."""

    @property
    def counter(self) -> int:
        """The highest that it told."""
        ...


def changed_clean_sets(records: Sequence[Record], slots: int) -> Runs:
    """The runs of slots whose clean sets ``records`` change, on a ring of so many ``slots``."""
    runs: Runs = []
    for record in records:
        if isinstance(record, Behind):
            runs += record.runs
        elif isinstance(record, Placed | LossAccepted | CutOver | Recovered):
            runs.append((record.start, record.stop))
        elif isinstance(record, Wiped):
            runs.append((0, slots))
    return runs


def concerned(topology: Topology, records: Sequence[Record]) -> list[str]:
    """Whose write counters are logged together with ``records``: of those who may be clean after them, and of who let go of
    garbage. A node that lost its data begins anew."""
    distinct: dict[Placement, None] = {}
    for start, stop in changed_clean_sets(records, len(topology.places)):
        distinct.update(dict.fromkeys(topology.places[start:stop]))
    names = dict.fromkeys(name for place in distinct for name in (*place.replicas, *place.receiving))
    names.update(dict.fromkeys(record.node for record in records if isinstance(record, Cleaned)))
    wiped = {record.node for record in records if isinstance(record, Wiped)}
    return [name for name in names if name not in wiped]


def progress(topology: Topology, names: Iterable[str], nodes: Mapping[str, Counts]) -> list[Counted]:
    """The records that say how far those nodes got, where that is further than is logged."""
    return [
        Counted(name, nodes[name].counter)
        for name in names
        if name in nodes and name in topology.members and nodes[name].counter > topology.members[name].counter
    ]
