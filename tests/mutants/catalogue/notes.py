"""Notes of who holds what, and the table that is rebuilt from them."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="who_recovered_is_noted_by_nobody_at_once",
        where="progress.changed_clean_sets",
        promise=8,
        story="a replica counts again before it and the others have noted that (that it may was noted before)",
        old="isinstance(record, Placed | LossAccepted | CutOver | Recovered)",
        new="isinstance(record, Placed | LossAccepted | CutOver)",
        simulated=False,
    ),
    Mutant(
        name="who_fell_behind_is_noted_later",
        where="progress.changed_clean_sets",
        promise=8,
        story="a write counts without a replica before the others have noted that it is behind",
        old="""
        if isinstance(record, Behind):
            runs += record.runs
        elif
        """,
        new="if",
    ),
    Mutant(
        name="a_wiped_node_is_noted_later",
        where="progress.changed_clean_sets",
        promise=8,
        story=(
            "a write counts without a node that was wiped before the others have noted that it was"
            " (it fell behind before, and other data tells it)"
        ),
        old="""
        elif isinstance(record, Wiped):
            runs.append((0, slots))
        """,
        new="",
        simulated=False,
    ),
    Mutant(
        name="a_refused_note_counts_as_kept",
        where="Notes._answered",
        promise=8,
        story="a node that has no space for a note counts as one that noted it",
        old='if reply is None or reply.status == "error":',
        new="if reply is None:",
    ),
    Mutant(
        name="an_older_note_answers_for_a_newer_one",
        where="Notes._answered",
        promise=8,
        story="the answer to an older note lets go who waits for a newer one",
        old="if self._owed.get(name, NEVER) <= version:",
        new="if name in self._owed:",
    ),
    Mutant(
        name="a_note_of_old_has_a_new_number",
        where="Notes._note",
        promise=8,
        story="what a note says is not written anew when more is logged, only its number",
        old="if self._text[0] != version:",
        new="if not self._text[1]:",
    ),
    Mutant(
        name="only_the_first_of_those_to_note_is_waited_for",
        where="Notes.owing",
        promise=8,
        story="of several nodes that are to note something only the first is waited for",
        old="any(name in self._owed for name in names)",
        new="any(name in self._owed for name in list(names)[:1])",
    ),
    Mutant(
        name="who_is_released_first_releases_all",
        where="Notes._release",
        promise=8,
        story="who waits for several nodes goes on when one of them has noted it",
        old="if names.isdisjoint(self._owed):",
        new="if not names.issubset(self._owed):",
    ),
    Mutant(
        name="only_what_falls_behind_says_how_far_others_got",
        where="progress.concerned",
        promise=4,
        story="how far a newcomer got is not logged as it cuts over: the lost end of what was copied to it goes unnoticed",
        old="for name in (*place.replicas, *place.receiving)",
        new="for name in place.behind",
    ),
)
