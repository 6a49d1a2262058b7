"""Sees what goes by on the wire and to the coordinator's log, and counts what is worth it."""

import re
from typing import Final

from kvtui.core.ledger import SUSPECTED_ANEW
from kvtui.core.malformed import MALFORMED
from kvtui.core.protocol import Entry, PutMany, decode_request, from_blob
from kvtui.core.seams.storage import Batch
from tests.simulation.happened import Event
from tests.simulation.harness import COORDINATOR, SimCluster

CODE: Final = re.compile(rb'"status":"error".*?"code":"(\w+)"')
RECORD: Final = re.compile(rb'\{"type":"(\w+)"')
OF_CODES: Final = {
    b"superseded": Event.SUPERSEDED,
    b"fenced": Event.FENCED,
    b"damaged": Event.DAMAGED,
    b"full": Event.FULL,
}
OF_RECORDS: Final = {
    b"behind": Event.BEHIND,
    b"recovered": Event.RECOVERED,
    b"wiped": Event.WIPED,
    b"dual": Event.MOVED,
    b"cutover": Event.CUT_OVER,
    b"loss_accepted": Event.LOSS_ACCEPTED,
}
OF_REQUESTS: Final = {
    b'"op":"purge"': Event.PURGE,
    b'"op":"drop"': Event.DROP,
    b'"op":"clear"': Event.CLEAR,
    b'"after":': Event.PAGE,
}
WRITE_BACK: Final = b'"op":"put_many"'


class Watch:
    """Watches one cluster from here on. What is cut in two on the wire may be missed."""

    def __init__(self, cluster: SimCluster) -> None:
        self._cluster = cluster
        self._overflowing = False
        cluster.network.watch = self._delivered
        cluster.disks.watch = self._written

    def _delivered(self, sender: str, receiver: str, data: bytes) -> None:
        if receiver == COORDINATOR:
            # Answers: after one of them keys may be suspected.
            self._look()
            if b'"error"' in data:
                for code in CODE.findall(data):
                    if code in OF_CODES:
                        self._cluster.happened[OF_CODES[code]] += 1
            return
        happened = self._cluster.happened
        for needle, event in OF_REQUESTS.items():
            if needle in data:
                happened[event] += data.count(needle)
        if WRITE_BACK in data:
            for line in data.splitlines():
                if WRITE_BACK in line:
                    self._put_many(line)

    def _look(self) -> None:
        """A glance at what is in the coordinator's memory alone."""
        if not self._cluster.running:
            return
        overflowing = SUSPECTED_ANEW in self._cluster.coordinator._ledger.unverified
        if overflowing and not self._overflowing:
            self._cluster.happened[Event.OVERFLOW] += 1
        self._overflowing = overflowing

    def _put_many(self, line: bytes) -> None:
        """A write-back is known by the read that waits for it."""
        try:
            request = decode_request(line)
        except MALFORMED:
            return
        if isinstance(request, PutMany) and len(request.entries) == 1:
            self._one_of_many(request.entries[0])

    def _one_of_many(self, entry: Entry) -> None:
        if not self._cluster.running:
            return
        book, happened = self._cluster.coordinator._ledger, self._cluster.happened
        slot = book.slot(from_blob(entry.key))
        if not book.repairs[slot]:
            return
        happened[Event.WRITE_BACK] += 1
        happened[Event.WRITE_BACK_LARGE] += bool(entry.upload)
        happened[Event.WRITE_BACK_TOMBSTONE] += entry.size < 0
        happened[Event.WRITE_BACK_VERIFY] += any(counting.covers((slot,)) for counting in book.counting)

    def _written(self, machine: str, batch: Batch) -> None:
        if machine != COORDINATOR:
            return
        if batch.cleared:
            self._cluster.happened[Event.COMPACTED] += 1
            return
        for _, value in batch.changes:
            found = RECORD.search(value or b"")
            if found is not None and found[1] in OF_RECORDS:
                self._cluster.happened[OF_RECORDS[found[1]]] += 1
