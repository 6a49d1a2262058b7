"""What a node keeps: versions, digests, counters, sums, its identity."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="an_older_write_overrules_a_tombstone",
        where="store.Store.write",
        promise=5,
        story="only a live entry is compared: an older put that comes late brings a deleted key back",
        old="if old is not None and packed_version(old) >= packed",
        new="if old is not None and is_live(old) and packed_version(old) >= packed",
    ),
    Mutant(
        name="versions_are_stored_backwards",
        where="record._version",
        promise=1,
        story="versions are compared byte by byte, the lowest first: 256 counts as less than 2",
        old='Struct(">QQ")',
        new='Struct("<QQ")',
    ),
    Mutant(
        name="digests_without_versions",
        where="record.contribution",
        promise=4,
        story="a digest is of keys and kinds alone: a replica with an older value compares as equal",
        old="record[_CHECKSUM:_VALUE_AT]",
        new="record[_KIND_AT:_VALUE_AT]",
    ),
    Mutant(
        name="a_repaired_entry_stays_damaged",
        where="store.Store.write",
        promise=9,
        story="an entry that was damaged and written anew still counts as damaged, and its digest agrees with nobody's",
        old="""
        if self._table.damaged and self._table.is_damaged(where):
            self._table.repair(where)
        """,
        new="",
    ),
    Mutant(
        name="a_full_disk_leaves_the_sums_of_what_it_refused",
        where="store.Store.commit",
        promise=4,
        story="what did not fit stays in the digests: a replica that lacks it compares as one that has it",
        old="self._forget(staged)",
        new="",
    ),
    Mutant(
        name="the_counter_told_is_one_too_low",
        where="Store.counter_after_commit",
        promise=4,
        story="an answer tells the counter before its own batch: when exactly that batch is lost, nobody notices",
        new="return self.counter",
    ),
    Mutant(
        name="an_epoch_is_granted_in_memory",
        where="store.Store.join",
        promise=8,
        story="a higher epoch is obeyed, and not persisted: after a restart the node obeys who was superseded",
        old="self._become(membership, cleared=entering and not keep)",
        new="""
        if entering:
            self._become(membership, cleared=not keep)
        else:
            self.membership = membership
        """,
    ),
    Mutant(
        name="keys_that_were_to_be_kept_are_cleared",
        where="store.Store.join",
        promise=7,
        story="the first node of a cluster loses the keys that it was to bring along",
        old="cleared=entering and not keep",
        new="cleared=entering",
    ),
    Mutant(
        name="what_a_node_noted_is_told_late",
        where="store.Store.write_note",
        promise=8,
        story="a node keeps a note, and says only after its next start how far it goes: an old copy of the log is not told by it",
        old="self.noted = noted",
        new="",
    ),
    Mutant(
        name="a_slot_that_nobody_read_is_answered",
        where="store.Store._current",
        promise=9,
        story="a key is answered before the entries of its slot were compared with their sums",
        old="""
        if self._left:
            slot = self._table.slot_at(where)
            self._verify(slot, slot + 1)
        """,
        new="",
        simulated=False,
    ),
    Mutant(
        name="lost_entries_are_counted_and_not_compared",
        where="Held.lacks",
        promise=9,
        story="a slot that holds as many entries as it should passes, also when one is older than it was",
        old="return self.entries != written.entries or (sound and self.total != written.total)",
        new="return self.entries != written.entries",
        simulated=False,
    ),
    Mutant(
        name="the_sums_of_what_is_only_staged_are_written",
        where="compaction.Compaction._run_first",
        promise=9,
        story="all sums are written while entries wait for their commit: after a crash there a sound store counts as damaged",
        old="if self._store.staged:",
        new="if False:",
        simulated=False,
    ),
    Mutant(
        name="verification_ends_after_its_first_slice",
        where="verification.Verification._go_on",
        promise=9,
        story="slots that nobody asks for are never read: what is damaged there is found when the other copy is gone",
        old="self.start()",
        new="",
        simulated=False,
    ),
    Mutant(
        name="garbage_is_weighed_the_wrong_way_round",
        where="garbage.due",
        promise=11,
        story="an idle node gives space back only when it is four times what it holds",
        old="garbage * IDLE_SHARE > held",
        new="garbage > held * IDLE_SHARE",
        simulated=False,
    ),
    Mutant(
        name="a_leaver_is_remembered_by_its_new_data",
        where="node.membership.released",
        promise=8,
        story="a node that left says so under its new data id: an old copy of the log takes it for wiped, and joins it again",
        old="LeftBehind(own.cluster, own.data_id,",
        new="LeftBehind(own.cluster, data_id,",
    ),
    Mutant(
        name="a_value_that_was_replaced_stays_at_hand",
        where="Store._stage",
        promise=11,
        story="a large value that was replaced amid its reading keeps its successor from being read",
        old="self._large.forget(where)",
        new="pass",
    ),
    Mutant(
        name="a_refused_leave_takes_the_counter_along",
        where="kvtui.node.store.Store.leave",
        promise=4,
        story="a node that could not leave for want of space seems to have lost what it holds",
        old="self.counter = before\n",
        new="",
    ),
)
