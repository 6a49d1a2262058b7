"""The coordinator's log: what is durable before it acts, and what a rewritten log still says.

The simulation damages nodes' disks, not the coordinator's, and no sync of that fails.
"""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="a_record_acts_before_it_is_logged",
        where="MetadataLog.append",
        promise=6,
        story="a change for which there is no space in the log holds all the same, until the next start",
        old="self._engine.apply(batch)",
        new="self.topology = topology\nself._engine.apply(batch)",
    ),
    Mutant(
        name="a_rewritten_log_forgets_how_far_it_had_got",
        where="essence",
        promise=8,
        story="after it was rewritten, nothing proves a log to be an old copy",
        old="_before(topology), topology.ends",
        new="_before(topology)",
    ),
    Mutant(
        name="a_rewritten_log_forgets_earlier_coordinators",
        where="essence",
        promise=8,
        story="after the log was rewritten, a node that obeyed an earlier coordinator of it is taken to obey a stranger",
        old="_before(topology), topology.ends",
        new="(), topology.ends",
    ),
    Mutant(
        name="a_rewritten_log_forgets_the_mode_of_reads",
        where="essence",
        promise=2,
        story="after the log was rewritten, reads are strict or not as they are by default",
        old="Tuned(topology.quorum, topology.reads, topology.throttle)",
        new="Tuned(topology.quorum, Topology.reads, topology.throttle)",
    ),
    Mutant(
        name="a_log_is_rewritten_without_what_moves",
        where="essence",
        promise=6,
        story="after the log was rewritten, garbage of slots is forgotten",
        old="[Placed(start, stop, place) for start, stop, place in topology.stretches]",
        new="[Placed(start, stop, place._replace(garbage=())) for start, stop, place in topology.stretches]",
    ),
    Mutant(
        name="a_rewritten_log_is_written_over",
        where="MetadataLog._compact_if_long",
        promise=8,
        story="a rewritten log has numbers that the records after it have as well, and does not open again",
        old="first = self._last - len(records) + 1",
        new="first = self._last + 1",
    ),
    Mutant(
        name="a_record_that_is_missing_is_passed_over",
        where="MetadataLog.__init__",
        promise=9,
        story="a log of which a record was lost opens as if it had never been there",
        old="if self._last and number != self._last + 1:",
        new="if self._last and number <= self._last:",
        simulated=False,
    ),
    Mutant(
        name="a_record_that_was_damaged_is_believed",
        where="_replayed",
        promise=9,
        story="a log of which a byte was flipped opens with what it says now",
        old="xxh3_64_digest(value[8:]) != value[:8]",
        new="not value",
        simulated=False,
    ),
    Mutant(
        name="what_stopped_a_log_is_told_as_no_space",
        where="Ledger.append",
        promise=9,
        story="a log whose sync failed is written to again, instead of stopping the coordinator",
        old="except EngineFailed as error:",
        new="except EngineFailed as error:\n    raise self._note_full(str(error)) from None",
        simulated=False,
    ),
)
