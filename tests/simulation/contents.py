"""Whether all replicas of a slot hold the same, entry by entry as it lies on their disks, and nobody else anything of it."""

from collections.abc import Iterator

from kvtui.node.store import Store
from tests.simulation.harness import SimCluster
from tests.simulation.model import HEAD, KEY_AT, LIVE, VERSION, KnownDisk, Model, Where, slot_at, sound, told

Held = dict[Where, bytes]
"""Records by their places."""


class Contents:
    """Looks at a cluster of which every member runs."""

    def __init__(self, cluster: SimCluster, model: Model) -> None:
        self._cluster = cluster
        self._model = model

    def difference(self) -> str:
        """What is not as it should be, in words: the first that is found. Damage that its node has not come across yet is none."""
        places = self._cluster.coordinator.topology.places
        held = {name: self._by_slot(disk, len(places)) for name, disk in self._disks()}
        said: dict[tuple[int, int], dict[Where, bytes]] = {}
        for slot, place in enumerate(places):
            everything: Held = {}
            for name in place.replicas:
                for where, record in held.get(name, {}).get(slot, {}).items():
                    if sound(where, record):
                        everything.setdefault(where, record)
            for name, by_slot in held.items():
                wanted = everything if name in place.replicas else {}
                wrong = self._differs(name, slot, wanted, by_slot.get(slot, {}), said)
                if wrong:
                    return f"slot {slot} differs on {name}: {wrong}: {place}"
        return ""

    def damaged(self) -> dict[str, list[Where]]:
        """The damaged entries of each node, whether it knows of them or not, that another replica has."""
        found: dict[str, list[Where]] = {}
        places = self._cluster.coordinator.topology.places
        held = {name: self._by_slot(disk, len(places)) for name, disk in self._disks()}
        for name, by_slot in held.items():
            for slot, records in by_slot.items():
                for where, record in records.items():
                    others = (held[other].get(slot, {}).get(where) for other in places[slot].replicas if other in held)
                    if not sound(where, record) and any(other and sound(where, other) for other in others):
                        found.setdefault(name, []).append(where)
        return found

    def tombstones(self) -> str:
        """A tombstone that is still held, in words; empty where there is none."""
        for name, disk in self._disks():
            for where, head in disk.held.items():
                if head[VERSION] != LIVE:
                    return f"{name} still holds {told(head)} of {where[KEY_AT:]!r}"
        return ""

    def _disks(self) -> Iterator[tuple[str, KnownDisk]]:
        for name in self._cluster.coordinator.topology.members:
            disk = self._model.disks.get(self._cluster.data_of(name))
            if disk is not None:
                yield name, disk

    @staticmethod
    def _by_slot(disk: KnownDisk, slots: int) -> dict[int, Held]:
        found: dict[int, Held] = {}
        for where, record in disk.stored(b"\x01", b"\x02"):
            found.setdefault(slot_at(where, slots), {})[where] = record
        return found

    def _differs(
        self, name: str, slot: int, wanted: Held, records: Held, said: dict[tuple[int, int], dict[Where, bytes]]
    ) -> str:
        server = self._cluster.process(name).server
        if server is None:
            return "it does not run"
        table = server.store.table
        known = table.damaged.get(slot, ())
        damaged = {where for where, record in records.items() if not sound(where, record)}
        for where in sorted({*wanted, *records}):
            mine, theirs = records.get(where), wanted.get(where)
            if where in damaged and where not in known and theirs is not None:
                # It was not read since, and nobody can have told.
                continue
            if mine != theirs:
                holds = "damage" if where in damaged else told(None if mine is None else mine[HEAD])
                return (
                    f"it holds {holds} of {where[KEY_AT:]!r}, others {told(None if theirs is None else theirs[HEAD])}"
                )
        return "" if damaged else self._misjudged(server.store, slot, records, said)

    @staticmethod
    def _misjudged(store: Store, slot: int, records: Held, said: dict[tuple[int, int], dict[Where, bytes]]) -> str:
        """What the node's own sums say beside what it holds: equal digests are equal contents."""
        table = store.table
        heads = {where: record[HEAD] for where, record in records.items()}
        live = sum(head[VERSION] == LIVE for head in heads.values())
        if (table.live[slot], table.dead[slot]) != (live, len(heads) - live):
            return f"it says {table.live[slot]} values and {table.dead[slot]} tombstones, and holds {live}, {len(heads) - live}"
        if said.setdefault((slot, table.digests[slot]), heads) != heads:
            return "its digest is that of other entries"
        if any(
            digest != table.digests[slot] for (other, digest), those in said.items() if other == slot and those == heads
        ):
            return "its digest is not that of the same entries elsewhere"
        return ""
