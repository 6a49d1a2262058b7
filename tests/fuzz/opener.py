"""``python -m tests.fuzz.opener``: opens directories as a node and a coordinator do, in a process that may crash.

Reads one JSON object a line: ``kind`` ("node" or "log"), ``path``, and for a node the ``keys`` to read and whether it is to open
``unread``. Writes one line for each: what it found, or why it refused.
"""

import json
import sys
from pathlib import Path
from typing import Any

from kvtui.core.cluster import ClusterError
from kvtui.core.metadata_log import essence
from kvtui.core.opening import Settings, _open_engine, _open_log, real_seams
from kvtui.core.records import encode_record
from kvtui.core.seams.storage import EngineFailed
from kvtui.node.process import CannotStart, _open_store
from kvtui.node.record import is_live, key_of, value_of
from kvtui.node.store import OPENING_ENTRIES, EntryDamaged, Store


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        path = Path(asked["path"])
        try:
            found = open_log(path) if asked["kind"] == "log" else open_node(path, asked["keys"], asked["unread"])
        except (CannotStart, ClusterError) as error:
            found = {"refused": str(error)}
        except EngineFailed as error:
            found = {"failed": str(error)}
        except Exception as error:
            found = {"crashed": repr(error)}
        print(json.dumps(found), flush=True)


def open_node(path: Path, keys: list[str], unread: bool) -> dict[str, Any]:
    """What a node has of ``keys``: a value, None for an absent one, and "damaged" apart."""
    store = _open_store("127.0.0.1", 0, path, at_opening=0 if unread else OPENING_ENTRIES)
    try:
        values, damaged = {}, []
        for key in keys:
            try:
                values[key] = _read(store, key)
            except EntryDamaged:
                damaged.append(key)
        scanned = [
            key_of(where).decode(errors="replace")
            for where, kept in store.scan(0, store.table.slots, None)
            if is_live(kept)
        ]
        own = store.membership
        return {
            "values": values,
            "damaged": damaged,
            "scanned": scanned,
            "damages": store.table.damages,
            "keys": sum(store.table.live),
            "counter": store.counter,
            "id": own.data_id,
            "cluster": own.cluster,
            "epoch": own.epoch,
            "note": store.read_note(),
        }
    finally:
        store.close()


def _read(store: Store, key: str) -> str | None:
    record = store.read(key.encode())
    return value_of(record).decode(errors="replace") if record is not None and is_live(record) else None


def open_log(path: Path) -> dict[str, Any]:
    """The topology that a coordinator's log makes, as its essential records, and the number of its newest one."""
    settings, seams = Settings(path), real_seams()
    engine = _open_engine(settings, seams)
    try:
        log = _open_log(engine, settings, seams)
        return {"last": log.last, "records": [encode_record(record).decode() for record in essence(log.topology)]}
    finally:
        engine.close()


if __name__ == "__main__":
    main()
