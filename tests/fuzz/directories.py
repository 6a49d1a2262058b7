"""Small real directories of a node and of a coordinator, and what each of their batches made of them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from kvtui.core.metadata_log import MetadataLog, essence
from kvtui.core.read_mode import ReadMode
from kvtui.core.records import Created, Joined, Member, Opened, Record, Seen, Tuned, encode_record
from kvtui.core.ring import Balanced, Ring
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.rocksdb import RocksEngine, open_rocksdb
from kvtui.core.version import Version
from kvtui.node.membership import Membership
from kvtui.node.store import Store

OPENINGS: Final = 3
"""How often the directory was opened: all but the last time it was closed in order, and its log became a table."""
BATCHES: Final = 4
"""Synced batches of each time."""

State = dict[str, Any]
"""What ``tests.fuzz.opener`` finds in a sound directory."""


@dataclass(slots=True)
class Directory:
    """The files, and every state that the directory ever had."""

    kind: str
    files: dict[str, bytes]
    states: list[State] = field(default_factory=list)
    """After each batch, the oldest first."""
    id: str = ""
    """The data id of a node."""
    keys: list[str] = field(default_factory=list)


class Flushing(RocksEngine):
    """RocksDB, whose buffer is full when a test says so."""

    def __init__(self, path: Path) -> None:
        opened = open_rocksdb(path, "a test", reserve=0)
        super().__init__(path, opened._open, 0, opened._lock)

    def flush(self) -> None:
        """Make a table of what is in the log."""
        self._open.flush()


def node_directory(work: Path, *, killed: bool, flushed: bool = False) -> Directory:
    """A node's, with keys written, overwritten and deleted; ``killed`` or closed in order.

    ``flushed``: RocksDB made tables of its log while it ran, as it does when its buffer is full.
    """
    path, made = work / "node", Directory("node", {})
    values: dict[str, str | None] = {}
    for opening in range(OPENINGS):
        engine = Flushing(path)
        store = Store(engine, SeededRandom(opening))
        if not opening:
            store.join(Membership(data_id=store.membership.data_id, cluster="ring", coordinator="c1", epoch=1, slots=8))
        for number in range(BATCHES):
            if flushed and number == 2:
                engine.flush()
            key, other = f"key {opening * BATCHES + number}", f"key {number}"
            changes = {key: f"value of {key}", other: None if number == 1 else f"value {opening} of {other}"}
            for name, value in changes.items():
                version = Version(1, 100 * opening + 10 * number + (name == other))
                store.write(name.encode(), version, None if value is None else value.encode())
                values[name] = value
            if number == 2:
                store.write(b"a large one", Version(1, 1000 + opening), b"x" * 700)
                values["a large one"] = "x" * 700
            store.commit()
            made.states.append(_state(store, values))
        store.write_note(f"note {opening}", Version(1, opening))
        made.states.append(_state(store, values))
        made.id = store.membership.data_id
        _end(store.close, path, made, last=opening == OPENINGS - 1, killed=killed)
    made.keys = list(values)
    return made


def log_directory(work: Path, *, killed: bool) -> Directory:
    """A coordinator's state directory."""
    path, made = work / "state", Directory("log", {})
    ring = Ring.empty(Balanced(), 2, 8)
    for opening in range(OPENINGS):
        log = MetadataLog(open_rocksdb(path / "metadata", "a test", reserve=0))
        appended: list[Record] = [] if opening else [Created("c" * 32, "ring", ring.to_record())]
        appended.append(Opened(opening + 1, f"coordinator {opening}", "here"))
        members = [
            Member(id=f"n{opening}{number}", host="127.0.0.1", port=7000 + number, data_id=f"life {number}")
            for number in range(2)
        ]
        appended += [Joined(member) for member in members]
        appended += [Seen(replace(member, counter=10 + opening)) for member in members]
        appended.append(Tuned(1 + opening % 2, ReadMode.AVAILABLE if opening % 2 else ReadMode.STRICT))
        for record in appended:
            log.append(record)
            made.states.append(
                {"last": log.last, "records": [encode_record(kept).decode() for kept in essence(log.topology)]}
            )
        _end(log.close, path, made, last=opening == OPENINGS - 1, killed=killed)
    return made


def _end(close: Callable[[], object], path: Path, made: Directory, *, last: bool, killed: bool) -> None:
    """Close, and keep the files of the last time: as they lay before, if the process is to have been killed."""
    if last and killed:
        made.files = _files(path)
    close()
    if last and not killed:
        made.files = _files(path)


def _files(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def lay_out(path: Path, files: dict[str, bytes]) -> None:
    """Make ``path`` hold exactly ``files``."""
    shutil.rmtree(path, ignore_errors=True)
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)


def _state(store: Store, values: dict[str, str | None]) -> State:
    return {"values": dict(values), "counter": store.counter, "note": store.read_note()}
