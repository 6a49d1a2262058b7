"""What a newer kvtui wrote: told as that, in one line, never as damage, and left as it is."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from zlib import compress, decompress

import pytest
from xxhash import xxh3_64_digest

from kvtui.core.cluster import ClusterError
from kvtui.core.formats import WrittenByNewer
from kvtui.core.metadata_log import MetadataLog
from kvtui.core.notes import read_note, write_note
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.placement import Placement
from kvtui.core.protocol import Facts, Hello, Reply, decode_reply, encode_lines
from kvtui.core.read_mode import ReadMode
from kvtui.core.rebuilding import Found, rebuild
from kvtui.core.records import FORMAT, Created, CutOver, Dual, Joined, Opened, Placed, Planned, Record, Tuned
from kvtui.core.recovery import recover
from kvtui.core.remote_node import OtherProtocol, interview
from kvtui.core.seams.memory import MemoryEngine, open_memory
from kvtui.core.seams.rocksdb import open_rocksdb
from kvtui.core.seams.storage import Batch, StorageEngine
from kvtui.core.version import Version
from tests.core.clusters import SLOTS, member, planned, settled
from tests.simulation.harness import STATE, SimCluster
from tests.simulation.loop import SimClock, run_virtual
from tests.simulation.machine import Machine

HISTORY: list[Record] = [
    Created("c0ffee", "default", planned("").to_record()),
    Opened(1, "first"),
    Joined(member("A")),
    Planned(planned("A").to_record()),
    Placed(0, SLOTS, Placement(("A",), ("A",))),
    Joined(member("B")),
    Tuned(0, ReadMode.STRICT),
    Dual(3, 5, ("B",)),
    CutOver(3, 5),
]
Json = dict[str, Any]


def newer_opening(record: Json) -> None:
    record.update(format=FORMAT + 1, since="a field of that format")


def as_before(record: Json) -> None:
    """Undoes ``newer_opening``."""
    del record["since"]
    record["format"] = FORMAT


def newer_kind(record: Json) -> None:
    record["type"] = "split"


def newer_field(record: Json) -> None:
    record["because"] = "of a field"


def newer_member(record: Json) -> None:
    record["member"]["rack"] = "r1"


def newer_placement(record: Json) -> None:
    record["place"].append(["A"])


def newer_ring(record: Json) -> None:
    record["ring"]["racks"] = ["r1"]


def newer_policy(record: Json) -> None:
    record["ring"]["policy"] = {"type": "jump"}


def newer_mode(record: Json) -> None:
    record["reads"] = "bounded"


NEWER = [
    (newer_opening, 1, f"written by a newer kvtui (format {FORMAT + 1}; this one reads {FORMAT})"),
    (newer_kind, 7, f"written by a newer kvtui (Invalid value 'split' - at `$.type`; this one reads format {FORMAT})"),
    (
        newer_field,
        8,
        f"written by a newer kvtui (Object contains unknown field `because`; this one reads format {FORMAT})",
    ),
    (newer_member, 5, "written by a newer kvtui (Object contains unknown field `rack` - at `$.member`"),
    (newer_placement, 4, "written by a newer kvtui (Expected `array` of length 0 to 6 - at `$.place`"),
    (newer_ring, 3, "written by a newer kvtui (Object contains unknown field `racks` - at `$.ring`"),
    (newer_policy, 3, "written by a newer kvtui (Invalid value 'jump' - at `$.ring.policy.type`"),
    (newer_mode, 6, "written by a newer kvtui (Invalid enum value 'bounded' - at `$.reads`"),
]
Change = Callable[[Json], None]
newer_things = pytest.mark.parametrize(("change", "at", "text"), NEWER, ids=[change.__name__ for change, _, _ in NEWER])


def rewrite(engine: StorageEngine, at: int, change: Change) -> None:
    """Change the record at that place as a newer kvtui would have written it, its checksum right."""
    key, value = list(engine.scan(b"r", b"s"))[at]
    record = json.loads(value[8:])
    change(record)
    body = json.dumps(record, separators=(",", ":")).encode()
    batch = Batch()
    batch.put(key, xxh3_64_digest(body) + body)
    engine.apply(batch)


def held(engine: StorageEngine) -> list[tuple[bytes, bytes]]:
    return list(engine.scan(b"", b"\xff"))


def written() -> MemoryEngine:
    engine = open_memory(Path("unused"), "test")
    MetadataLog(engine).append(*HISTORY)
    return engine


@newer_things
def test_a_log_of_a_newer_kvtui_is_told_as_that_and_left_as_it_is(change: Change, at: int, text: str) -> None:
    """A newer field was dropped at the next rewriting, a newer record called damage."""
    engine = written()
    rewrite(engine, at, change)
    before = held(engine)
    for _ in range(2):
        with pytest.raises(WrittenByNewer) as refused:
            MetadataLog(engine)
        assert str(refused.value).startswith(text)
        assert str(refused.value).endswith(f"; its record {at + 1} says so")
        assert held(engine) == before


@newer_things
def test_a_note_of_a_newer_kvtui_is_told_as_that(change: Change, at: int, text: str) -> None:
    note = write_note(MetadataLog(written()).topology)
    records = json.loads(decompress(b64decode(note)))
    kinds = [HISTORY[at].__class__.__struct_config__.tag, "placed"]
    change(next(record for kind in kinds for record in records if record["type"] == kind))
    newer = b64encode(compress(json.dumps(records).encode())).decode()
    with pytest.raises(WrittenByNewer) as refused:
        read_note(newer)
    assert str(refused.value).startswith(text)
    facts = Facts(cluster="c0ffee", data_id="data of A", noted=Version(1, 9), epoch=1)
    with pytest.raises(ClusterError) as told:
        rebuild([Found("127.0.0.1", 5001, facts, newer)])
    assert str(told.value) == f"the note of 127.0.0.1:5001 was {refused.value}: rebuild with that one"


def test_what_is_written_says_its_format_and_what_says_none_is_of_the_first() -> None:
    engine = written()
    records = [json.loads(value[8:]) for _, value in held(engine)]
    assert [record["format"] for record in records if record["type"] in ("created", "opened")] == [FORMAT] * 2
    topology = MetadataLog(engine).topology
    for at in (0, 1):
        rewrite(engine, at, lambda record: record.pop("format"))
    assert MetadataLog(engine).topology == topology
    note = json.loads(decompress(b64decode(write_note(settled("AB")))))
    assert [record["format"] for record in note[:2]] == [FORMAT] * 2


def test_a_state_directory_of_a_newer_kvtui_opens_again_with_that_one() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=16) as cluster:
            await cluster.put(b"key", b"value")
            await cluster.close()
            disk = cluster.disks.disk(STATE / "metadata")
            openings = [at for at, (_, value) in enumerate(held(disk.open())) if b'"opened"' in value]
            rewrite(disk.open(), openings[-1], newer_opening)
            before = held(disk.open())
            told = (
                f"the state directory {STATE} was written by a newer kvtui (format {FORMAT + 1}; this one reads {FORMAT});"
                f" its record {openings[-1] + 1} says so: open it with that one"
            )
            for _ in range(2):
                with pytest.raises(ClusterError) as refused:
                    await cluster.open()
                assert str(refused.value) == told
                with pytest.raises(ClusterError) as refused:
                    await recover(STATE, [], (), cluster.seams_of(Machine("rebuilder"), None))
                assert "newer kvtui" in str(refused.value)
                assert "away" not in str(refused.value)
                assert held(disk.open()) == before
            # What the newer kvtui would do is to read it.
            rewrite(disk.open(), openings[-1], as_before)
            await cluster.open()
            assert (await cluster.get(b"key")).value == b"value"

    run_virtual(main)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_refused_directory_is_as_it_was_and_not_taken_for_one_that_was_killed(tmp_path: Path) -> None:
    engine = open_rocksdb(tmp_path / "metadata", "test")
    MetadataLog(engine).append(*HISTORY)
    rewrite(engine, 1, newer_opening)
    before = held(engine)
    engine.close()
    for _ in range(2):
        with pytest.raises(ClusterError, match="newer kvtui"):
            async with open_cluster(Settings(tmp_path)):
                pass
        assert (tmp_path / "metadata" / "CLOSED").exists()
    engine = open_rocksdb(tmp_path / "metadata", "test")
    assert held(engine) == before
    engine.close()


class Newer(asyncio.Protocol):
    """A node whose messages have another meaning, and fields that nobody here knows."""

    def __init__(self, protocol: int) -> None:
        self.protocol = protocol
        self.heard: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for line in data.splitlines():
            self.heard.append(line)
            reply = json.loads(encode_lines([Reply(status="ok", facts=Facts(protocol=self.protocol, data_id="d"))]))
            reply["facts"]["rack"] = reply["hint"] = "a field of later"
            self.transport.write(json.dumps(reply).encode() + b"\n")


@pytest.mark.parametrize(("protocol", "kvtui"), [(99, "a newer"), (0, "an older")])
def test_a_node_of_another_protocol_is_not_spoken_to(protocol: int, kvtui: str) -> None:
    """A node of protocol 99 was accepted."""

    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            node = Newer(protocol)
            there = cluster.network.transport(Machine("newer"))
            await there.listen("127.0.0.1", 7001, lambda: node)
            text = f"it is of {kvtui} kvtui (protocol {protocol}; this one speaks 1): use the same kvtui for both"
            with pytest.raises(OtherProtocol) as refused:
                await interview(there, SimClock(), "127.0.0.1", 7001)
            assert str(refused.value) == text
            with pytest.raises(ClusterError) as told:
                await cluster.call(lambda coordinator: coordinator.add_node("B", "127.0.0.1", 7001))
            assert str(told.value) == f"can't use what listens at 127.0.0.1:7001: {text}"
            # It was asked who it is, and nothing else.
            assert {json.loads(line)["op"] for line in node.heard} == {"hello"}
            assert not any("cluster" in json.loads(line) for line in node.heard)
            assert list(cluster.coordinator.topology.members) == ["n1"]

    run_virtual(main)


def test_a_node_of_this_protocol_may_say_more_than_is_understood() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            there = cluster.network.transport(Machine("newer"))
            await there.listen("127.0.0.1", 7001, lambda: Newer(1))
            assert (await interview(there, SimClock(), "127.0.0.1", 7001)).data_id == "d"

    run_virtual(main)


def test_a_hello_says_its_protocol_unless_it_is_the_first() -> None:
    assert b"protocol" not in encode_lines([Hello(protocol=1)])
    assert b'"protocol":2' in encode_lines([Hello(protocol=2)])
    assert decode_reply(b'{"status":"ok","facts":{}}').facts == Facts(protocol=1)
