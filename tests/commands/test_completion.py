"""What a line may become, and the hint beside it."""

from pathlib import Path

import pytest

from kvtui.commands import COMMANDS, Names, complete, parse, usage_for
from kvtui.commands.completion import OFFERED, candidates

NAMES = Names(["A", "B", "east-1"], ["apple", "apricot", "hello world", 'say "hi"'])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("ad", ["addnode "]),
        ("AD", ["addnode "]),
        ("sho", ["show"]),
        ("st", ["stop ", "start ", "stats"]),
        ("removenode ", ["removenode A", "removenode B", "removenode east-1"]),
        ("removenode e", ["removenode east-1"]),
        ("removenode A", []),
        ("removenode A --", ["removenode A --force", "removenode A --yes"]),
        ("get ap", ["get apple", "get apricot"]),
        ("get apple", []),
        ("put ap", ["put apple ", "put apricot "]),
        ("put apple", ["put apple "]),
        ("put apple ap", []),
        ("get h", ['get "hello world"']),
        ('get "he', ['get "hello world"']),
        ("get s", [r'get "say \"hi\""']),
        ("help rem", ["help removenode"]),
        ("stats -", ["stats --all"]),
        ("setreplica ", []),
        ("reads ", ["reads strict", "reads available"]),
        ("policy c", ["policy classic "]),
        ("nonsense A", []),
        ("# ad", []),
    ],
)
def test_lines_that_the_text_may_become(text: str, lines: list[str]) -> None:
    assert complete(text, NAMES) == lines


def test_an_empty_line_may_become_any_command() -> None:
    assert [line.strip() for line in complete("", NAMES)] == [command.name for command in COMMANDS]


def test_a_completed_key_means_that_key() -> None:
    for key in NAMES.keys:
        (line,) = complete(f"get {key[:3]}", Names([], [key]))
        invocation = parse(line)
        assert invocation is not None
        assert invocation.values["key"] == key


def test_no_more_are_offered_than_a_person_can_read() -> None:
    assert len(complete("get k", Names([], [f"k{number}" for number in range(1000)]))) == OFFERED


def test_files_are_completed_with_their_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my cities.csv").touch()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "towns.jsonl").touch()
    (tmp_path / ".hidden").touch()
    assert complete("load m", NAMES) == ["load more/", "load my cities.csv"]
    assert complete("load my ci", NAMES) == ["load my cities.csv"]
    assert complete("load more/", NAMES) == ["load more/towns.jsonl"]
    assert complete("load ", NAMES) == ["load more/", "load my cities.csv"]
    assert complete(f"save {tmp_path}/m", NAMES) == [f"save {tmp_path}/more/", f"save {tmp_path}/my cities.csv"]
    assert complete("load nowhere/", NAMES) == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", ""),
        ("# note", ""),
        ("put apple 123", "put <key> <value>   Store a key-value pair"),
        ("pu", "put <key> <value>   Store a key-value pair"),
        ("st", "stop  start  stats"),
        ("pot apple", "no such command; did you mean put?"),
        ("get zw\u200bsp", 'it holds what can\'t be seen: get "zw\\u200bsp"'),
        ("xyzzy 1", "no such command; help lists them all"),
    ],
)
def test_the_hint_beside_the_bar(text: str, hint: str) -> None:
    assert usage_for(text) == hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plan remove ", ["A", "B"]),
        ("plan weight ", ["A", "B"]),
        ("plan POLICY ", ["balanced", "classic"]),
        ("plan policy c", ["classic"]),
        ("plan add ", []),
        ("plan setreplica ", []),
        ("plan remove A ", []),
    ],
)
def test_plan_offers_what_the_change_is_about(text: str, words: list[str]) -> None:
    assert [candidate.word for candidate in candidates(text, Names(nodes=["A", "B"]))] == words


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        ("plan", "plan <change> <what> [number]"),
        ("plan pol", "plan <change> <what> [number]"),
        ("plan policy c", "plan policy balanced|classic [vnodes]"),
        ("  plan setreplica", "plan setreplica <N>"),
        ("put plan policy", "put <key> <value>"),
    ],
)
def test_the_usage_gets_as_exact_as_what_is_typed(text: str, usage: str) -> None:
    assert usage_for(text).split("   ")[0] == usage
