"""Where one slot's entries are, and how a move changes it. Pure values."""

from typing import NamedTuple


class Placement(NamedTuple):
    """Where one slot's entries are."""

    replicas: tuple[str, ...] = ()
    """Preference list: who serves the slot now."""
    clean: tuple[str, ...] = ()
    """S: those of ``replicas``, in their order, that hold every acknowledged write."""
    receiving: tuple[str, ...] = ()
    """Newcomers of a move under way."""
    target: tuple[str, ...] = ()
    """``replicas`` after that move; empty when none is under way."""
    garbage: tuple[str, ...] = ()
    """Nodes that still hold entries of the slot without being a replica of it."""
    returning: tuple[str, ...] = ()
    """Those that are behind and being made equal: as far as whoever hears no more of it knows, they may be clean."""

    @property
    def counted(self) -> tuple[str, ...]:
        """Who is, or may have become, a clean replica since whoever knows only this heard the last."""
        return self.clean + self.receiving + self.returning

    @property
    def behind(self) -> tuple[str, ...]:
        """Replicas that may lack acknowledged writes."""
        return tuple(node for node in self.replicas if node not in self.clean)

    @property
    def followers(self) -> tuple[str, ...]:
        """Nodes that get every write without counting for its acknowledgement."""
        return self.behind + self.receiving


def begin_move(place: Placement, target: tuple[str, ...]) -> Placement:
    """DUAL towards ``target``. Newcomers of an unfinished move that are not wanted any more hold garbage."""
    receiving = without(target, place.replicas)
    garbage = without(union(place.garbage, place.receiving), target + place.replicas)
    return place._replace(receiving=receiving, target=target, garbage=garbage)


def first_placement(place: Placement, target: tuple[str, ...]) -> Placement:
    """The slot's first replicas. Those that hold garbage of an earlier life of it are behind, and are made equal first."""
    return Placement(target, without(target, place.garbage), (), (), without(place.garbage, target))


def cut_over(place: Placement) -> Placement:
    """The slot after its newcomers verified: they are clean replicas, and who left holds garbage."""
    clean = tuple(node for node in place.target if node in place.clean or node in place.receiving)
    garbage = union(place.garbage, without(place.replicas, place.target))
    return Placement(place.target, clean, (), (), garbage)


def without(nodes: tuple[str, ...], gone: tuple[str, ...]) -> tuple[str, ...]:
    """``nodes`` in their order, less ``gone``."""
    return tuple(node for node in nodes if node not in gone)


def union(nodes: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """``nodes``, then those of ``more`` that were not among them."""
    return nodes + without(more, nodes)
