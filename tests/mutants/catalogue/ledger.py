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
)
