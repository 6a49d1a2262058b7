"""Two results: better, worse, or within noise."""

from dataclasses import replace

import msgspec
import pytest

from kvtui.bench.compare import SECONDS_LEAST, Verdict, compare, middle
from kvtui.bench.result import Result
from kvtui.bench.view import Second
from tests.bench import runs


def verdicts(before: Result, after: Result) -> dict[str, Verdict]:
    return {change.name: change.verdict for change in compare(before, after).changes}


def measured(*rates: float, p50: float = 1.0, p99: float = 9.0) -> Result:
    return msgspec.structs.replace(runs.result(), seconds=[Second(rate, 0, p50, p99, p99) for rate in rates])


def test_the_same_twice_is_within_noise() -> None:
    comparison = compare(runs.result(), runs.result())
    assert [change.ratio for change in comparison.changes] == [1.0] * 5
    assert verdicts(runs.result(), runs.result()) == {
        "throughput": Verdict.SAME,
        "p50": Verdict.SAME,
        "p99": Verdict.SAME,
        "p99.9": Verdict.UNKNOWN,
        "CPU": Verdict.UNKNOWN,
    }
    assert comparison.differences == ()


def test_more_throughput_and_less_latency_are_better() -> None:
    slow = measured(100, 101, 99, 100, p50=2.0, p99=8.0)
    fast = measured(120, 121, 119, 120, p50=1.0, p99=9.0)
    assert verdicts(slow, fast) == verdicts(slow, fast) | {
        "throughput": Verdict.BETTER,
        "p50": Verdict.BETTER,
        "p99": Verdict.WORSE,
    }
    assert verdicts(fast, slow)["throughput"] is Verdict.WORSE


def test_what_wavers_as_much_as_it_changes_is_within_noise() -> None:
    assert verdicts(measured(80, 90, 110, 120), measured(88, 98, 121, 132))["throughput"] is Verdict.SAME


def test_one_bad_second_of_ten_is_no_spread() -> None:
    assert middle([100, 101, 102, 3, 104, 103, 102, 101, 100]) == (100, 102)


def test_too_few_seconds_have_no_verdict() -> None:
    rates = [100.0] * (SECONDS_LEAST - 1)
    assert verdicts(measured(*rates), measured(*[1.0] * 10))["throughput"] is Verdict.UNKNOWN


def test_as_many_operations_as_were_asked_for_are_no_achievement() -> None:
    paced = runs.result(replace(runs.ENDED, asked=replace(runs.ASKED, rate=1_000)))
    assert verdicts(paced, runs.result())["throughput"] is Verdict.UNKNOWN


def test_it_says_what_was_not_the_same() -> None:
    assert compare(runs.slower(), runs.result()).differences == ("clients 64, was 32", "copies 2, was 1")
    other = msgspec.structs.replace(runs.MACHINE, loop="asyncio")
    durable = msgspec.structs.replace(runs.GUARANTEED, durable=False)
    result = msgspec.structs.replace(runs.result(), machine=other, guarantee=durable, kvtui="0.2.0")
    assert compare(runs.result(), result).differences == (
        "durable no, was yes",
        "loop asyncio, was uvloop",
        "kvtui 0.2.0, was 0.1.0",
    )


def test_a_figure_that_was_nothing_has_no_ratio() -> None:
    nothing = msgspec.structs.replace(runs.result(), cpu=0.0)
    (cpu,) = [change for change in compare(nothing, runs.result()).changes if change.name == "CPU"]
    assert cpu.ratio == 0.0


@pytest.mark.parametrize("values", [[5.0], [5.0, 6.0], [1.0, 2.0, 3.0, 4.0]])
def test_the_middle_of_few_values(values: list[float]) -> None:
    low, high = middle(values)
    assert low <= high
    assert {low, high} <= set(values)
