"""Records that are kept at hand while they are read piece by piece: within a limit, and no longer than they are needed."""

from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.protocol import INLINE_BYTES, Fetch, Get, GetMany, Piece, Put, Request
from kvtui.core.version import Version
from kvtui.node.large_records import LargeRecords
from kvtui.node.pages import EXAMINED_BYTES
from kvtui.node.record import engine_key
from tests.node.nodes import Bench, Client, on_a_node

MOST = 100
wheres = st.sampled_from([b"a", b"b", b"c", b"d", b"e"])


@given(st.lists(st.tuples(st.sampled_from(["keep", "get", "forget"]), wheres, st.integers(1, 150)), max_size=40))
def test_what_is_kept_is_what_was_kept_and_within_the_limit(steps: list[tuple[str, bytes, int]]) -> None:
    records = LargeRecords(MOST)
    written: dict[bytes, bytes] = {}
    for step, where, length in steps:
        if step == "keep":
            written[where] = b"v" * length
            records.keep(where, written[where])
            assert records.get(where) == written[where]
        elif step == "get":
            assert records.get(where) in (None, written.get(where))
        else:
            records.forget(where)
            assert records.get(where) is None
        held = [record for key in (b"a", b"b", b"c", b"d", b"e") if (record := records._kept.get(key)) is not None]
        assert records.size == sum(map(len, held))
        assert records.size <= MOST or len(held) == 1
    records.clear()
    assert (bool(records), records.size) == (False, 0)


def test_the_one_that_was_not_read_for_the_longest_time_goes_first() -> None:
    records = LargeRecords(MOST)
    for where in (b"a", b"b"):
        records.keep(where, b"v" * 50)
    records.get(b"a")
    records.keep(b"c", b"v" * 50)
    assert records.get(b"b") is None
    assert records.get(b"a") is not None


async def store(client: Client, key: str, length: int, seq: int) -> None:
    pieces: list[Request] = [
        Piece(upload=key, offset=at, total=length, data="v" * min(INLINE_BYTES, length - at))
        for at in range(0, length, INLINE_BYTES)
    ]
    replies = await client.ask(*pieces, Put(key=key, version=Version(1, seq), upload=key))
    assert {reply.status for reply in replies} == {"ok"}


def test_a_value_that_was_read_to_its_end_is_not_kept_any_longer() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        await store(client, "k", 3 * INLINE_BYTES, 1)
        kept = []
        for at in range(3):
            await client.one(Fetch(key="k", version=Version(1, 1), offset=at * INLINE_BYTES))
            kept.append(bench.store._large.get(engine_key(b"k")) is not None)
        assert kept == [True, True, False]
        assert bench.store._large.size == 0

    on_a_node(story)


def test_of_long_values_some_keys_are_answered_if_some_will_do() -> None:
    """One request for a thousand of them kept a node silent for so long that it was given up."""

    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        length = EXAMINED_BYTES // 2
        keys = [f"key {number}" for number in range(5)]
        for number, key in enumerate(keys):
            await store(client, key, length, number + 1)
        reply = await client.one(GetMany(keys, some=True))  # type: ignore[arg-type]
        assert [(entry.key, entry.size) for entry in reply.entries or []] == [(key, length) for key in keys[:2]]
        reply = await client.one(GetMany(keys))  # type: ignore[arg-type]
        assert len(reply.entries or []) == len(keys)
        assert [reply.size for reply in await client.ask(*(Get(key=key) for key in keys))] == [length] * len(keys)

    on_a_node(story)


def test_a_value_that_was_replaced_amid_its_reading_is_not_in_the_way_of_the_next() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.coordinator()
        await store(client, "k", 3 * INLINE_BYTES, 1)
        assert (await client.one(Fetch(key="k", version=Version(1, 1), offset=0))).status == "ok"
        await store(client, "k", 2 * INLINE_BYTES, 2)
        assert (await client.one(Fetch(key="k", version=Version(1, 1), offset=INLINE_BYTES))).code == "changed"
        reply = await client.one(Fetch(key="k", version=Version(1, 2), offset=0))
        assert (reply.status, reply.size) == ("ok", 2 * INLINE_BYTES)

    on_a_node(story)
