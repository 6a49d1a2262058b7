"""What is cut, counted and let in: batches, answers that have room, values under way, strangers.

The simulation comes near none of these limits: its batches and values are small, no read fails so often, and its strangers are few.
"""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="a_batch_may_be_larger_than_a_request",
        where="batches.batches",
        promise=11,
        story="an entry that does not fit any more is put into the batch all the same, and the node refuses it",
        old="total + heavy > BATCH_BYTES",
        new="total > BATCH_BYTES",
        simulated=False,
    ),
    Mutant(
        name="a_batch_has_one_entry_too_many",
        where="batches.batches",
        promise=11,
        story="a batch of as many entries as a request may have gets one more, and the node refuses it",
        old="len(batch) >= most",
        new="len(batch) > most",
        simulated=False,
    ),
    Mutant(
        name="answers_that_have_room_are_given_for_other_keys",
        where="Several.in_order",
        promise=2,
        story="of many keys some are not answered for want of room, and those that follow get each other's answers",
        old="takewhile(self.answers.__contains__, self._keys)",
        new="filter(self.answers.__contains__, self._keys)",
    ),
    Mutant(
        name="a_key_that_comes_twice_is_answered_once",
        where="Several.in_order",
        promise=2,
        story="a get_many of a key that comes twice answers it once, so that all that follow are one off",
        old="return [self.answers[key] for key in self._keys]",
        new="return [self.answers[key] for key in self.wanted]",
    ),
    Mutant(
        name="room_that_was_given_to_who_gave_up_is_lost",
        where="Room._turn",
        promise=11,
        story="a read that is cancelled in the moment of its turn takes its room with it, until long values wait for ever",
        old="self._give(size if turn.done() and not turn.cancelled() else 0)",
        new="self._give(0)",
        simulated=False,
    ),
    Mutant(
        name="what_is_larger_than_all_the_room_waits_for_ever",
        where="Room._fitted",
        promise=11,
        story="a value larger than what may be under way at once is never read",
        old="min(size, self._most)",
        new="size",
        simulated=False,
    ),
    Mutant(
        name="small_ones_overtake_who_waits_for_room",
        where="Room.has",
        promise=11,
        story="a long value waits for as long as shorter ones come",
        old="not self._waiting and",
        new="",
        simulated=False,
    ),
    Mutant(
        name="the_room_of_a_value_that_could_not_be_read_is_lost",
        where="Reads._read_of",
        promise=11,
        story="each long value whose reading fails leaves less room for the others, until they wait for ever",
        old="""
        try:
            value = await fetch_value(hop.link, key, version, size, patience.progressed)
        finally:
            self._room.give(size)
        """,
        new="""
        value = await fetch_value(hop.link, key, version, size, patience.progressed)
        self._room.give(size)
        """,
        simulated=False,
    ),
    Mutant(
        name="a_flood_ends_the_connections_of_others",
        where="Crowd._make_room",
        promise=10,
        story="where strangers crowd, the address with the fewest of them has to go",
        old="max(self._waiting,",
        new="min(self._waiting,",
        simulated=False,
    ),
    Mutant(
        name="a_crowd_has_one_stranger_too_many",
        where="Crowd.enter",
        promise=11,
        story="one more stranger waits than may",
        old="len(self._hosts) >= self._most",
        new="len(self._hosts) > self._most",
        simulated=False,
    ),
)
