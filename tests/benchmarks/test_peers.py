"""What ``benchmarks/peers.py`` says of the rounds that it measured, and what it leaves alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from contenders.bars import BARS, Reached, reached
from contenders.cases import BATCH, KEY_BYTES, VALUE_BYTES, batches, items
from contenders.hiding import hide
from contenders.report import memory_ratio, missed, report, with_tables
from contenders.results import Results
from contenders.roster import CONTENDERS


def _line(contender: str, case: str, number: int, rate: float) -> dict[str, object]:
    times = {"seconds": 1.0, "client_seconds": 0.5, "server_seconds": 0.25}
    return {"round": number, "contender": contender, "case": case, "operations": rate, **times}


def _rounds(case: str, **rates: list[float]) -> Results:
    lines = [
        _line(name.replace("_", "-"), case, number, rate)
        for name, each in rates.items()
        for number, rate in enumerate(each)
    ]
    return Results({"machine": "one of two cores"}, lines)


def _of(results: Results, ours: str) -> Reached:
    return next(one for one in reached(results) if one.bar.ours == ours)


def test_a_bar_is_measured_against_the_faster_of_the_peers_event_loops_by_medians() -> None:
    results = _rounds(
        "put-64",
        kvtui_uvloop_1=[90_000.0, 10_000.0, 110_000.0],
        redis_py_asyncio=[5_000.0, 6_000.0, 50_000.0],
        redis_py_uvloop=[10_000.0, 1_000.0, 9_000.0],
    )
    found = _of(results, "kvtui-uvloop-1")
    assert found.best == "redis-py-uvloop"
    assert found.ratio == pytest.approx(10.0)
    assert found.met
    assert [found.rounds.least, found.rounds.greatest] == pytest.approx([9.0, 110 / 9])


def test_a_bar_that_is_missed_by_little_is_missed_and_said_so() -> None:
    results = _rounds("put-64", kvtui_uvloop_1=[99_900.0], redis_py_asyncio=[10_000.0])
    assert not _of(results, "kvtui-uvloop-1").met
    assert missed(results) == [
        "put, 64 tasks, kvtui, uvloop, memory, N=1: 9.99 x redis-py, asyncio, valkey, at least 10"
    ]
    assert "| **no** |" in report(results)


def test_a_bar_of_which_one_side_was_not_measured_is_left_out() -> None:
    assert reached(_rounds("put-64", kvtui_uvloop_1=[1.0])) == []
    assert reached(_rounds("put-64", redis_py_asyncio=[1.0])) == []


def test_memory_is_compared_with_what_the_server_says_that_it_uses() -> None:
    lines = [
        {"round": 0, "contender": "kvtui-uvloop-1", "case": "memory", "keys": 10, "resident": 300.0},
        {"round": 0, "contender": "redis-py-uvloop", "case": "memory", "keys": 10, "resident": 100.0, "used": 150.0},
    ]
    results = Results({}, lines)
    assert memory_ratio(results) == pytest.approx(2.0)
    assert missed(results) == ["memory a key: 2.00, at most 1.7"]


def test_bars_name_contenders_and_cases_that_these_are_measured_with() -> None:
    for bar in BARS:
        assert bar.case in CONTENDERS[bar.ours].cases
        assert all(bar.their_case in CONTENDERS[name].cases for name in (*bar.theirs, *bar.stronger))


def test_tables_take_the_place_of_those_before_and_the_words_around_them_stay() -> None:
    once = with_tables("# Title\n\n<!-- measured -->\n<!-- /measured -->\n\n## After\n", "old")
    again = with_tables(once, "new")
    assert again == "# Title\n\n<!-- measured -->\n\nnew\n<!-- /measured -->\n\n## After\n"


def test_keys_and_values_have_the_sizes_that_the_tables_state() -> None:
    of = items(keys=2 * BATCH)
    assert len({key for key, _ in of}) == 2 * BATCH
    assert {(len(key), len(value)) for key, value in of} == {(KEY_BYTES, VALUE_BYTES)}
    endless = batches(of)
    assert [len(next(endless)) for _ in range(3)] == [BATCH] * 3


def test_a_hidden_package_is_absent_from_processes_started_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    hide(["uvloop"], tmp_path / "hidden")
    script = "import json\ntry: import uvloop\nexcept ImportError: print('absent')"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    assert said.stdout == "absent\n"
