"""Scenarios of the checker: small histories, right and wrong ones."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from kvtui.check import History, Kind, Operation, Outcome, Recorder, Verdict, check, read_history, write_history
from kvtui.check.search import decide_by_search
from kvtui.check.staleness import staleness
from kvtui.check.versions import contradiction
from kvtui.check.zones import decide_by_zones

OK, FAILED, UNKNOWN = Outcome.OK, Outcome.FAILED, Outcome.UNKNOWN


def _put(
    value: str, start: float, end: float | None, outcome: Outcome = OK, version: tuple[int, int] | None = None
) -> Operation:
    return Operation(1, Kind.PUT, "k", value, start, end, outcome, version)


def _get(
    value: str | None, start: float, end: float, version: tuple[int, int] | None = None, stale: bool = False
) -> Operation:
    return Operation(2, Kind.GET, "k", value, start, end, OK, version, stale)


def _delete(start: float, end: float | None, outcome: Outcome = OK) -> Operation:
    return Operation(3, Kind.DELETE, "k", None, start, end, outcome)


def _is(verdict: Verdict, operations: Sequence[Operation]) -> None:
    assert check(operations).verdict is verdict, check(operations).lines()


def an_unknown_put_that_was_read_needs_no_moment() -> None:
    """It is read while it may take effect: from then on the key is there."""
    history = [_put("a", 0, None, UNKNOWN), _get("a", 1, 4), _get(None, 5, 6)]
    assert decide_by_zones(history).verdict is Verdict.VIOLATED
    assert decide_by_search(history).verdict is Verdict.VIOLATED


def an_unknown_write_has_ended() -> None:
    _is(Verdict.LINEARIZABLE, [_put("a", 0, 1, UNKNOWN), _get(None, 2, 3), _get("a", 4, 5), _get("a", 6, 7)])


def zones_that_overlap_by_a_little_are_fine() -> None:
    history = [_put("a", 0, 1), _put("b", 2, 3), _get("a", 4, 5), _get("b", 6, 7)]
    assert decide_by_zones(history).verdict is Verdict.VIOLATED


def a_put_inside_another_zone_is_cut_out_of_it() -> None:
    history = [_put("a", 0, 1), _put("b", 2, 3), _get("a", 4, 5), _get("a", 6, 7)]
    assert decide_by_zones(history).verdict is Verdict.VIOLATED


def the_search_passes_ends() -> None:
    history = [_put("a", 0, 1), _put("b", 2, 3), _get("a", 4, 5)]
    assert decide_by_search(history).verdict is Verdict.VIOLATED


def the_search_remembers_less() -> None:
    """Both puts are placed, and led nowhere in one order."""
    history = [_put("a", 0, 3), _put("b", 1, 3), _get("a", 4, 5), _put("a", 6, 9), _put("b", 7, 9), _get("b", 10, 11)]
    assert decide_by_search(history).verdict is Verdict.LINEARIZABLE
    turned = [_put("b", 0, 3), _put("a", 1, 3), _get("b", 4, 5)]
    assert decide_by_search(turned).verdict is Verdict.LINEARIZABLE


def a_read_may_name_any_version() -> None:
    history = [_put("a", 0, 1, version=(1, 1)), _put("b", 0, 1, version=(1, 2)), _get("a", 2, 3, version=(1, 2))]
    _is(Verdict.VIOLATED, history)


def two_writes_may_share_a_version() -> None:
    _is(Verdict.VIOLATED, [_put("a", 0, 1, version=(1, 1)), _put("b", 2, 3, version=(1, 1))])


def versions_may_run_against_time() -> None:
    history = [_put("a", 0, 1, version=(1, 3)), _put("b", 0, 9, version=(1, 2)), _put("c", 5, 6, version=(1, 1))]
    assert contradiction(history) is not None


def a_stale_get_may_return_what_failed() -> None:
    _is(Verdict.VIOLATED, [_put("a", 0, 1, FAILED), _get("a", 2, 3, stale=True)])


def undecided_is_a_pass() -> None:
    twice = [_put("a", 0, 1), _put("a", 2, 3), _get("a", 4, 5)]
    assert check(twice, limit=0).verdict is Verdict.UNDECIDED


def unknown_writes_have_ended_by_version() -> None:
    history = [
        _put("a", 0, 1, UNKNOWN, version=(1, 2)),
        _put("b", 2, 3, version=(1, 1)),
        _get("b", 4, 5, version=(1, 1)),
        _get("a", 6, 7, version=(1, 2)),
    ]
    _is(Verdict.LINEARIZABLE, history)


def operations_are_paired_by_their_process() -> None:
    one, other = _put("a", 0, 3), _put("b", 1, 2)
    with TemporaryDirectory() as directory:
        path = Path(directory) / "history"
        write_history(path, [one, other])
        assert read_history(path).operations == (one, other)


def what_is_recorded_at_once_is_concurrent() -> None:
    recorder = Recorder(lambda: 1.0)
    for value in "ab":
        recorder.begin(1, Kind.PUT, "k", value).end(OK)
    recorder.begin(1, Kind.GET, "k").end(OK, "a")
    assert check(recorder.history()).verdict is Verdict.VIOLATED


def staleness_counts_what_was_not_acknowledged() -> None:
    history = [
        _put("a", 0, 1, version=(1, 1)),
        _get("a", 2, 3, version=(1, 1), stale=True),
        _put("b", 4, 5, version=(1, 2)),
    ]
    assert staleness(history).behind == 0


def a_counter_example_that_is_none() -> None:
    """What is shown is wrong by itself, and not for want of a put."""
    history = [_put("a", 0, 1), _put("b", 2, 3), _get("a", 4, 5), *(_get("b", n, n + 0.5) for n in range(6, 20))]
    (violation,) = check(History(tuple(history))).violations
    written = {op.value for op in violation.operations if op.kind is Kind.PUT}
    assert all(op.value in written for op in violation.operations if op.kind is Kind.GET and op.value is not None)
