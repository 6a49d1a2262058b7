"""Verdicts on histories that a person can follow, and how they are told."""

import random
import time
from dataclasses import replace

import pytest

from kvtui.check import Kind, Operation, Outcome, Recorder, Verdict, check, timeline
from kvtui.check.zones import decide_by_zones
from tests.check.histories import random_history

OK, FAILED, UNKNOWN = Outcome.OK, Outcome.FAILED, Outcome.UNKNOWN
Version = tuple[int, int]


def put(
    value: str, start: float, end: float | None, outcome: Outcome = OK, version: Version | None = None, process: int = 0
) -> Operation:
    return Operation(process, Kind.PUT, "k", value, start, end, outcome, version)


def delete(start: float, end: float | None, outcome: Outcome = OK, version: Version | None = None) -> Operation:
    return Operation(1, Kind.DELETE, "k", None, start, end, outcome, version)


def get(value: str | None, start: float, end: float, version: Version | None = None, stale: bool = False) -> Operation:
    return Operation(2, Kind.GET, "k", value, start, end, OK, version, stale)


RIGHT = {
    "a read of what was written": [put("1", 0, 1), get("1", 2, 3)],
    "absence before any write": [get(None, 0, 1), put("1", 2, 3)],
    "either value while a write is under way": [put("1", 0, 1), put("2", 2, 9), get("1", 3, 4), get("2", 5, 6)],
    "an unknown write that took effect": [put("1", 0, 1, UNKNOWN), get("1", 5, 6)],
    "an unknown write that took effect late": [put("1", 0, 1, UNKNOWN), get(None, 2, 3), get("1", 5, 6)],
    "an unknown write that never did": [put("1", 0, 1, UNKNOWN), get(None, 5, 6)],
    "an unknown deletion that took effect": [put("1", 0, 1), delete(2, 3, UNKNOWN), get(None, 4, 5)],
    "a deletion": [put("1", 0, 1), delete(2, 3), get(None, 4, 5), put("2", 6, 7), get("2", 8, 9)],
    "an old answer that was flagged": [put("1", 0, 1), put("2", 2, 3), get("1", 4, 5, stale=True)],
    "absence with the tombstone forgotten": [
        put("1", 0, 1, version=(1, 1)), delete(2, 3, version=(1, 2)), get(None, 9, 10, (0, 0)),
    ],
    "absence after an unknown deletion was seen, with its tombstone forgotten": [
        put("1", 0, 1, version=(1, 1)), delete(2, 3, UNKNOWN, version=(1, 2)), get(None, 4, 5, (1, 2)), get(None, 9, 10, (0, 0)),
    ],
    "a tombstone of an unknown deletion that was told no version": [
        put("1", 0, 1, version=(1, 1)), delete(2, None, UNKNOWN), get("1", 3, 4, (1, 1)), get(None, 9, 10, (1, 2)),
    ],
    "a value of an unknown put that was told no version": [
        put("1", 0, 1, version=(1, 1)), put("2", 2, None, UNKNOWN), get("2", 3, 4, (1, 2)), get("2", 9, 10, (1, 2)),
    ],
    "absence with a deletion under way, of which no version is known": [
        put("1", 0, 1, version=(1, 1)), delete(2, 9, UNKNOWN), get(None, 3, 4, (0, 0)),
    ],
    "different writes at one moment, with versions": [
        put("1", 0, 1, version=(1, 1)), delete(0, 1, version=(1, 2)), get(None, 2, 3, (1, 2)), get(None, 2, 3),
    ],
    "an old answer that was flagged, at its own version": [
        put("1", 0, 1, version=(1, 1)), put("2", 2, 3, version=(1, 2)), get("1", 4, 5, (1, 1), stale=True),
    ],
}  # fmt: skip

WRONG = {
    "an acknowledged write is lost": [put("1", 0, 1), get(None, 2, 3)],
    "a read goes back": [put("1", 0, 1), put("2", 2, 9, UNKNOWN), get("2", 3, 4), get("1", 5, 6)],
    "a deleted value comes back": [put("1", 0, 1), delete(2, 3), get("1", 4, 5)],
    "a failed write is seen": [put("1", 0, 1, FAILED), get("1", 2, 3)],
    "a value that nobody wrote": [get("1", 0, 1)],
    "a value before it was written": [get("1", 0, 1), put("1", 2, 3)],
    "an older acknowledged write wins": [put("1", 0, 1), put("2", 2, 3), get("1", 4, 5)],
    "a version below an earlier one": [put("1", 0, 1, version=(1, 2)), put("2", 2, 3, version=(1, 1))],
    "one version for two writes": [put("1", 0, 1, version=(1, 1)), put("2", 0, 1, version=(1, 1))],
    "a read at another value's version": [put("1", 0, 1, version=(1, 1)), get("2", 0, 3, (1, 1)), put("2", 0, 4)],
}

# The values alone tell nothing of these.
WRONG_BY_VERSION = {
    "a get found nothing, at a version that nobody wrote": [get(None, 0, 1, (1, 1)), put("1", 2, 3, version=(1, 2))],
    "versions run against time": [
        delete(0, 1, version=(1, 1)),
        delete(2, 3, version=(1, 2)),
        put("1", 4, 5, FAILED),
        get(None, 6, 7, (1, 1)),
    ],
    "a get found 1, and names another version than it was put at": [
        put("1", 0, 1, version=(1, 1)),
        get("1", 2, 3, (1, 2)),
    ],
    "two gets name one version, and found different things": [
        put("1", 0, 9, UNKNOWN),
        put("2", 0, 9, UNKNOWN),
        get("1", 1, 2, (1, 1)),
        get("2", 3, 4, (1, 1)),
    ],
    "a get names the version of a write that failed": [
        put("1", 0, 1, version=(1, 1)),
        delete(2, 3, version=(1, 2)),
        delete(4, 5, FAILED, (1, 3)),
        get(None, 6, 7, (1, 3)),
    ],
    "a get found a value at the version of what was never written": [
        put("1", 0, 1, version=(1, 1)),
        get("1", 2, 3, (0, 0)),
    ],
    "a get found nothing, and no delete is newer than what was there before": [
        delete(0, 9, UNKNOWN, (1, 1)),
        put("1", 0, 1, version=(1, 2)),
        get("1", 2, 3, (1, 2)),
        get(None, 4, 5, (0, 0)),
    ],
    "a read names a version that something else was written at": [
        put("1", 0, 1, version=(1, 1)),
        put("2", 0, 1, version=(1, 2)),
        get("1", 2, 3, (1, 2), stale=True),
    ],
}


def test_a_counter_example_shows_what_it_is_a_counter_example_of() -> None:
    report = check(
        [
            put("1", 0, 1, version=(1, 7)),
            put("2", 0.5, 2, version=(1, 8)),
            get("1", 3, 4, (1, 7)),
        ]
    )
    (violation,) = report.violations
    assert violation.reason == "versions run against time"
    assert [(op.kind, op.value) for op in violation.operations] == [(Kind.PUT, "1"), (Kind.PUT, "2"), (Kind.GET, "1")]


@pytest.mark.parametrize("operations", RIGHT.values(), ids=RIGHT.keys())
def test_what_a_register_may_do_is_linearizable(operations: list[Operation]) -> None:
    assert check(operations).verdict is Verdict.LINEARIZABLE


@pytest.mark.parametrize("operations", WRONG.values(), ids=WRONG.keys())
def test_what_it_may_not_do_is_a_violation_with_its_reason(operations: list[Operation]) -> None:
    report = check(operations)
    assert report.verdict is Verdict.VIOLATED
    assert report.violations[0].key == "k"
    assert report.violations[0].reason


@pytest.mark.parametrize(("reason", "operations"), WRONG_BY_VERSION.items(), ids=WRONG_BY_VERSION.keys())
def test_versions_tell_what_values_do_not(reason: str, operations: list[Operation]) -> None:
    """Each was passed: a key's versions were not looked at once one of its acknowledged operations had none, among others."""
    assert check(operations).violations[0].reason == reason
    without = [replace(operation, version=None) for operation in operations]
    assert check(without).verdict is Verdict.LINEARIZABLE


@pytest.mark.parametrize(("reason", "operations"), WRONG_BY_VERSION.items(), ids=WRONG_BY_VERSION.keys())
def test_a_write_without_a_version_switches_nothing_off(reason: str, operations: list[Operation]) -> None:
    later = [put("late", 100, 101), get("late", 102, 103), put("later", 104, 105)]
    assert check([*operations, *later]).violations[0].reason == reason


def test_keys_are_judged_apart() -> None:
    lost = [put("1", 0, 1), get(None, 2, 3)]
    fine = [replace(operation, key="other") for operation in RIGHT["a deletion"]]
    report = check([*lost, *fine])
    assert (report.keys, report.operations) == (2, 7)
    assert [violation.key for violation in report.violations] == ["k"]


def test_a_counter_example_holds_only_what_it_needs() -> None:
    dice = random.Random(5)
    long = random_history(dice, deletes=False, versions=False, operations=60)
    late = max(operation.end or 0.0 for operation in long) + 20
    broken = [*long, put("kept", late, late + 1), get("kept", late + 2, late + 3), get(None, late + 4, late + 5)]
    report = check(broken)
    assert report.verdict is Verdict.VIOLATED
    shown = report.violations[0].operations
    assert len(shown) <= 4
    assert shown[-1] == broken[-1]


def test_what_is_not_decided_is_no_pass() -> None:
    twice = [put("same", 0, 100), put("same", 0, 100)]
    crowd = [put(f"{number}", 0, 100) for number in range(12)]
    reads = [get(f"{number}", 0, 100) for number in range(12)]
    report = check([*twice, *crowd, *reads, get("1", 200, 201), get("2", 202, 203)], limit=50)
    assert (report.verdict, report.undecided) == (Verdict.UNDECIDED, ("k",))
    assert "undecided" in report.lines()[-1]


def test_flagged_reads_are_measured_by_what_they_miss() -> None:
    writes = [put(f"{n}", n, n + 0.5, version=(1, n + 1)) for n in range(4)]
    reads = [get("0", 10.0, 11, (1, 1), stale=True), get("3", 10, 11, (1, 4), stale=True)]
    old = check([*writes, *reads]).staleness
    assert (old.reads, old.behind, old.versions) == (2, 1, 3)
    assert old.milliseconds == pytest.approx(8500)


def test_a_hundred_thousand_operations_take_about_a_second() -> None:
    dice = random.Random(3)
    with_versions = random_history(dice, deletes=True, versions=True, operations=50_000)
    without = [
        replace(operation, key="w")
        for operation in random_history(dice, deletes=False, versions=False, operations=50_000)
    ]
    began = time.perf_counter()
    report = check([*with_versions, *without])
    took = time.perf_counter() - began
    print(f"100,000 operations: {took:.2f} s")
    assert report.verdict is Verdict.LINEARIZABLE
    assert took < 8.0, "far beyond what noise on a busy machine explains"


def test_a_recorder_keeps_what_never_returned_as_unknown() -> None:
    times = iter([1.0, 2.0, 3.0, 4.0])
    recorder = Recorder(lambda: next(times))
    written = recorder.begin(1, Kind.PUT, "k", "v")
    recorder.begin(2, Kind.GET, "k")
    recorder.event("node B killed")
    written.end(Outcome.OK, version=(1, 9))
    history = recorder.history()
    assert history.operations == (
        Operation(1, Kind.PUT, "k", "v", 1.0, 4.0, Outcome.OK, (1, 9)),
        Operation(2, Kind.GET, "k", None, 2.0, None, Outcome.UNKNOWN),
    )
    assert history.events == ((3.0, "node B killed"),)


def test_a_timeline_shows_what_overlaps_and_what_never_ended() -> None:
    lines = timeline(
        [put("1", 0, 1, version=(1, 1)), put("2", 0.5, None, UNKNOWN, process=10), get(None, 2, 3)], width=60
    )
    assert all(len(line) <= 60 for line in lines)
    rows = {line.split()[1]: line for line in lines[1:]}
    assert "put 1" in rows["p0"]
    assert rows["p10"].rstrip().endswith("···")
    assert rows["p2"].index("├") > rows["p0"].index("┤")


def test_a_violation_drives_no_terminal_and_takes_no_text_for_another() -> None:
    asked = [
        put("a\x1b[2J", 0, 1),
        get("a\x1b[2J", 2, 3),
        put("nothing", 4, 5),
        get("a\x1b[2J", 6, 7),
        get("nothing", 8, 9),
    ]
    (broken,) = check([replace(operation, key="k\n") for operation in asked]).violations
    told = "\n".join(broken.lines(100))
    assert told.startswith(r'key "k\n": ')
    assert r'get -> "a\x1b[2J"' in told
    assert "\x1b" not in told
    assert " nothing " not in told.replace("found nothing", "")


# What a person is told of a violation: the reason, and the operations that show it and no others.
TOLD: dict[str, tuple[list[Operation], list[int]]] = {
    "both 1 and 2 must have been the value at the same time": (
        [put("1", 0, 1), put("2", 0, 1), get("1", 2, 3), get("2", 4, 5), get("1", 6, 7), get("2", 8, 9)], [0, 1, 4, 5],
    ),
    "a get found nothing while 1 must have been the value all the time": (
        [put("1", 0, 1), get("1", 2, 3), get(None, 4, 5), get("1", 6, 7)], [0, 3, 2],
    ),
    "2 was the value while 1 must have been the value all the time": (
        [put("1", 0, 1), get("1", 2, 3), put("2", 4, 5), get("1", 6, 7)], [0, 3, 2],
    ),
    "a delete took effect while 1 must have been the value all the time": (
        [put("1", 0, 1), get("1", 2, 3), delete(4, 5), get("1", 6, 7)], [0, 3, 2],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "operations", "named"), [(why, *rest) for why, rest in TOLD.items()], ids=list(TOLD)
)
def test_a_violation_names_the_operations_that_show_it(
    reason: str, operations: list[Operation], named: list[int]
) -> None:
    finding = decide_by_zones(operations)
    assert finding.reason == reason
    assert {id(each) for each in finding.operations} == {id(operations[number]) for number in named}


@pytest.mark.parametrize(
    ("reason", "operations", "named"),
    [
        ("a get returned 1, which no put can have written", [put("1", 0, 1, FAILED), get("1", 2, 3)], [1]),
        ("a get returned 1 before its put began", [get("1", 0, 1), put("1", 2, 3)], [0, 1]),
        (
            "a get found nothing, and no delete can have come between it and the last put",
            [put("1", 0, 1), get(None, 2, 3)],
            [1],
        ),
    ],
)
def test_what_no_order_explains_is_told_by_the_get_that_shows_it(
    reason: str, operations: list[Operation], named: list[int]
) -> None:
    finding = decide_by_zones(operations)
    assert finding.reason == reason
    assert {id(each) for each in finding.operations} == {id(operations[number]) for number in named}
