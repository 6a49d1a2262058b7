"""What moves: comparing, recovering, copying, cutting over, clearing, purging."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="a_suspicion_during_a_comparison_is_cleared_by_it",
        where="Mover._compare",
        promise=3,
        story="a slot that is suspected anew while its replicas are compared counts as compared",
        old="suspected_anew = SUSPECTED_ANEW in self._ledger.unverified[piece.start : piece.stop]",
        new="suspected_anew = False",
    ),
    Mutant(
        name="only_the_first_newcomer_is_counted",
        where="Mover._counted",
        promise=6,
        story="of two newcomers, what the second one misses while it is verified does not matter",
        old="for node, _ in peers]",
        new="for node, _ in peers[:1]]",
        shown_by="newcomers_are_counted_while_they_are_compared",
    ),
    Mutant(
        name="a_newcomer_may_have_been_away",
        where="Mover._still",
        promise=6,
        story="a newcomer that was away since it was compared is taken all the same (a write that misses it spoils that besides)",
        old="(remote := self._ledger.nodes.get(node)) is not None and remote.link is link for node, link in peers",
        new="(remote := self._ledger.nodes.get(node)) is not None and remote.link is not None for node, link in peers",
        simulated=False,
    ),
    Mutant(
        name="a_newcomer_that_missed_a_write_is_taken",
        where="Mover._still",
        promise=6,
        story="a write that did not reach the newcomer between the digests and the cut-over does not stop that",
        old="return sound and peers[0][0] in place.clean and not any(counting.spoiled for counting in counted)",
        new="return sound and peers[0][0] in place.clean",
    ),
    Mutant(
        name="counting_begins_after_the_digests",
        where="Mover._fill",
        promise=6,
        story="a write that begins while digests are under way need not reach the newcomer",
        old="""
            with self._counted(peers, piece) as counted:
                own, *others = await digests_of([source, *peers, *clean], piece.start, piece.stop)
        """,
        new="""
            own, *others = await digests_of([source, *peers, *clean], piece.start, piece.stop)
            with self._counted(peers, piece) as counted:
        """,
        shown_by="newcomers_are_counted_while_they_are_compared",
    ),
    Mutant(
        name="a_verification_is_logged_without_another_look",
        where="Mover._log_finished",
        promise=6,
        story="what was verified is logged some time later without a look whether it still holds",
        old="records() if holds() else None",
        new="records()",
        shown_by="a_newcomer_that_missed_a_write_is_taken",
    ),
    Mutant(
        name="a_slot_is_cleared_before_that_is_noted",
        where="Mover._clear",
        promise=8,
        story="a node that was emptied notes that it serves the slot (that others may by now was noted before)",
        old="await self._notes.noted((node,), logged)",
        new="",
        simulated=False,
    ),
    Mutant(
        name="a_move_is_not_noted_before_it_cuts_over",
        where="Mover._announce",
        promise=8,
        story="slots are cut over, and replicas count again, though no clean replica has noted that they may",
        old="if not await self._notes.noted_by_any(place.clean, logged):",
        new="if False:",
    ),
    Mutant(
        name="moves_do_not_ask_whether_the_log_is_old",
        where="Mover._wanted",
        promise=8,
        story="slots move by what may be an old copy of the log, before all who may know better have been heard",
        old="ledger.may_place(piece.place) and ",
        new="",
    ),
    Mutant(
        name="recovery_keeps_what_is_newer",
        where="catch_up.differences",
        promise=4,
        story="who was away keeps a newer version that nobody acknowledged",
        old="if key not in source or version > source[key]",
        new="if key not in source",
    ),
    Mutant(
        name="recovery_keeps_what_the_clean_set_lacks",
        where="catch_up.differences",
        promise=4,
        story="who was away keeps keys that the clean set does not have",
        old="if key not in source or version > source[key]",
        new="if version > source.get(key, version)",
    ),
    Mutant(
        name="the_only_sound_copy_is_dropped",
        where="CatchUp.equalise",
        promise=9,
        story="where the source's own entry is damaged, what the target has of it is dropped as if it should not be there",
        old="[(key, version) for key, version in difference.drops if key not in ours.damaged]",
        new="difference.drops",
    ),
    Mutant(
        name="a_purge_reaches_one_replica",
        where="purge._purge_some",
        promise=5,
        story="a tombstone goes from the first replica alone, which then brings it back, or the value beneath it",
        old="await asyncio.gather(*(ask(node, link, Purge(entries=going)) for node, link in peers))",
        new="await asyncio.gather(*(ask(node, link, Purge(entries=going)) for node, link in peers[:1]))",
    ),
    Mutant(
        name="a_key_with_a_write_under_way_is_purged",
        where="purge._purge_some",
        promise=5,
        story="a tombstone goes while an older write of its key may still arrive",
        old="if version is not None and quiet(key):",
        new="if version is not None:",
    ),
    Mutant(
        name="a_move_may_leave_nobody_who_can_be_reached",
        where="work.keeps_reach",
        promise=7,
        story="slots move to a node that is away, and the last one that could serve them leaves",
        old="sum(node in usable for node in target) >= min(before, len(target))",
        new="sum(node in usable for node in target) >= min(before, len(target)) - 1",
    ),
    Mutant(
        name="what_is_suspected_is_never_compared",
        where="work._for_stretch",
        promise=3,
        story="suspected slots are to be compared only while a replica can't be reached, and so never are",
        old="if suspect and len(sources) == len(place.clean):",
        new="if suspect and len(sources) < len(place.clean):",
    ),
    Mutant(
        name="what_is_throttled_goes_side_by_side",
        where="Throttle.turn",
        promise=11,
        story="each piece of work copies at the whole rate, instead of all together",
        old="at = max(now, self._free_at)",
        new="at = now",
        simulated=False,
    ),
    Mutant(
        name="a_damaged_key_is_left_behind_in_silence",
        where="importing.import_keys",
        promise=9,
        story="keys of a node that joins which can't be read are left out, and wiped with the others",
        old=", whole=True",
        new="",
        simulated=False,
    ),
    Mutant(
        name="what_could_not_be_imported_is_wiped",
        where="importing._store",
        promise=7,
        story="a node joins and is wiped although the cluster could not store all of its keys",
        old="if written.ok != len(items):",
        new="if written.failed == len(items) != 0:",
        simulated=False,
    ),
    Mutant(
        name="tombstones_that_come_amid_a_purge_are_forgotten",
        where="Mover._purge",
        promise=5,
        story="what is buried while others are looked for is never looked for",
        old="for key in await purge(peers, piece.start, piece.stop, still, quiet, log):",
        new="""
            waiting = await purge(peers, piece.start, piece.stop, still, quiet, log)
            self._ledger.graves.looked(piece.start, piece.stop)
            for key in waiting:
        """,
    ),
    Mutant(
        name="a_move_that_goes_on_is_not_noted",
        where="Mover._move",
        promise=6,
        story="after a crash a move is cut over though nobody may have noted that it is under way",
        old="""
            self._ledger.append(Dual(piece.start, piece.stop, piece.target))
        await self._announce(piece)
        """,
        new="""
            self._ledger.append(Dual(piece.start, piece.stop, piece.target))
            await self._announce(piece)
        """,
    ),
)
