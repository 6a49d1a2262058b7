"""fill and clear: keys that nobody wrote come and go, and what somebody wrote stays."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.commands import CommandError, Context, Line, Names, complete, parse, run
from kvtui.commands.fill import asked_for
from kvtui.commands.made_up import SIZE_LEAST, is_made_up, key_of, number_of, value_of
from kvtui.core.cluster import WrittenMany
from tests.commands.person import Opened
from tests.widgets import frozen

pytestmark = pytest.mark.anyio


@given(st.integers(1, 99_999_999), st.integers(SIZE_LEAST, 300))
def test_what_is_made_up_has_its_size_and_is_told_from_anything_else(number: int, size: int) -> None:
    key = key_of(number)
    value = value_of(key, size)
    assert len(value) == size
    assert value.startswith((key + b" is made up. ")[: size - 1])
    assert value == value.strip()
    assert number_of(key) == number
    assert is_made_up(key, value)
    assert not is_made_up(key, value[:-1] + b"?")
    assert not is_made_up(key, value_of(key_of(number % 99_999_999 + 1), size))
    assert not is_made_up(b"x" + key, value)


@pytest.mark.parametrize(
    "key", [b"made-", b"made-0", b"made-01", b"made-1a", b"made-100000000", b"Made-1", b"made-1\n", b"made-\xd9\xa1"]
)
def test_a_key_of_another_shape_is_nobodys_but_a_persons(key: bytes) -> None:
    assert number_of(key) is None
    assert not is_made_up(key, value_of(key, 100))


@pytest.mark.parametrize("value", [b"", b"m", b"made-7", b"made-7 is made "])
def test_a_value_too_short_to_tell_is_a_persons(value: bytes) -> None:
    assert not is_made_up(b"made-7", value)


def asked(line: str) -> tuple[int, int]:
    invocation = parse(line)
    assert invocation is not None
    return asked_for(invocation)


def test_what_a_line_asks_for() -> None:
    assert asked("fill 20000") == (20_000, 100)
    assert asked("fill size=1000 5") == (5, 1000)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fill", "N: missing. Usage: fill <N> [size=]"),
        ("fill 0", "N: a whole number from 1"),
        ("fill -5", "N: a whole number from 1"),
        ("fill many", "N: a whole number from 1"),
        ("fill 10000001", "N: 10,000,000 at most, not 10,000,001"),
        ("fill 5 size=15", "size: 16 to 1,048,576 bytes, not 15"),
        ("fill 5 size=1048577", "size: 16 to 1,048,576 bytes, not 1,048,577"),
        ("fill 5 size=1k", "size: a whole number from 1"),
        ("fill 5 bytes=5", 'fill has no setting "bytes", only size'),
        (
            "fill 1025 size=1048576",
            "1,025 keys of 1,048,576 bytes are more than 1 GiB, the most that is made at once: at most 1,024",
        ),
    ],
)
def test_what_is_too_much_or_no_number_is_told_in_one_line(line: str, words: str) -> None:
    with pytest.raises(CommandError) as refusal:
        asked(line)
    assert words in refusal.value.text
    assert "\n" not in refusal.value.text


def test_both_are_completed_and_clear_asks_first() -> None:
    assert complete("fill 5 s", Names()) == ["fill 5 size="]
    assert "clear " in [line.rstrip() + " " for line in complete("cle", Names())]
    assert complete("clear --", Names()) == ["clear --yes"]
    asks, told = parse("clear"), parse("clear --yes")
    assert asks is not None
    assert told is not None
    assert asks.question == "Delete all keys that fill made up? What was written otherwise stays."
    assert told.question == ""


async def test_a_second_fill_goes_on_behind_the_first_and_clear_takes_all_but_what_a_person_wrote(
    opened: Opened,
) -> None:
    async with opened(nodes=2, replication=2) as person:
        assert (await person.types("clear"))[0] == "Nothing to clear: no key is one that fill made"
        await person.types("put made-2000 mine")
        await person.types("put made-up mine too")
        (line,) = await person.types("fill 2500 size=40")
        assert line.startswith("Filled: 2,500 keys, made-2001 to made-4500, of 40 bytes each, in ")
        assert [bar for bar in person.bars if bar[0] == "Filling: 2,000 keys"] == [("Filling: 2,000 keys", 2000, 2500)]
        assert person.bars[-1] == ("", 0, 0)
        (line,) = await person.types("fill 1")
        assert line.startswith("Filled: 1 key, made-4501, of 100 bytes each, in ")
        assert await person.types("get made-2001") == ["made-2001 -> made-2001 is made up. made-2001 is made."]
        await person.types("put made-3000 mine as well")
        assert await person.types("clear") == [
            "Cleared: 2,500 keys that fill had made",
            "2 keys are named as fill names them, but of another value: not deleted",
        ]
        assert any(bar[0].startswith("Clearing: ") and bar[1] > 0 for bar in person.bars)
        assert person.bars[-1] == ("", 0, 0)
        assert sorted(await person.types("keys")) == ["made-2000", "made-3000", "made-up"]


async def test_without_nodes_it_says_what_to_do(opened: Opened) -> None:
    async with opened() as person:
        assert await person.fails("fill 5") == ["fill: there are no nodes to hold keys; add some first: addnode A 5001"]


async def test_there_is_an_end_to_the_numbers(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        await person.types("put made-99999998 mine")
        assert "numbered up to 99,999,999, and 99,999,998 are taken" in (await person.fails("fill 2"))[0]
        await person.types("fill 1")
        assert sorted(await person.types("keys")) == ["made-99999998", "made-99999999"]


class Failing(frozen.FrozenCluster):
    """Takes one batch, and nothing more."""

    batches = 0

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        self.batches += 1
        return (
            WrittenMany(len(items)) if self.batches == 1 else WrittenMany(0, failed=len(items), text="no node answers")
        )


async def test_what_can_not_be_stored_stops_it_and_it_says_how_far_it_came() -> None:
    said: list[Line] = []
    invocation = parse("fill 5000")
    assert invocation is not None
    cluster = Failing(frozen.healthy())
    assert not await run(invocation, Context(cluster, said.append))
    (line,) = said
    assert line.text == (
        "fill: 1,000 failed: no node answers. Stopped: 1,000 of 5,000 keys stored before; clear deletes what fill made"
    )
    assert cluster.batches == 2


class Unheard(frozen.FrozenCluster):
    """Carries out what it is told, and for the answer to its last batch nobody waits."""

    scope: anyio.CancelScope
    last = 2
    batches = 0

    async def _answer(self, number: int) -> WrittenMany:
        self.batches += 1
        if self.batches == self.last:
            self.scope.cancel()
            await anyio.lowlevel.checkpoint()
        return WrittenMany(number)

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        return await self._answer(len(items))

    async def delete_many(self, keys: Sequence[bytes]) -> WrittenMany:
        return await self._answer(len(keys))


@pytest.mark.parametrize(("command", "last", "words"), [
    ("fill 3000", 2, "fill: interrupted. Stopped: at least 1,000 of 3,000 keys stored, up to 1,000 more may be;"),
    ("clear", 1, "clear: interrupted. Stopped: at least 0 keys deleted, up to 1 more may be;"),
    ("load", 2, ": interrupted. Stopped: at least 1,000 entries stored, up to 1,000 more may be;"),
])  # fmt: skip
async def test_of_the_batch_under_way_it_is_said_that_it_may_be_done(
    command: str, last: int, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "some.csv"
    file.write_text("".join(f"key{number},{number}\n" for number in range(3000)))
    said: list[Line] = []
    invocation = parse(f"load {file}" if command == "load" else command)
    assert invocation is not None
    with anyio.CancelScope() as scope:
        cluster = Unheard(frozen.healthy(), stored={key_of(1): value_of(key_of(1), 20)})
        cluster.scope, cluster.last = scope, last
        await run(invocation, Context(cluster, said.append))
    assert words in said[0].text


@pytest.mark.parametrize(("command", "begun", "words"), [
    ("fill 3000", "Filling", "fill: interrupted. Stopped: 1,000 of 3,000 keys stored before"),
    ("clear", "Clearing: 1,000", "clear: interrupted. Stopped: 1,000 keys deleted before; clear again deletes the rest"),
])  # fmt: skip
async def test_what_is_interrupted_says_how_far_it_came(opened: Opened, command: str, begun: str, words: str) -> None:
    async with opened(nodes=1) as person:
        if command == "clear":
            await person.types("fill 1000")
        said: list[Line] = []
        invocation = parse(command)
        assert invocation is not None
        with anyio.CancelScope() as scope:

            def stop(text: str, _done: int, _total: int) -> None:
                if text.startswith(begun):
                    scope.cancel()

            await run(invocation, Context(person.cluster, said.append, progress=stop))
        assert scope.cancelled_caught
        assert said[0].text.startswith(words)
