"""What kvtui says of its state: whether every key has its copies, what moves, what is lost. And where keys are to be.

The simulation has nobody who reads what is said, and does not know how many slots a node's weight makes.
"""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="a_ring_that_has_its_quorum_is_whole",
        where="guarantee.weakened",
        promise=12,
        story="slots have fewer copies than they could, and it says that all is as it can be",
        old="copies < picture.copies_each",
        new="copies < picture.write_quorum",
        simulated=False,
    ),
    Mutant(
        name="the_guarantee_tells_the_most_copies",
        where="guarantee._copies",
        promise=12,
        story="some slots have one copy, and it says that every acknowledged write is on three nodes",
        old="fewest, number = sizes[0]",
        new="fewest, number = sizes[-1]",
        simulated=False,
    ),
    Mutant(
        name="lost_slots_are_under_replicated",
        where="Geometry.under",
        promise=12,
        story="slots without any clean copy are told as such that have too few, and are served all the same",
        old="if 0 < size < copies_each",
        new="if size < copies_each",
        simulated=False,
    ),
    Mutant(
        name="runs_of_lost_slots_are_counted_not_slots",
        where="Geometry.__init__",
        promise=12,
        story="of hundreds of lost slots in a row one is told",
        old="self.lost += 0 if place.clean else width",
        new="self.lost += 0 if place.clean else 1",
        simulated=False,
    ),
    Mutant(
        name="moves_that_have_not_begun_are_not_told",
        where="Geometry.__init__",
        promise=12,
        story="all looks settled while slots wait to be moved",
        old="            if newcomers:",
        new="            if newcomers and place.receiving:",
        simulated=False,
    ),
    Mutant(
        name="newcomers_are_told_as_replicas_that_are_behind",
        where="Geometry.__init__",
        promise=12,
        story="a ring whose slots move says that copies lack acknowledged writes",
        old="self.behind += width * len(place.behind)",
        new="self.behind += width * len(place.followers)",
        simulated=False,
    ),
    Mutant(
        name="slots_that_wait_to_move_are_as_planned",
        where="work.unfinished",
        promise=12,
        story="a rebalance says that it is done while slots wait for a node that can't be reached",
        old="if place.replicas != target or place.target:",
        new="if place.target:",
    ),
    Mutant(
        name="replicas_that_could_not_be_compared_are_verified",
        where="work.unfinished",
        promise=12,
        story="a rebalance says that it is done although replicas could not be compared",
        old="if suspect and len(place.clean) > 1:",
        new="if suspect > 1 and len(place.clean) > 1:",
    ),
    Mutant(
        name="a_node_is_two_replicas_of_a_slot",
        where="classic._clockwise",
        promise=2,
        story="two virtual nodes of one node make two copies of a key, both in one place",
        old="if owner not in found:\n found.append(owner)",
        new="found.append(owner)",
    ),
    Mutant(
        name="a_heavy_node_holds_more_than_one_copy_of_a_slot",
        where="quota.bounds",
        promise=12,
        story="the quota of a node that is heavier than all others together is more than there are slots",
        old="if weights[node] * left < slots * weight_left:",
        new="if weights[node] * left <= slots * weight_left * 2:",
        simulated=False,
    ),
)
