"""Bytes that one stored key takes: in one kvtui memory node, and in one valkey server."""

import tempfile
from pathlib import Path

from contenders import valkey
from contenders.cases import BATCH, items
from contenders.processes import descendants, resident_bytes


async def kvtui_memory(keys: int) -> dict[str, object]:
    """Growth of the node's process, a key. Raises RuntimeError where a key can't be stored."""
    from kvtui.core.opening import Settings, open_cluster

    pairs = items(2, keys)
    async with open_cluster(Settings(None, name="peers", nodes=1, replication=1)) as cluster:
        node = descendants()
        before = resident_bytes(node)
        for start in range(0, keys, BATCH):
            batch = pairs[start : start + BATCH]
            if (written := await cluster.put_many(batch)).ok != len(batch):
                raise RuntimeError(f"a batch failed: {written.text}")
        return {"keys": keys, "resident": (resident_bytes(node) - before) / keys}


async def valkey_memory(keys: int) -> dict[str, object]:
    """Growth of ``used_memory`` and of the server's process, a key."""
    from redis import Redis

    pairs = items(2, keys)
    with (
        tempfile.TemporaryDirectory(prefix="kvtui-peers-") as directory,
        valkey.serving(Path(directory)) as port,
        Redis("127.0.0.1", port) as client,
    ):
        before = client.info("memory")
        for start in range(0, keys, BATCH):
            client.mset(dict(pairs[start : start + BATCH]))
        after = client.info("memory")
    grown = {name: (after[name] - before[name]) / keys for name in ("used_memory_rss", "used_memory")}
    return {"keys": keys, "resident": grown["used_memory_rss"], "used": grown["used_memory"]}
