"""The promises that a person can tune while the cluster serves: how many copies a write needs, and what reads fall back to."""

from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level
from kvtui.core.happenings import Happenings
from kvtui.core.ledger import Ledger
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Tuned


class Tuning:
    """Checks a wish and logs it; routes follow the log."""

    def __init__(self, ledger: Ledger, happenings: Happenings) -> None:
        self._ledger = ledger
        self._happenings = happenings

    def set_quorum(self, copies: int) -> None:
        """As ``Guarantees.set_quorum``."""
        topology = self._ledger.topology
        most = topology.planned.replication
        if not 0 <= copies <= most:
            keys = "every key has 1 copy" if most == 1 else f"every key has {most} copies"
            raise ClusterError(f"a write can't need {copies} copies: {keys}; raise that first with: setreplica")
        if copies != topology.quorum:
            self._ledger.append(Tuned(copies, topology.reads))
            needed = f"{copies} clean copies" if copies else "the default number of clean copies"
            self._happenings.emit(Level.INFO, f"a write needs {needed} from now on")

    def set_reads(self, mode: ReadMode) -> None:
        """As ``Guarantees.set_reads``."""
        topology = self._ledger.topology
        if mode is not topology.reads:
            self._ledger.append(Tuned(topology.quorum, mode))
            self._happenings.emit(Level.INFO, f"reads are {mode} from now on")
