"""load and save, between files and real nodes."""

import json
import os
from pathlib import Path

import anyio
import pytest

from kvtui.commands import Context, Line, parse, run, transfer
from kvtui.commands.batching import BATCH_RECORDS
from tests.commands.person import Opened

pytestmark = pytest.mark.anyio

AWKWARD = {
    b"plain": b"value",
    b'comma, and "quotes"': b"two\nlines\r\nand a tab\t",
    b"empty": b"",
    b"bytes \xff\x00": bytes(range(256)),
    "ünï 🍏".encode(): "wörter".encode(),
}


@pytest.mark.parametrize("name", ["all.jsonl", "all.csv"])
async def test_what_is_saved_is_loaded_again(opened: Opened, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    items = {**AWKWARD, **{f"k{number}".encode(): b"v" * number for number in range(2500)}}
    async with opened(nodes=2, replication=2) as person:
        await person.cluster.put_many(list(items.items()))
        assert await person.types(f"save {file}") == [f"Saved {len(items):,} keys to {file}"]
    assert os.listdir(tmp_path) == [name]
    async with opened(nodes=1) as person:
        (line,) = await person.types(f"load {file}")
        assert line.startswith(f"Loaded {len(items):,} entries from {file} in ")
        reads = await person.cluster.get_many(list(items))
        assert [read.value for read in reads] == list(items.values())


async def test_progress_grows_to_the_whole_and_ends(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text("".join(f"key{number},{number}\n" for number in range(3 * BATCH_RECORDS)))
    async with opened(nodes=1) as person:
        await person.types(f"load {file}")
        *bars, last = person.bars
        done = [bar[1] for bar in bars]
        assert len(bars) == 6
        assert done[:3] == done[3:] == sorted(done[:3])
        assert bars[0][0] == f"Checking {file}: 1,000 entries"
        assert bars[-1] == (f"Loading {file}: 3,000 entries", file.stat().st_size, file.stat().st_size)
        assert last == ("", 0, 0)


async def test_nothing_is_stored_of_a_file_with_a_bad_line(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    lines = [json.dumps({"key": f"k{number}", "value": "v"}) for number in range(1500)]
    file.write_text("\n".join([*lines, "nonsense", json.dumps({"key": "late", "value": "v"})]))
    async with opened(nodes=1) as person:
        (line,) = await person.fails(f"load {file}")
        assert "line 1501, character 1: not JSON" in line
        assert line.endswith(". Nothing was loaded")
        assert await person.types("keys") == ["No keys"]
        assert person.bars[-1] == ("", 0, 0)


async def test_a_file_that_changes_while_it_is_loaded_stops_it_and_it_says_how_many_are_stored(
    opened: Opened, tmp_path: Path
) -> None:
    file = tmp_path / "growing.csv"
    file.write_text("".join(f"key{number},{number}\n" for number in range(2 * BATCH_RECORDS)))

    def grow(text: str, _done: int, _total: int) -> None:
        if text.startswith("Loading"):
            with file.open("a") as stream:
                stream.write("late\n")

    async with opened(nodes=1) as person:
        invocation = parse(f"load {file}")
        assert invocation is not None
        said: list[Line] = []
        assert not await run(invocation, Context(person.cluster, said.append, progress=grow))
        (line,) = said
        assert "line 2001: 1 column" in line.text
        assert "Stopped: 2,000 entries stored before" in line.text


async def test_a_load_that_is_interrupted_says_how_many_are_stored(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_text("".join(f"key{number},{number}\n" for number in range(3 * BATCH_RECORDS)))
    async with opened(nodes=1) as person:
        invocation = parse(f"load {file}")
        assert invocation is not None
        said: list[Line] = []
        with anyio.CancelScope() as scope:

            def stop(text: str, _done: int, _total: int) -> None:
                if text.startswith("Loading"):
                    scope.cancel()

            await run(invocation, Context(person.cluster, said.append, progress=stop))
        assert scope.cancelled_caught
        assert "interrupted" in said[0].text
        assert "1,000 entries stored before" in said[0].text


async def test_what_may_not_be_what_was_meant_is_told(opened: Opened, tmp_path: Path) -> None:
    padded, empty = tmp_path / "padded.csv", tmp_path / "empty.csv"
    padded.write_text("key, value\na, 1\n")
    empty.touch()
    async with opened(nodes=1) as person:
        assert (await person.types(f"load {padded}"))[1].endswith(
            "blanks beside its commas are parts of keys and values"
        )
        twice = tmp_path / "twice.csv"
        twice.write_text("a,1\nb,1\na,2\na,3\n")
        assert (await person.types(f"load {twice}"))[1].endswith(
            ": 2 entries repeat a key of this file: the last value of each stays"
        )
        assert await person.types("get a") == ["a -> 3"]
        assert (await person.types(f"load {empty}"))[1].endswith("there are no entries in it")


async def test_a_load_that_cannot_be_written_stops_and_says_so(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_text("a,1\nb,2\n")
    async with opened() as person:
        (line,) = await person.fails(f"load {file}")
        assert "2 failed" in line
        assert "0 entries stored" in line


async def test_a_batch_is_bounded_in_bytes_too(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "BATCH_BYTES", 100)
    file = tmp_path / "large.csv"
    file.write_text("".join(f"k{number},{'v' * 58}\n" for number in range(4)) + f"huge,{'x' * 500}\n")
    async with opened(nodes=1) as person:
        await person.types(f"load {file}")
        assert len([bar for bar in person.bars if bar[0].startswith("Loading")]) == 5
        assert await person.types("get huge") == [f"huge -> {'x' * 500}"]


async def test_a_file_that_is_not_there_is_told(opened: Opened, tmp_path: Path) -> None:
    async with opened() as person:
        (line,) = await person.fails(f"load {tmp_path}/absent.csv")
        assert line == f"file: {tmp_path}/absent.csv can't be read: No such file or directory"
        (line,) = await person.fails(f"save {tmp_path}/nowhere/out.csv")
        assert line == f"file: {tmp_path}/nowhere/out.csv can't be written: No such file or directory"
        (line,) = await person.fails("load cities.txt")
        assert line.startswith("file: the name must end in")


async def test_a_save_that_fails_leaves_the_old_file(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("old")
    async with opened(nodes=1) as person:
        await person.types("put a 1")
        await person.types("stop n1")
        (line,) = await person.fails(f"save {file}")
        assert line.endswith("The file is left as it was")
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.csv"]


async def test_an_empty_cluster_saves_an_empty_file(opened: Opened, tmp_path: Path) -> None:
    async with opened(nodes=1) as person:
        await person.types(f"save {tmp_path}/none.jsonl")
        await person.types(f"load {tmp_path}/none.jsonl")
    assert (tmp_path / "none.jsonl").read_bytes() == b""
