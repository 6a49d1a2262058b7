"""Histories as files: what is written can be read, and what is no history is told in one line."""

import json
import os
from pathlib import Path

import pytest

from kvtui.check import History, HistoryError, Kind, Operation, Outcome, read_history, write_history

HISTORY = History(
    (
        Operation(1, Kind.PUT, "a", "1", 0.5, 1.25, Outcome.OK, (1, 7)),
        Operation(2, Kind.GET, "a", "1", 0.75, 2.0, Outcome.OK, (1, 7), stale=True, note="from B"),
        Operation(1, Kind.DELETE, "ä", None, 1.5, 3.0, Outcome.UNKNOWN),
        Operation(3, Kind.PUT, "a", "2", 1.75, None, Outcome.UNKNOWN),
        Operation(2, Kind.GET, "b", None, 2.5, 2.75, Outcome.FAILED),
    ),
    ((1.0, "B is DOWN"),),
)


def test_a_history_survives_its_file(tmp_path: Path) -> None:
    write_history(tmp_path / "h.jsonl", HISTORY)
    assert read_history(tmp_path / "h.jsonl") == HISTORY


def test_its_lines_are_as_jepsens_are(tmp_path: Path) -> None:
    write_history(tmp_path / "h.jsonl", HISTORY)
    lines = [json.loads(line) for line in (tmp_path / "h.jsonl").read_text().splitlines()]
    first = {"process": 1, "type": "invoke", "f": "put", "key": "a", "value": "1", "time": 500_000_000}
    assert first.items() <= lines[0].items()
    assert [line["type"] for line in lines if line["process"] == 2] == ["invoke", "ok", "invoke", "fail"]
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)


GOOD = '{"process": 1, "type": "invoke", "f": "get", "key": "a", "time": 1}\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1: not JSON"),
        pytest.param(GOOD + '{"more": ' + "[" * 100_000, "line 2: nested too deeply", id="too deep"),
        (GOOD + "[]\n", "line 2"),
        (GOOD + GOOD, "line 2: process 1 begins again before it has ended"),
        (
            '{"process": 1, "type": "ok", "f": "get", "key": "a", "time": 1}',
            "line 1: process 1 ends without having begun",
        ),
        (
            GOOD + '{"process": 1, "type": "ok", "f": "put", "key": "a", "time": 1}',
            "line 2: an operation began as get of a",
        ),
        (
            GOOD + '{"process": 1, "type": "maybe", "f": "get", "key": "a", "time": 1}',
            "line 2: Invalid enum value 'maybe'",
        ),
        (
            '{"process": 1, "type": "invoke", "f": "swap", "key": "a", "time": 1}',
            "line 1: f is put, get or delete; this is swap",
        ),
        ('{"process": 1, "type": "invoke", "f": "get", "time": 1}', "line 1: an entry of a client needs a key"),
    ],
)
def test_what_is_no_history_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(text)
    with pytest.raises(HistoryError) as raised:
        read_history(path)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_pipe_is_refused_as_it_could_keep_its_reader_waiting_for_ever(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe.jsonl")
    with pytest.raises(HistoryError, match="a pipe, not an ordinary file"):
        read_history(pipe)
