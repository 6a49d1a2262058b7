"""The checker of histories. The simulation rests on it, and runs none of its mistakes: it has no wrong histories."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="an_unknown_put_that_was_read_needs_no_moment",
        where="_Clusters.decide",
        promise=12,
        story="a put of unknown outcome that was read may have been at any time, also while the key was found absent",
        old="elif cluster.read or cluster.put.outcome is Outcome.OK:",
        new="elif cluster.put.outcome is Outcome.OK:",
        simulated=False,
    ),
    Mutant(
        name="an_unknown_write_has_ended",
        where="zones._end",
        promise=12,
        story="a write of unknown outcome must have taken effect before its client gave up",
        old="if operation.outcome is Outcome.OK and operation.end is not None else inf",
        new="if operation.end is not None else inf",
        simulated=False,
    ),
    Mutant(
        name="zones_that_overlap_by_a_little_are_fine",
        where="_Clusters.decide",
        promise=12,
        story="two values that both must have been there at the same time pass, unless one was there all the time of the other",
        old="if after.first_end < before.last_start:",
        new="if after.last_start < before.last_start:",
        simulated=False,
    ),
    Mutant(
        name="a_put_inside_another_zone_is_cut_out_of_it",
        where="zones._between",
        promise=12,
        story="what happened while another value must have been there all the time is given a moment after it",
        old="""
        if last < stops[zone]:
            return
        """,
        new="""
        if last < first:
            return
        """,
        simulated=False,
    ),
    Mutant(
        name="the_search_passes_ends",
        where="_Search.run",
        promise=12,
        story="the search orders operations before others that had ended before they began",
        old="dead = entry == 0 or not is_start[entry]",
        new="""
        if entry and not is_start[entry]:
            entry = following[entry]
            continue
        dead = entry == 0
        """,
        simulated=False,
    ),
    Mutant(
        name="the_search_remembers_less",
        where="_Search.run",
        promise=12,
        story="a set of operations that led nowhere with one content is not tried with another",
        old="if state not in seen:",
        new="if all(known != state[0] for known, _ in seen):",
        simulated=False,
    ),
    Mutant(
        name="a_read_may_name_any_version",
        where="versions._misread",
        promise=12,
        story="a read that names the version of a write of another value passes",
        old="if written.value != value:",
        new="if False:",
        simulated=False,
    ),
    Mutant(
        name="two_writes_may_share_a_version",
        where="versions._Writes.__init__",
        promise=12,
        story="two writes of the same version pass",
        old="if twin is not write:",
        new="if twin is not write and act.value is None:",
        simulated=False,
    ),
    Mutant(
        name="versions_may_run_against_time",
        where="versions._disorder",
        promise=12,
        story="of versions only neighbours are compared with time",
        old="""
        if act.end < first_end:
            first_end, who = act.end, act
        """,
        new="first_end, who = act.end, act",
        simulated=False,
    ),
    Mutant(
        name="a_stale_get_may_return_what_failed",
        where="attribution.misattributed",
        promise=12,
        story="a get that is flagged as stale may return what a put wrote that failed",
        old="puts = failed if operation.outcome is Outcome.FAILED else earliest",
        new="puts = earliest",
        simulated=False,
    ),
    Mutant(
        name="undecided_is_a_pass",
        where="checking.check",
        promise=12,
        story="a key of which nothing can be said passes",
        old="Verdict.UNDECIDED if undecided else Verdict.LINEARIZABLE",
        new="Verdict.LINEARIZABLE",
        simulated=False,
    ),
    Mutant(
        name="unknown_writes_have_ended_by_version",
        where="register.acts_of",
        promise=12,
        story="a write of unknown outcome counts as over when its client gave up: one that takes effect later is a violation",
        old="end = operation.end if certain and operation.end is not None else inf",
        new="end = operation.end if operation.end is not None else inf",
        simulated=False,
    ),
    Mutant(
        name="operations_are_paired_by_their_process",
        where="_Reading.take",
        promise=12,
        story="of two operations of one process at once, an end belongs to the wrong one",
        old='by = ("process", entry.process) if entry.operation is None else ("operation", entry.operation)',
        new='by = ("process", entry.process)',
        simulated=False,
    ),
    Mutant(
        name="what_is_recorded_at_once_is_concurrent",
        where="Recorder.tick",
        promise=12,
        story="operations that follow each other while the clock stands still count as concurrent",
        new="return self._now()",
        simulated=False,
    ),
    Mutant(
        name="staleness_counts_what_was_not_acknowledged",
        where="staleness.staleness",
        promise=12,
        story="a stale get is behind by writes that were acknowledged after it began",
        old="while passed < len(written) and written[passed][0] < read.start:",
        new="while passed < len(written):",
        simulated=False,
    ),
    Mutant(
        name="a_counter_example_that_is_none",
        where="shrink._without",
        promise=12,
        story="a counter-example is shrunk to gets without the puts that they read, which would be wrong in any history",
        old="if not (operation.kind is Kind.GET and operation.value in unwritten)\n        and (id(operation)",
        new="if (id(operation)",
        simulated=False,
    ),
)
