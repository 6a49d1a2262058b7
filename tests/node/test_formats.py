"""A node's data as a newer kvtui-node left it, or an older one: the former is told as that and left as it is."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from kvtui.core.protocol import Leave, Put
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.storage import Batch, EngineUnreadable, StorageEngine
from kvtui.core.version import Version
from kvtui.node.membership import FORMAT
from kvtui.node.sealed import content_of, seal
from kvtui.node.store import _MEMBERSHIP, Store
from tests.node.nodes import Bench, on_a_node
from tests.simulation.engine import FaultyDisk

Json = dict[str, Any]


def newer_format(own: Json) -> None:
    own.update(format=FORMAT + 1, rack="r1")


def newer_field(own: Json) -> None:
    own["rack"] = "r1"


def newer_field_of_the_last_cluster(own: Json) -> None:
    own["left"]["because"] = "it was drained"


def used() -> StorageEngine:
    """What lies in the directory of a node that was in a cluster, left it, and is in it again."""
    disk = FaultyDisk()

    async def story(bench: Bench) -> None:
        await (await bench.coordinator()).one(Leave(noted=Version(1, 7)))
        await (await bench.coordinator()).one(Put(key="a", value="1", version=Version(1, 1)))

    on_a_node(story, disk.open())
    return disk.open()


def rewrite(engine: StorageEngine, change: Callable[[Json], object]) -> None:
    stored = engine.get(_MEMBERSHIP)
    assert stored is not None
    own = json.loads(content_of(stored))
    change(own)
    batch = Batch()
    batch.put(_MEMBERSHIP, seal(json.dumps(own).encode()))
    engine.apply(batch)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (newer_format, f"(format {FORMAT + 1}; this one reads {FORMAT})"),
        (newer_field, f"(Object contains unknown field `rack`; this one reads format {FORMAT})"),
        (
            newer_field_of_the_last_cluster,
            f"(Object contains unknown field `because` - at `$.left`; this one reads format {FORMAT})",
        ),
    ],
)
def test_data_of_a_newer_node_is_told_as_that_and_left_as_it_is(change: Callable[[Json], None], text: str) -> None:
    """A newer field was dropped with the next grant."""
    engine = used()
    rewrite(engine, change)
    before = list(engine.scan(b"", b"\xff"))
    for _ in range(2):
        with pytest.raises(EngineUnreadable) as refused:
            Store(engine, SeededRandom(1))
        assert str(refused.value) == f"the node's data was written by a newer kvtui {text}: start it with that one"
        assert list(engine.scan(b"", b"\xff")) == before


def test_data_that_says_no_format_is_of_the_first() -> None:
    engine = used()
    rewrite(engine, lambda own: own.pop("format"))
    store = Store(engine, SeededRandom(1))
    assert (store.membership.cluster, store.membership.left is not None) == ("ring", True)
    assert store.read(b"a") is not None
