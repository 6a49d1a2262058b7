"""The table that is rebuilt from nodes' notes: which note says who holds a slot."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="the_newest_note_decides_whatever_came_of_it",
        where="Witness.disputes",
        promise=8,
        story="a node that obeys a coordinator of which a note knows nothing does not speak against that note",
        old="return noted_beyond or not account.knows(self.granted)",
        new="return noted_beyond",
    ),
    Mutant(
        name="what_was_noted_beyond_a_note_does_not_matter",
        where="Witness.disputes",
        promise=8,
        story="a node that noted what a note does not contain does not speak against that note",
        old="return noted_beyond or not account.knows(self.granted)",
        new="return not account.knows(self.granted)",
    ),
    Mutant(
        name="a_rebuilt_table_needs_no_newcomers",
        where="Account.needed",
        promise=8,
        story="a newcomer that may have been cut over to, or may be back, since the note need not be found",
        old="place.counted if place.replicas",
        new="place.clean if place.replicas",
    ),
    Mutant(
        name="where_a_newer_note_needs_who_is_gone_an_older_one_decides",
        where="Testimony._judged",
        promise=8,
        story="what a node that is gone may know alone is passed over, and an older note is believed",
        old="if missing:",
        new="if missing and number == len(self.accounts) - 1:",
    ),
    Mutant(
        name="two_that_went_on_apart_are_not_asked_for",
        where="Testimony._judged",
        promise=8,
        story="where two coordinators' notes both may be right, the newer one counts",
        old="speaking = [account, *(other for other in others if self._speaks(other, slot))]",
        new="speaking = [account]",
    ),
    Mutant(
        name="of_two_that_speak_the_smaller_one_decides",
        where="testimony._within_all",
        promise=8,
        story="of two notes that both may be right the one with fewer clean replicas counts, who may lack what the others served",
        old="all(clean[least] <= other for other in clean)",
        new="True",
    ),
    Mutant(
        name="who_lost_data_is_as_good_as_whole",
        where="rebuilding._heard",
        promise=4,
        story="a node that lost the end of its data counts as clean in a rebuilt table",
        old="if node.facts.counter < counters.get(node.facts.data_id, 0):",
        new="if False:",
    ),
    Mutant(
        name="who_is_no_replica_holds_nothing",
        where="rebuilding._swept",
        promise=4,
        story="what a move left that the notes do not know of is on nobody's list to be cleared",
        old="garbage=union(place.garbage, others)",
        new="garbage=place.garbage",
    ),
    Mutant(
        name="nodes_of_later_epochs_are_not_topped",
        where="rebuilding.rebuild",
        promise=8,
        story="a rebuilt log goes on from the newest note's epoch, not above all that nodes have granted: they refuse it",
        old="epoch=1 + max(max(node.facts.epoch, node.facts.noted.epoch) for node in found)",
        new="epoch=base.topology.epoch",
    ),
)
