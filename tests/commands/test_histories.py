"""history: what happened goes to a file, and such a file can be checked."""

import subprocess
import sys
from pathlib import Path

import pytest

from kvtui.check import Kind, Outcome, Verdict, check, read_history
from kvtui.commands import histories
from kvtui.core.opening import Settings, open_cluster
from tests.commands.person import Opened, Person

pytestmark = pytest.mark.anyio


async def test_what_happens_is_recorded_until_stop_and_is_linearizable(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    async with opened(nodes=2, replication=2) as person:
        await person.types("put apple old")
        await person.types("put pear old")
        await person.types("del pear")
        assert await person.types(f"history record {file}") == [
            f"Recording every put, get and del into {file}; end with: history stop"
        ]
        await person.types("get apple")
        await person.types("put apple new")
        await person.types("get apple")
        await person.types("del apple")
        await person.types("get apple")
        await person.cluster.put_many([(b"many", b"1")])
        await person.cluster.get_many([b"many"])
        await person.types("get pear")
        await person.types("slow n2 1")
        (line,) = await person.types("history stop")
        # Eight, and the put and the delete of what was there before.
        assert line == f"Recorded 10 operations in {file}"
        await person.types("get apple")
    history = read_history(file)
    assert [(op.kind, op.value) for op in history.operations if op.process] == [
        (Kind.GET, "old"),
        (Kind.PUT, "new"),
        (Kind.GET, "new"),
        (Kind.DELETE, None),
        (Kind.GET, None),
        (Kind.PUT, "1"),
        (Kind.GET, "1"),
        (Kind.GET, None),
    ]
    assert all(op.outcome is Outcome.OK for op in history.operations)
    assert all(op.version is not None for op in history.operations)
    assert any("n2" in text for _, text in history.events)
    assert check(history).verdict is Verdict.LINEARIZABLE


async def test_a_file_is_checked_and_a_violation_is_drawn(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    lines = [
        '{"type":"invoke","process":1,"f":"put","key":"k","value":"1","time":1}',
        '{"type":"ok","process":1,"f":"put","key":"k","value":"1","time":2}',
        '{"type":"invoke","process":1,"f":"get","key":"k","time":3}',
        '{"type":"ok","process":1,"f":"get","key":"k","time":4}',
    ]
    file.write_text("\n".join(lines))
    async with opened() as person:
        said = await person.fails(f"history check {file}")
        assert said[0] == "Checked 2 operations on 1 key: VIOLATED"
        assert any("get -> nothing" in line for line in said)
        file.write_text("\n".join(lines[:2]))
        assert (await person.types(f"history check {file}"))[0].startswith("Checked 1 operation on 1 key: linearizable")
        file.write_text("nonsense")
        (line,) = await person.fails(f"history check {file}")
        assert f"{file}, line 1" in line


async def test_the_checker_runs_alone_too(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text('{"type":"invoke","process":1,"f":"put","key":"k","value":"1","time":1}\n')
    bad.write_text("[]\n")

    def run(*files: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kvtui.check", *map(str, files)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    done = run(good)
    assert (done.returncode, done.stdout) == (0, "linearizable: 1 operations on 1 keys\n")
    for done in (run(bad), run(tmp_path / "none.jsonl"), run(tmp_path), run()):
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("history stop", "no history is being recorded"),
        ("history record", "needs the name of a file"),
        ("history check", "needs the name of a file"),
        ("history stop now", "takes none"),
        ("history record /", "can't be written: Is a directory"),
        ("history record /no/such/place", "can't be written: No such file or directory"),
        ("history check /no/such/place", "can't be read: No such file or directory"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_one_line(opened: Opened, text: str, words: str) -> None:
    async with opened() as person:
        (line,) = await person.fails(text)
        assert words in line or (text == "history record /" and "is there already" in line)


async def test_no_history_is_overwritten_and_only_one_is_recorded(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text("mine")
    async with opened() as person:
        assert "is there already" in (await person.fails(f"history record {file}"))[0]
        await person.types(f"history record {tmp_path / 'other'}")
        assert "recorded already" in (await person.fails(f"history record {tmp_path / 'third'}"))[0]
        assert not (tmp_path / "third").exists()
    assert file.read_text() == "mine"


async def test_a_recording_that_is_not_stopped_is_whole_when_the_cluster_closes(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    async with open_cluster(Settings(None, nodes=1, slots=64)) as cluster:
        person = Person(cluster)
        await person.types(f"history record {file}")
        await person.types("put apple 1")
    assert [op.value for op in read_history(file).operations] == ["1"]


async def test_long_values_are_recorded_by_their_hash_alone(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    secret = "x" * 1000
    async with opened(nodes=1) as person:
        await person.types(f"history record {file}")
        await person.types(f"put apple {secret}")
        await person.cluster.put(b"binary", b"\xff\xfe")
        await person.cluster.get(b"binary")
        await person.types("history stop")
    assert secret not in file.read_text()
    history = read_history(file)
    assert "of 1000 bytes" in str(history.operations[0].value)
    assert history.operations[1].value == history.operations[2].value


async def test_a_recording_has_an_end(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "OPERATIONS_MOST", 2)
    file = tmp_path / "history.jsonl"
    async with opened(nodes=1) as person:
        await person.types(f"history record {file}")
        await person.types("put apple 1")
        await person.types("put apple 2")
        assert "history: stopped after 2 operations" in await person.types("put apple 3")
        assert await person.types("get apple") == ["apple -> 3"]
        assert len(read_history(file).operations) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device here that is always full")
async def test_a_full_disk_ends_the_recording_and_nothing_else(opened: Opened, tmp_path: Path) -> None:
    async with opened(nodes=1) as person:
        await person.types(f"history record {tmp_path / 'history.jsonl'}")
        file = person.cluster.observer  # type: ignore[attr-defined]
        full = open("/dev/full", "wb")  # noqa: SIM115 (the recording closes it)
        file.writer._file = full
        value = "y" * 60
        said: list[str] = []
        for number in range(200):
            said += await person.types(f"put apple{number} {value}")
        assert any("No space left on device; the recording ended" in line for line in said)
        assert await person.types("get apple1") == [f"apple1 -> {value}"]
