"""Scenarios of the ledger: on a log in memory, without nodes."""

from kvtui.core import ledger as ledger_module
from kvtui.core.ledger import Counting, Ledger
from kvtui.core.metadata_log import MetadataLog
from kvtui.core.records import Created, Opened
from kvtui.core.ring import Balanced, Ring
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.version import Version
from tests.mutants.scenarios.constants import lowered

SLOTS = 8


def _ledger() -> Ledger:
    log = MetadataLog(MemoryEngine())
    log.append(Created("c0ffee", "default", Ring.empty(Balanced(), 1, SLOTS).to_record()), Opened(1, "coordinator"))
    ledger = Ledger(log)
    ledger.unverified = bytearray(SLOTS)
    return ledger


def a_repair_spoils_no_verification() -> None:
    ledger = _ledger()
    touched, elsewhere = Counting("n2", 2, 4), Counting("n2", 4, 6)
    ledger.counting = [touched, elsewhere]
    ledger.spoil(3)
    assert touched.spoiled
    assert not elsewhere.spoiled


def the_overflow_of_suspicions_suspects_one_key() -> None:
    ledger = _ledger()
    with lowered(ledger_module, UNCERTAIN_KEYS=3):
        for number in range(5):
            ledger.suspect_key(b"key %d" % number, number, Version(1, number))
    for number in range(5):
        assert b"key %d" % number in ledger.uncertain or ledger.unverified[number]
