"""The store: text and bytes in, results out, an exception for what did not end well."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import kvtui
from kvtui.api.store import AT_ONCE
from kvtui.core.cluster import Guarantees
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Behind
from kvtui.core.snapshot import NodeState
from tests.simulation.harness import SimCluster
from tests.simulation.loop import run_virtual

DOWN = NodeState.DOWN


def below_quorum(cluster: SimCluster) -> None:
    """No write can be acknowledged any more: two of three replicas are not clean."""
    cluster.coordinator._ledger.append(Behind("n2", [(0, 64)]), Behind("n3", [(0, 64)]))


def three_copies() -> SimCluster:
    return SimCluster(nodes=3, replication=3, slots=64)


def test_text_is_stored_as_its_utf_8_and_read_as_bytes() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2) as cluster:
            store = kvtui.Store(cluster.coordinator)
            written = await store.put("ключ", "été")
            assert written.outcome is kvtui.Outcome.OK
            read = await store.get("ключ".encode())
            assert read.value == "été".encode()
            assert read.version == written.version
            assert not read.stale
            assert read.decode() == "été"

    run_virtual(main)


def test_an_absent_key_has_no_value_and_is_no_failure() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1) as cluster:
            store = kvtui.Store(cluster.coordinator)
            read = await store.get("nobody")
            assert read.outcome is kvtui.Outcome.OK
            assert read.value is None
            assert read.decode() is None
            assert not (await store.delete("nobody")).existed
            await store.put("somebody", b"")
            assert (await store.get("somebody")).value == b""
            assert (await store.delete("somebody")).existed

    run_virtual(main)


def test_many_are_answered_under_the_keys_as_they_were_given() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2) as cluster:
            store = kvtui.Store(cluster.coordinator)
            assert (await store.put_many({"a": "1", "b": "2"})).ok == 2
            assert (await store.put_many((name, b"3") for name in [b"c"])).ok == 1
            found = await store.get_many(["c", "nobody", "a"])
            assert [(key, read.value) for key, read in found.items()] == [("c", b"3"), ("nobody", None), ("a", b"1")]
            gone = await store.delete_many(["a", b"b", "nobody"])
            assert (gone.ok, gone.existed) == (3, 2)
            assert [item.key async for item in store.scan()] == [b"c"]

    run_virtual(main)


def test_a_scan_gives_what_has_the_prefix_and_values_on_demand() -> None:
    async def main() -> None:
        async with SimCluster(nodes=3, replication=2) as cluster:
            store = kvtui.Store(cluster.coordinator)
            await store.put_many({f"user:{number}": str(number) for number in range(2_500)} | {"other": "x"})
            found = {item.key: item.value async for item in store.scan("user:")}
            assert found == {b"user:%d" % number: b"%d" % number for number in range(2_500)}
            assert {(item.value, item.size) async for item in store.scan("other", values=False)} == {(None, 1)}

    run_virtual(main)


def test_a_scan_asks_for_a_page_once_the_last_one_is_used_up() -> None:
    class Paged:
        """A cluster with three pages, which counts those it gave, and notes its end."""

        given = 0
        ended = False

        async def scan(self, prefix: bytes, *, values: bool) -> AsyncIterator[list[kvtui.Item]]:
            try:
                for page in range(3):
                    self.given += 1
                    yield [kvtui.Item(b"%d %d" % (page, item), b"", kvtui.Version(1, 1), 0) for item in range(2)]
            finally:
                self.ended = True

    async def main() -> None:
        cluster: Any = Paged()
        items = kvtui.Store(cluster).scan()
        assert cluster.given == 0
        assert [(await anext(items)).key for _ in range(2)] == [b"0 0", b"0 1"]
        assert cluster.given == 1
        await anext(items)
        assert cluster.given == 2
        await items.aclose()
        assert cluster.ended

    run_virtual(main)


def test_what_failed_raises_and_says_why_without_key_or_value() -> None:
    async def main() -> None:
        async with three_copies() as cluster:
            store = kvtui.Store(cluster.coordinator)
            await store.put("secret key", "old")
            below_quorum(cluster)
            with pytest.raises(kvtui.OperationFailed, match=r"^put failed: it needs 2 clean copies") as put:
                await store.put("secret key", "secret value")
            with pytest.raises(kvtui.OperationFailed, match=r"^delete failed: it needs 2 clean copies"):
                await store.delete("secret key")
            assert put.value.outcome is kvtui.Outcome.FAILED
            assert isinstance(put.value.result, kvtui.Written)
            assert put.value.result.outcome is kvtui.Outcome.FAILED
            assert isinstance(put.value, kvtui.OperationError)
            assert isinstance(put.value, kvtui.KvtuiError)
            assert "secret" not in repr(put.value)
            assert (await store.get("secret key")).value == b"old"

    run_virtual(main)


def test_what_is_in_doubt_is_never_called_failed() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1) as cluster:
            store = kvtui.Store(cluster.coordinator)
            cluster.pause("n1")
            put, many = await asyncio.gather(
                store.put("key", "value"), store.put_many({"a": "1", "b": "2"}), return_exceptions=True
            )
            assert isinstance(put, kvtui.OutcomeUnknown)
            assert put.outcome is kvtui.Outcome.UNKNOWN
            assert str(put).startswith("put: outcome unknown: it may or may not be stored: n1 did not answer")
            assert isinstance(many, kvtui.OutcomeUnknown)
            assert str(many).startswith("put_many of 2 keys: 2 unknown: it may or may not be stored: n1 did not answer")
            cluster.resume("n1")

    run_virtual(main)


def test_unchecked_every_outcome_is_a_value() -> None:
    async def main() -> None:
        async with three_copies() as cluster:
            store = kvtui.Store(cluster.coordinator)
            below_quorum(cluster)
            put = await store.put("key", "value", check=False)
            assert put.outcome is kvtui.Outcome.FAILED
            assert put.text.startswith("it needs 2 clean copies")
            assert (await store.delete("key", check=False)).outcome == "failed"
            assert (await store.put_many({"a": "1", "b": "2"}, check=False)).failed == 2
            assert (await store.delete_many(["a"], check=False)).failed == 1
            assert (await store.get("key", check=False)).outcome is kvtui.Outcome.OK

    run_virtual(main)


def test_reads_that_nobody_can_answer_raise_for_one_and_for_many() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=1) as cluster:
            store = kvtui.Store(cluster.coordinator)
            keys = [f"key {number}" for number in range(20)]
            await store.put_many(dict.fromkeys(keys, "value"))
            cluster.kill("n2")
            await cluster.until(lambda snapshot: snapshot.nodes[1].state is DOWN)
            found = await store.get_many(keys, check=False)
            lost = [key for key, read in found.items() if read.outcome is not kvtui.Outcome.OK]
            assert 0 < len(lost) < len(keys)
            with pytest.raises(kvtui.OperationFailed, match=rf"^get_many of 20 keys: {len(lost)} failed: .*n2") as many:
                await store.get_many(keys)
            assert isinstance(many.value.result, dict)
            assert {read.value for key, read in many.value.result.items() if key not in lost} == {b"value"}
            with pytest.raises(kvtui.OperationFailed, match=r"^get failed: .*n2"):
                await store.get(lost[0])
            with pytest.raises(kvtui.ClusterError, match="can't read the whole ring"):
                _ = [item async for item in store.scan()]

    run_virtual(main)


def test_a_read_that_may_be_old_says_so() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2) as cluster:
            store = kvtui.Store(cluster.coordinator)
            assert isinstance(store.cluster, Guarantees)
            await store.cluster.set_reads(ReadMode.AVAILABLE)
            await store.put("key", "old")
            cluster.kill("n2")
            await store.put("key", "new")
            cluster.kill("n1")
            await cluster.revive("n2")
            read = await store.get("key")
            assert (read.value, read.stale) == (b"old", True)

    run_virtual(main)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda store: store.put(1, "x"), "a key is str, bytes, bytearray or memoryview, not int: encode it first"),
        (
            lambda store: store.put("x", 1.5),
            "a value is str, bytes, bytearray or memoryview, not float: encode it first",
        ),
        (
            lambda store: store.put("x", None),
            "a value is str, bytes, bytearray or memoryview, not NoneType: encode it first",
        ),
        (lambda store: store.get_many("apple"), "several keys are wanted, not one str: put it into a list"),
        (lambda store: store.delete_many(b"apple"), "several keys are wanted, not one bytes: put it into a list"),
        (
            lambda store: store.put_many("ab"),
            "several pairs of key and value are wanted, not one str: put it into a list",
        ),
    ],
)
def test_what_is_no_key_and_no_value_is_a_type_error(ask: Callable[[Any], Any], said: str) -> None:
    async def main() -> None:
        async with SimCluster(nodes=1) as cluster:
            with pytest.raises(TypeError) as refused:
                await ask(kvtui.Store(cluster.coordinator))
            assert str(refused.value) == said

    run_virtual(main)


def test_a_closed_store_refuses_everything_in_one_line() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1) as cluster:
            store = kvtui.Store(cluster.coordinator)
            await store.close()
            await store.close()
            for ask in (store.put("a", "1"), store.get("a"), store.delete_many(["a"]), anext(store.scan())):
                with pytest.raises(
                    kvtui.ClusterError, match=r"^the store is closed: open another with kvtui\.connect$"
                ):
                    await ask
            assert (await cluster.put(b"a", b"1")).outcome is kvtui.Outcome.OK

    run_virtual(main)


@pytest.mark.parametrize("kind", [kvtui.OperationFailed, kvtui.OutcomeUnknown])
def test_failures_travel_between_processes(kind: type[kvtui.OperationError]) -> None:
    result = kvtui.Written(kind.outcome, kvtui.Version(1, 2), text="why")
    error = pickle.loads(pickle.dumps(kind("put failed: why", result)))
    assert type(error) is kind
    assert str(error) == "put failed: why"
    assert error.result == result


def test_so_many_run_at_once_and_the_others_wait() -> None:
    """All at once made each other late: every one of them ended in doubt."""

    class Slow:
        """A cluster that counts what it is asked at once."""

        now = 0
        most = 0

        async def put(self, key: bytes, value: bytes) -> kvtui.Written:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(1)
            self.now -= 1
            return kvtui.Written(kvtui.Outcome.OK, kvtui.Version(1, 1))

    async def main() -> None:
        cluster: Any = Slow()
        store = kvtui.Store(cluster)
        await asyncio.gather(*(store.put("key", "value") for _ in range(3 * AT_ONCE)))
        assert cluster.most == AT_ONCE

    run_virtual(main)


def test_another_event_loop_is_refused() -> None:
    class Nobody:
        """A cluster that nobody asks."""

    cluster: Any = Nobody()
    stores: list[kvtui.Store] = []

    async def opened() -> None:
        stores.append(kvtui.Store(cluster))

    async def asked() -> None:
        with pytest.raises(kvtui.ClusterError, match=r"^the store belongs to the event loop in which it was opened"):
            await stores[0].get("apple")

    asyncio.run(opened())
    asyncio.run(asked())
