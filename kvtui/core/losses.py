"""What is lost, and the person who accepts it: slots are served again from what is left of them, or begin anew, empty."""

from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.ledger import Ledger
from kvtui.core.rebuilding import HOME
from kvtui.core.records import Behind, LossAccepted, Record, Runs
from kvtui.notation import brief


class LossesRoom:
    """Accepts losses, in one batch of records."""

    def __init__(self, ledger: Ledger, happenings: Happenings) -> None:
        self._ledger = ledger
        self._happenings = happenings

    def accept(self, node: str | None) -> int:
        """As ``Losses.accept_loss``."""
        topology = self._ledger.topology
        if self._ledger.cautious and topology.home != HOME:
            # For a rebuilt log a person has given up by name whoever is missing.
            unheard = ", ".join(sorted(topology.members.keys() - self._ledger.granted))
            if not unheard:
                raise ClusterError(
                    f"this log may be an old copy as long as it can't say that it is none: {self._ledger.full}"
                )
            raise ClusterError(
                f"this log may be an old copy, and {unheard} may hold what seems to be lost: start what is DOWN first"
            )
        given_up = [] if node is None else self._given_up(node)
        lost = sorted([*topology.lost, *given_up])
        records: list[Record] = [Behind(node, given_up)] if node is not None and given_up else []
        records += self._served_again(lost, node)
        slots = sum(stop - start for start, stop in lost)
        if records:
            self._ledger.append(*records)
            for start, stop in lost:
                self._ledger.unverified[start:stop] = b"\1" * (stop - start)
            self._happenings.emit(
                Level.WARNING, f"the loss of {'1 slot' if slots == 1 else f'{slots:,} slots'} was accepted"
            )
        return slots

    def _given_up(self, node: str) -> Runs:
        """What only that node holds. Raises ClusterError for one that could serve it, or is none of ours."""
        remote = self._ledger.nodes.get(node)
        if remote is None:
            raise ClusterError(f"there is no node {brief(node)}; nodes: {', '.join(self._ledger.topology.members)}")
        if remote.usable:
            raise ClusterError(f"{node} is {remote.state}: nothing that it holds is lost")
        return self._ledger.topology.only_at(node)

    def _served_again(self, lost: Runs, given_up: str | None) -> list[LossAccepted]:
        places = self._ledger.topology.places
        records: list[LossAccepted] = []
        for slot in (slot for start, stop in lost for slot in range(start, stop)):
            others = [node for node in places[slot].replicas if node != given_up]
            clean = tuple(node for node in others if self._ledger.nodes[node].usable)
            if others and not clean:
                raise ClusterError(f"none of {', '.join(others)} can be reached; start one of them first")
            if records and records[-1].stop == slot and records[-1].clean == clean:
                records[-1] = LossAccepted(records[-1].start, slot + 1, clean)
            else:
                records.append(LossAccepted(slot, slot + 1, clean))
        return records
