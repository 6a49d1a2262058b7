"""What is not certain yet: suspicions, verifications under way, who is behind."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="a_repair_spoils_no_verification",
        where="Ledger.spoil",
        promise=4,
        story="what a repair stores on one clean replica alone does not void the verification of who is compared with it",
        new="return",
    ),
    Mutant(
        name="the_overflow_of_suspicions_suspects_one_key",
        where="Ledger.suspect_key",
        promise=3,
        story="a key beyond those that are remembered one by one takes another's place instead of suspecting its slot",
        old="""
        news = not self.unverified[slot]
        self.unverified[slot] = SUSPECTED_ANEW
        if news:
            self.stir()
        """,
        new="""
        self.uncertain.pop(next(iter(self.uncertain)))
        self.uncertain[key] = version
        """,
    ),
    Mutant(
        name="an_older_write_that_succeeds_clears_a_newer_suspicion",
        where="Ledger.overruled",
        promise=3,
        story="after a write of unknown outcome, an older one that ends well makes one replica enough for the next read",
        new="self.uncertain.pop(key, None)",
    ),
    Mutant(
        name="an_older_suspicion_takes_the_place_of_a_newer_one",
        where="Ledger.suspect_key",
        promise=3,
        story=(
            "of two unknown writes the older one ends last, and a write between them is taken to settle both"
            " (writes of a key end in their order, unless its slot moves between them)"
        ),
        old="max(version, self.uncertain.get(key, NEVER))",
        new="version",
        simulated=False,
    ),
    Mutant(
        name="a_suspicion_that_overflows_during_a_comparison_is_lost",
        where="Ledger.suspect_key",
        promise=3,
        story="a slot that is suspected while its replicas are compared counts as compared afterwards",
        old="self.unverified[slot] = SUSPECTED_ANEW",
        new="self.unverified[slot] = 1",
    ),
    Mutant(
        name="a_verification_does_not_cover_its_first_slot",
        where="Counting.covers",
        promise=4,
        story="a write of the first slot of those that are verified may miss the newcomer unnoticed",
        old="self.start <= slot",
        new="self.start < slot",
    ),
    Mutant(
        name="an_old_copy_of_the_log_lets_go_of_who_does_not_obey",
        where="Ledger.exclude",
        promise=8,
        story="a clean set goes on without a member that may obey another coordinator",
        old="if self.cautious and node not in self.granted:\n return",
        new="",
    ),
    Mutant(
        name="whom_a_wiped_node_alone_left_behind_counts_on",
        where="Supervisor._note_loss",
        promise=4,
        story="on an old copy of the log, what only a node had that was wiped is lost in silence: the others count as newest",
        old="ledger.append(*others, Wiped(",
        new="ledger.append(Wiped(",
    ),
    Mutant(
        name="a_returning_node_that_was_wiped_knew_nothing",
        where="unheard.discredited",
        promise=4,
        story="on an old copy of the log, who was about to count when that was copied can't have gone on without the others",
        old="for place in topology.distinct if name in place.counted",
        new="for place in topology.distinct if name in place.clean",
    ),
    Mutant(
        name="what_a_node_missed_is_never_forgotten",
        where="Ledger._forget_hints",
        promise=12,
        story="a node that is a replica of nothing any more is said to miss keys, for ever",
        old="if self.hints:",
        new="if not self.hints:",
    ),
    Mutant(
        name="newcomers_need_not_obey",
        where="Ledger.obeyed",
        promise=8,
        story="an old copy of the log serves a slot although the newcomer of its move may be its clean replica by now",
        old="place.counted if place.replicas",
        new="place.clean if place.replicas",
    ),
    Mutant(
        name="who_is_made_equal_need_not_obey",
        where="Placement.counted",
        promise=8,
        story="an old copy of the log serves a slot although who was behind in it may be its clean replica by now",
        old="self.clean + self.receiving + self.returning",
        new="self.clean + self.receiving",
    ),
    Mutant(
        name="a_log_is_at_home_once_one_node_obeys",
        where="Ledger._note_home",
        promise=8,
        story="an old copy of the log takes itself for the newest before all nodes obey it",
        old="self.granted.issuperset(topology.members)",
        new="self.granted.intersection(topology.members)",
    ),
    Mutant(
        name="a_batch_takes_one_version_for_all_its_keys",
        where="Ledger.next_version",
        promise=1,
        story="the writes after a batch get versions that its keys have already: replicas keep the older value",
        old="self.seq += keys",
        new="self.seq += 1",
    ),
    Mutant(
        name="routes_are_kept_when_a_link_is_lost",
        where="Ledger.stir",
        promise=2,
        story="operations go on over the link that was there before",
        old="self._routes.forget()",
        new="",
    ),
    Mutant(
        name="missing_keys_are_counted_without_a_limit",
        where="Ledger.hint",
        promise=11,
        story="every key that a node missed is remembered, however many: in a run there are few",
        old="if len(known) < HINTS:\n known.update(keys)",
        new="known.update(keys)",
        simulated=False,
    ),
)
