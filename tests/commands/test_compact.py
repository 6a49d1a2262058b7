"""compact: what a person is told, and how far it is."""

from pathlib import Path

import pytest

from kvtui.commands.compact import compacted_words
from kvtui.core.cluster import Compaction
from kvtui.core.opening import Settings, open_cluster
from tests.commands.person import Opened, Person

pytestmark = pytest.mark.anyio


def test_the_words_name_the_node_and_both_sizes() -> None:
    assert compacted_words(Compaction("n1", 1, 1, 88_000_000, 1_000)) == "Compacted n1: 83.9 MiB before, 1.0 KiB now"


async def test_durable_nodes_are_compacted_one_after_the_other(tmp_path: Path) -> None:
    async with open_cluster(Settings(state=tmp_path / "state", nodes=2, replication=1, slots=64)) as cluster:
        person = Person(cluster)
        await cluster.put_many([(b"key %d" % number, b"v" * 1_000) for number in range(4_000)])
        await cluster.delete_many([b"key %d" % number for number in range(4_000)])
        first, second = await person.types("compact")
        assert first.startswith("Compacted n1: ")
        assert second.startswith("Compacted n2: ")
        assert ("Compacting n1", 0, 1) in person.bars
        assert person.bars[-1] == ("", 0, 0)
        (line,) = await person.types("compact n2")
        assert line.startswith("Compacted n2: ")
        assert await person.fails("compact n3") == ["there is no node n3; nodes: n1, n2"]
        await person.types("stop n1")
        assert (await person.types("compact"))[0] == "n1 is DOWN: left out"
        assert await person.fails("compact n1") == ["Not compacted: n1 is DOWN: start it first"]


async def test_nodes_in_memory_have_nothing_to_give_back(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        assert await person.types("compact") == ["n1 keeps everything in memory: nothing is left to give back"]
