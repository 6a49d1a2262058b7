"""What lost tails excuse: a key that went back has another history from then on, and nothing else has."""

from kvtui.check import History, Kind, Operation, Outcome, Recorder, Verdict, check
from kvtui.core.version import NEVER, Version
from tests.simulation.harness import SimCluster
from tests.simulation.tails import Gap, State, Tails

OLD, NEW = Version(1, 1), Version(1, 2)
BACK = Gap(5.0, (State("old", OLD),))


def put(value: str, start: float, end: float, version: Version | None, key: str = "k") -> Operation:
    return Operation(1, Kind.PUT, key, value, start, end, Outcome.OK, version)


def get(value: str | None, start: float, version: Version, key: str = "k", *, stale: bool = False) -> Operation:
    return Operation(2, Kind.GET, key, value, start, start + 0.5, Outcome.OK, version, stale)


WRITES = (put("old", 1, 2, OLD), put("new", 3, 4, NEW))


def verdict(*operations: Operation, gap: Gap | None = BACK) -> Verdict:
    """Of a history in which ``k`` went back."""
    tails = Tails(SimCluster(), Recorder(lambda: 0.0))
    if gap is not None:
        tails.gaps[b"k"] = [gap]
    return check(History(tails.split(operations))).verdict


def test_a_key_that_went_back_is_read_as_it_was_from_then_on() -> None:
    assert verdict(*WRITES, get("old", 6, OLD)) is Verdict.LINEARIZABLE
    assert verdict(*WRITES, get("old", 6, OLD), gap=None) is not Verdict.LINEARIZABLE


def test_before_that_it_is_not_excused() -> None:
    assert verdict(*WRITES, get("old", 4.2, OLD), get("old", 6, OLD)) is not Verdict.LINEARIZABLE


def test_nor_are_other_keys() -> None:
    others = (put("old", 1, 2, OLD, "other"), put("new", 3, 4, NEW, "other"), get("old", 6, OLD, "other"))
    assert verdict(*WRITES, *others) is not Verdict.LINEARIZABLE


def test_it_went_back_to_what_is_left_and_no_further() -> None:
    assert verdict(*WRITES, get(None, 6, NEVER)) is not Verdict.LINEARIZABLE
    assert verdict(*WRITES, get("new", 6, NEW)) is not Verdict.LINEARIZABLE
    assert verdict(*WRITES, get(None, 6, NEVER), gap=Gap(5.0, (State(None, NEVER),))) is Verdict.LINEARIZABLE


def test_what_is_written_since_must_stay() -> None:
    later = put("later", 7, 8, Version(2, 1))
    assert verdict(*WRITES, later, get("later", 9, Version(2, 1))) is Verdict.LINEARIZABLE
    assert verdict(*WRITES, later, get("old", 9, OLD)) is not Verdict.LINEARIZABLE


def test_a_write_that_was_under_way_then_may_be_on_either_side_and_a_read_proves_nothing() -> None:
    across = put("across", 4.5, 6, Version(1, 3))
    assert verdict(*WRITES, across, get("across", 7, Version(1, 3))) is Verdict.LINEARIZABLE
    assert verdict(*WRITES, get("new", 4.8, NEW), get("old", 6, OLD)) is Verdict.LINEARIZABLE
