"""bench: what it asks for, refuses, tells and saves."""

import os
import sys
from pathlib import Path

import anyio
import pytest

from kvtui.bench.compare import compare
from kvtui.bench.result import RESULT_BYTES, decode, encode
from kvtui.bench.view import BenchView, Phase
from kvtui.bench.wording import comparison_lines, result_lines
from kvtui.bench.workloads import WORKLOADS, Asked, Keys
from kvtui.commands import CommandError, Context, Level, Line, Names, complete, parse, run
from kvtui.commands.bench import asked_for
from kvtui.commands.measuring import read_result
from kvtui.core.cluster import Outcome, Read
from kvtui.core.version import Version
from tests.bench import runs
from tests.commands.person import Opened
from tests.widgets import frozen

pytestmark = pytest.mark.anyio


def asked(line: str) -> Asked:
    invocation = parse(line)
    assert invocation is not None
    return asked_for(invocation)


def test_what_a_line_asks_for() -> None:
    assert asked("bench") == Asked()
    assert asked("bench D").keys is Keys.LATEST
    assert asked("bench d keys=uniform records=50 size=1 clients=2 ops=9 rate=7 --keep") == Asked(
        WORKLOADS["D"], Keys.UNIFORM, 50, 1, 2, operations=9, rate=7, keep=True
    )
    assert asked("bench RECORDS=50 b") == Asked(WORKLOADS["B"], records=50)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bench g", "workload: a or b or c or d or e or f"),
        ("bench size=x", "size: a whole number from 1"),
        ("bench size=", "size: a whole number from 1"),
        ("bench clients=0", "clients: a whole number from 1"),
        ("bench keys=hot", "keys: zipfian or uniform or latest"),
        ("bench tasks=5", 'no setting "tasks", only records, size, clients'),
        ("bench size=1 size=2", "size: given twice"),
        ("bench a b", "after its arguments come settings"),
        ("bench save=", "save: the name of a file"),
        ('bench "save=my results', "never closed"),
        ("bench clients=5000", "clients: 4,096 at most, not 5,000"),
        ("bench seconds=5 ops=5", "give one of them"),
    ],
)
def test_what_can_not_be_asked_for_is_told_in_one_line(line: str, words: str) -> None:
    with pytest.raises(CommandError) as refusal:
        asked(line)
    assert words in refusal.value.text
    assert "\n" not in refusal.value.text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("bench ", ["bench a ", "bench b "]),
        ("bench a re", ["bench a records="]),
        ("bench a records=5 r", ["bench a records=5 rate="]),
        ("bench keys=z", ["bench keys=zipfian"]),
        ("bench a b", []),
        ("bench a --", ["bench a --keep"]),
        ("bench s", ["bench size=", "bench seconds=", "bench save="]),
        ("put key s", []),
    ],
)
def test_settings_and_their_values_are_completed(text: str, lines: list[str]) -> None:
    found = [line.rstrip() for line in complete(text, Names())]
    assert found[: len(lines)] == [line.rstrip() for line in lines]
    assert bool(found) == bool(lines)


def test_files_are_completed_behind_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "before.json").touch()
    (tmp_path / "my run.json").touch()
    assert complete("bench against=b", Names()) == ["bench against=before.json"]
    assert complete("bench against=m", Names()) == ['bench "against=my run.json"']
    invocation = parse('bench "against=my run.json" ops=5')
    assert invocation is not None
    assert invocation.values == {"against": "my run.json", "ops": "5"}


async def test_a_run_tells_what_it_found_and_can_be_compared_with_the_next(opened: Opened, tmp_path: Path) -> None:
    saved = tmp_path / "first run.json"
    async with opened(nodes=2, replication=2) as person:
        lines = await person.types(f'bench f records=50 clients=4 ops=200 "save={saved}"')
        assert lines[0].startswith("Workload F (50 % read, 50 % modify): ")
        assert any("200 operations in" in line and "0 failed, 0 unknown" in line for line in lines)
        assert any("every acknowledged write on 2 nodes" in line for line in lines)
        assert any("N=2 W=1, in memory, strict reads, balanced ring of 2 nodes" in line for line in lines)
        assert any("expected to ask every" in line for line in lines)
        assert any(line.startswith("  node n2: ") for line in lines)
        assert lines[-1] == f"Saved as {saved}"
        assert person.bars[-1] == ("", 0, 0)
        assert await person.types("keys") == ["No keys"]
        again = await person.types(f'bench f records=50 clients=2 ops=200 rate=5000 "against={saved}"')
        assert any(line.startswith("Against the run of 20") for line in again)
        assert "  not the same: clients 2, was 4; rate 5,000, was none" in again
    assert decode(saved.read_bytes()).whole.ends.ok == 200


async def test_only_one_runs_at_a_time_and_one_can_be_interrupted(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        said: list[Line] = []
        begun = anyio.Event()

        def measured(view: BenchView, _stop: object) -> None:
            if view.phase is Phase.RUNNING:
                begun.set()

        async def first(scope: anyio.CancelScope) -> None:
            invocation = parse("bench seconds=600 clients=2 records=10")
            assert invocation is not None
            with scope:
                await run(invocation, Context(person.cluster, said.append, measured=measured))

        scope = anyio.CancelScope()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first, scope)
            await begun.wait()
            (refused,) = await person.fails("bench ops=1")
            assert "a bench runs already" in refused
            scope.cancel()
        assert said == []
        assert await person.types("keys") == ["No keys"]
        await person.types("bench ops=10 records=10 clients=1")


async def test_one_that_is_stopped_before_it_measured_anything_has_no_result(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        said: list[Line] = []
        invocation = parse("bench records=20 size=10")
        assert invocation is not None
        context = Context(person.cluster, said.append, measured=lambda _, stop: stop())
        assert not await run(invocation, context)
        assert [line.text for line in said] == ["bench: stopped before anything was measured"]
        assert await person.types("keys") == ["No keys"]


async def test_what_goes_wrong_is_a_failed_command() -> None:
    class Refusing(frozen.FrozenCluster):
        async def get(self, key: bytes) -> Read:
            return Read(Outcome.UNKNOWN, None, Version(1, 1), text="silent")

    said: list[Line] = []
    invocation = parse("bench c records=10 clients=2 ops=6")
    assert invocation is not None
    assert not await run(invocation, Context(Refusing(frozen.healthy()), said.append))
    assert said[0].level is Level.WARNING
    assert said[-1] == Line("bench: 6 operations did not end well", Level.BAD)


async def test_files_that_can_not_be_used_are_told_before_anything_runs(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "large.json").write_bytes(b" " * (RESULT_BYTES + 1))
    async with opened(nodes=1) as person:
        for setting, words in (
            (f"against={tmp_path}/none.json", "can't be read: No such file or directory"),
            (f"against={tmp_path}/other.json", "it is no result of kvtui bench"),
            (f"against={tmp_path}/large.json", "larger than any result"),
            ("against=/dev/null", "is not an ordinary file"),
            (f"against={tmp_path}/pipe.json", "is not an ordinary file"),
            (f"against={tmp_path}", "can't be read"),
            (f"save={tmp_path}/nowhere/x.json", "can't be written"),
            (f"save={tmp_path}", "is not an ordinary file"),
        ):
            (line,) = await person.fails(f"bench ops=1 {setting}")
            assert words in line
            assert person.bars[-1] == ("", 0, 0)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["large.json", "other.json", "pipe.json"]


async def test_without_nodes_it_says_what_to_do(opened: Opened) -> None:
    async with opened() as person:
        assert "add some first: addnode A 5001" in (await person.fails("bench"))[0]


async def test_without_the_library_of_hdr_histograms_it_measures_and_says_what_counted(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "run.json"
    saved.write_bytes(encode(runs.result()))
    monkeypatch.setitem(sys.modules, "hdrh.histogram", None)
    async with opened(nodes=1) as person:
        lines = await person.types(f"bench c records=10 clients=2 ops=50 against={saved}")
        assert "  percentiles within 0.1 % (DDSketch)" in lines
        assert any("counted percentiles within 0.1 % (DDSketch), was" in line for line in lines)
        (timed,) = (line.split() for line in lines if line.startswith("  as timed"))
        assert 0 < float(timed[3]) <= float(timed[5]) <= float(timed[7])


def test_a_result_that_was_saved_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(encode(runs.result()))
    assert read_result(str(tmp_path / "run.json")) == runs.result()


def test_a_result_in_words() -> None:
    lines = result_lines(runs.result(runs.bad(), guaranteed=runs.bad().result.guarantee))  # type: ignore[union-attr]
    assert lines[0] == "Workload A (50 % read, 50 % update): 39,742 operations/s"
    assert lines[1] == "  397,432 operations in 10.0 s; 12 failed, 3 unknown, 1 found nothing"
    assert "  read         160,015     1.21     2.34     6.81     14.2     31.6" in lines
    assert "    for a time less: 5,461 slots on 1 node only; no stale reads" in lines


def test_a_comparison_in_words() -> None:
    lines = comparison_lines(compare(runs.slower(), runs.result()))
    assert lines[0] == "Against the run of 2025-12-30T09:30:00Z:"
    assert lines[1] == "  throughput   1.25 x   37,953 → 47,442/s         better"
    assert lines[-1] == "  not the same: clients 64, was 32; copies 2, was 1"
