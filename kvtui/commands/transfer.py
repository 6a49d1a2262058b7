"""Commands between the cluster and files: load, save."""

from __future__ import annotations

import os

import anyio
import anyio.lowlevel
import anyio.to_thread

from kvtui.commands.command import Argument, Command, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.files import NamedFile, Replacement, named_file, opened, reason
from kvtui.commands.records import BadRecord, Record, head, read_records, written
from kvtui.commands.wording import counted
from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level

BATCH_RECORDS = 1000
BATCH_BYTES = 4 * 1024 * 1024
"""A batch ends at whichever comes first; a single larger record goes alone."""


async def load(invocation: Invocation, context: Context) -> bool:
    """``load``: a batch is acknowledged before the next is read."""
    file = named_file(invocation.values["file"])
    with opened(file) as (stream, size):
        loading = _Loading(file, size, context)
        began = anyio.current_time()
        try:
            for record in read_records(stream, file.form):
                if not await loading.take(record):
                    return False
            if not await loading.store():
                return False
        except (BadRecord, OSError) as error:
            problem = f"reading failed: {reason(error)}" if isinstance(error, OSError) else str(error)
            return await loading.stop(problem)
        finally:
            context.progress("", 0, 0)
    took = anyio.current_time() - began
    context.say(Line(f"Loaded {loading.entries} from {file.name} in {took:.1f} s", Level.GOOD))
    return True


class _Loading:
    """A load under way: the batch being gathered and how many entries are stored."""

    def __init__(self, file: NamedFile, size: int, context: Context) -> None:
        self._file = file
        self._size = size
        self._context = context
        self._batch: list[tuple[bytes, bytes]] = []
        self._bytes = 0
        self._end = 0
        self._stored = 0

    @property
    def entries(self) -> str:
        return counted(self._stored, "entry", "entries")

    async def take(self, record: Record) -> bool:
        """Add a record; store the batch first when the record would overfill it. False when storing failed."""
        size = len(record.key) + len(record.value)
        full = len(self._batch) == BATCH_RECORDS or self._bytes + size > BATCH_BYTES
        if self._batch and full and not await self.store():
            return False
        self._batch.append((record.key, record.value))
        self._bytes += size
        self._end = record.end
        return True

    async def store(self) -> bool:
        """Store the batch; on a failure say how far it came."""
        if not self._batch:
            return True
        done = await self._context.cluster.put_many(self._batch)
        self._batch, self._bytes = [], 0
        self._stored += done.ok
        self._context.progress(f"Loading {self._file.name}: {self.entries}", self._end, self._size)
        if done.failed == 0 and done.unknown == 0:
            await anyio.lowlevel.checkpoint()
            return True
        ends = [f"{done.failed:,} failed"] if done.failed else []
        ends += [f"{done.unknown:,} unknown"] if done.unknown else []
        self._stopped(f"{', '.join(ends)}: {done.text}" if done.text else ", ".join(ends))
        return False

    async def stop(self, problem: str) -> bool:
        """Store what came before the problem, then say both. Always False."""
        if await self.store():
            self._stopped(problem)
        return False

    def _stopped(self, problem: str) -> None:
        text = (
            f"load {self._file.name}: {problem}. Stopped: {self.entries} stored before; loading again stores the same"
        )
        self._context.say(Line(text, Level.BAD))


async def save(invocation: Invocation, context: Context) -> bool:
    """``save``: the file appears whole or not at all."""
    file = named_file(invocation.values["file"])
    replacement = Replacement(file)
    saved = 0
    try:
        replacement.write(head(file.form))
        async for page in context.cluster.scan():
            for item in page:
                assert item.value is not None, "a scan with values"
                replacement.write(written(item.key, item.value, file.form))
            saved += len(page)
            total = max(saved, context.cluster.snapshot().keys)
            context.progress(f"Saving {file.name}: {counted(saved, 'key')}", saved, total)
            await anyio.lowlevel.checkpoint()
        await anyio.to_thread.run_sync(replacement.commit)
    except ClusterError as error:
        kept = "left as it was" if os.path.exists(file.path) else "not written"
        context.say(Line(f"save {file.name}: {error}. The file is {kept}", Level.BAD))
        return False
    finally:
        replacement.discard()
        context.progress("", 0, 0)
    context.say(Line(f"Saved {counted(saved, 'key')} to {file.name}", Level.GOOD))
    return True


COMMANDS: tuple[Command, ...] = (
    Command(
        "load",
        (Argument("file", "a .jsonl or .csv file; the rest of the line", Kind.FILE, rest=True),),
        "Store the keys and values of a file",
        'JSON lines, each {"key": ..., "value": ...}, with {"b64": ...} for bytes that are not UTF-8; or CSV with two columns, key'
        " and value (a first row key,value is the header). Stops at the first line that is wrong and says how many are stored.",
        load,
        changes=True,
    ),
    Command(
        "save",
        (Argument("file", "a .jsonl or .csv file; the rest of the line", Kind.FILE, rest=True),),
        "Write all keys and values to a file",
        "In the formats of load. The file is written under another name and takes its place when it is complete; one of that"
        " name is replaced. A key written meanwhile may be in it or not.",
        save,
        changes=False,
    ),
)
