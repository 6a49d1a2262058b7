"""Whatever moves copies in the background ends in one line, on a coordinator with nodes: a join, more copies, fewer, a node that
came back, one that was replaced, one that left."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kvtui.core.coordinator import Coordinator
from kvtui.core.snapshot import NodeState
from tests.simulation.harness import SimCluster
from tests.simulation.loop import run_virtual

KEYS = 60
LONG_SECONDS = 20.0
"""Until then all of so small a ring has moved."""


def test_every_change_of_who_holds_what_ends_in_one_line() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=1, slots=16, grace=5.0) as cluster:
            coordinator = cluster.coordinator
            await cluster.put_many([(f"key{number}".encode(), b"value") for number in range(KEYS)])
            await cluster.until(lambda picture: picture.keys == KEYS)

            async def ends(change: Callable[[Coordinator], Awaitable[Any]]) -> list[str]:
                coordinator._happenings._past.clear()
                await cluster.call(change)
                await asyncio.sleep(LONG_SECONDS)
                told = [event.text for event in coordinator._happenings._past]
                return [text for text in told if text.startswith(("every key is on", "the guarantee is whole"))]

            assert await ends(lambda c: c.set_replication(2)) == ["every key is on 2 nodes now"]
            assert await ends(lambda c: c.set_replication(2)) == []
            assert await ends(lambda c: c.set_replication(1)) == ["every key is on 1 node now"]
            assert await ends(lambda c: c.set_replication(2)) == ["every key is on 2 nodes now"]
            assert await ends(lambda c: c.add_node("n3", "127.0.0.1", 0)) == ["every key is on 2 nodes now"]
            joined = "n3 joined at 127.0.0.1:"
            assert [
                event.text.endswith("taking 1/3 of the ring")
                for event in coordinator._happenings._past
                if event.text.startswith(joined)
            ] == [True]
            assert await ends(lambda c: c.set_policy("classic", 4)) == ["every key is on 2 nodes now"]
            assert await ends(lambda c: c.kill_node("n1")) == ["every key is on 2 nodes now"], "its slots were copied"
            told = [event.text for event in coordinator._happenings._past]
            assert told[0] == "n1 is DOWN: it was killed (kill -9)"
            assert not any("was killed" in text for text in told[1:]), "it was told twice"
            assert (await cluster.until(lambda _: True)).nodes[0].state is NodeState.DOWN
            assert await ends(lambda c: c.start_node("n1")) == ["every key is on 2 nodes now"]
            assert await ends(lambda c: c.remove_node("n2")) == ["every key is on 2 nodes now"]
            assert await ends(lambda c: c.set_replication(3)) == []

    run_virtual(main)


def test_that_a_node_can_not_be_reached_is_told_as_that_and_not_of_the_slots_that_moved_to_it() -> None:
    """Then it said that no slot waits any more, as the guarantee became weaker."""

    async def main() -> None:
        async with SimCluster(nodes=2, replication=1, slots=16) as cluster:
            coordinator = cluster.coordinator
            await cluster.put_many([(f"key{number}".encode(), b"value") for number in range(KEYS)])
            await cluster.until(lambda picture: picture.keys == KEYS)
            cluster.pause("n2")
            await cluster.call(lambda c: c.set_replication(2))
            await asyncio.sleep(LONG_SECONDS)
            told = [event.text for event in coordinator._happenings._past]
            assert any(text.startswith("n2 is DOWN") for text in told)
            assert not any("tried again" in text for text in told), told

    run_virtual(main)
