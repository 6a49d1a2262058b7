"""What a topology alone determines of its picture: ranges, shares, what is behind, lost or on its way. A pure value."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType

from kvtui.core.placement import Placement
from kvtui.core.reach import Reach
from kvtui.core.snapshot import RangeView
from kvtui.core.topology import Topology


class Geometry:
    """Made anew with each topology."""

    def __init__(self, topology: Topology) -> None:
        slots = max(1, len(topology.places))
        planned = topology.planned.table
        self.slots = slots
        self.copies: dict[str, int] = {}
        self.firsts: dict[str, int] = {}
        self.behind_of: dict[str, int] = {}
        self.arriving: dict[str, int] = {}
        self.moving = self.moves_lost = self.behind = self.lost = 0
        self.moves: list[tuple[int, Placement, tuple[str, ...]]] = []
        """So many slots are placed so, and are to be on those nodes."""
        self._clean_sizes: dict[int, int] = {}
        ranges: list[RangeView] = []
        for start, stop, place in topology.stretches:
            width = stop - start
            if not place.replicas:
                continue
            for node in place.replicas:
                self.copies[node] = self.copies.get(node, 0) + width
            self.firsts[place.replicas[0]] = self.firsts.get(place.replicas[0], 0) + width
            for node in place.behind:
                self.behind_of[node] = self.behind_of.get(node, 0) + width
            self.behind += width * len(place.behind)
            self.lost += 0 if place.clean else width
            self._clean_sizes[len(place.clean)] = self._clean_sizes.get(len(place.clean), 0) + width
            giving = tuple(node for node in place.replicas if place.target and node not in place.target)
            ranges.append(RangeView(start / slots, stop / slots, place.replicas, place.clean, place.receiving, giving))
        for (place, target), group in groupby(zip(topology.places, planned, strict=True)):
            if not place.replicas or (place.replicas == target and not place.target):
                continue
            width = len(list(group))
            self.moves.append((width, place, target))
            newcomers = [node for node in target if node not in place.replicas]
            if newcomers:
                self.moving += width
                self.moves_lost += 0 if place.clean else width
                for node in newcomers:
                    self.arriving[node] = self.arriving.get(node, 0) + width
        self.ranges = tuple(ranges)
        self.clean_copies = tuple(sorted(self._clean_sizes.items()))

    def under(self, copies_each: int, unserved: Mapping[int, int] = MappingProxyType({})) -> int:
        """Slots that are served with fewer clean copies than wanted: those that are lost are not, nor the ``unserved``, of which so
        many have so many clean copies."""
        return sum(slots - unserved.get(size, 0) for size, slots in self._clean_sizes.items() if 0 < size < copies_each)

    def ranges_of(self, reached: Reach) -> tuple[RangeView, ...]:
        """The ranges, with whom those wait for that can't be served; the same object while nothing waits."""
        if not reached.waiting:
            return self.ranges
        standings = {start / self.slots: found for start, _, found in reached.waiting}
        return tuple(
            part
            if (found := standings.get(part.start)) is None
            else replace(part, waits_for=found.waits_for, writes_wait_for=found.writes_wait_for)
            for part in self.ranges
        )
