"""Commands between the cluster and files: load, save."""

from __future__ import annotations

import os
from typing import BinaryIO

import anyio
import anyio.lowlevel
import anyio.to_thread

from kvtui.commands.batching import BATCH_BYTES, BATCH_RECORDS, stopped_at, unwell
from kvtui.commands.command import Argument, Command, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.files import NamedFile, Replacement, named_file, opened, reason
from kvtui.commands.records import BadRecord, Format, Record, head, is_text, read_records, written
from kvtui.commands.wording import counted
from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level

COMPARED_MOST = 200_000
"""Entries of a file whose keys are compared, to tell which come again: some 16 MiB."""


async def load(invocation: Invocation, context: Context) -> bool:
    """``load``: nothing is stored of a file that is wrong; then a batch is acknowledged before the next is read."""
    file = named_file(invocation.values["file"])
    with opened(file) as (stream, size):
        loading = _Loading(file, size, context)
        began = anyio.current_time()
        try:
            notes = await _check(stream, file, size, context)
            for record in read_records(stream, file.form):
                if not await loading.take(record):
                    return False
            if not await loading.store():
                return False
        except (BadRecord, OSError) as error:
            problem = f"reading failed: {reason(error)}" if isinstance(error, OSError) else str(error)
            return await loading.stop(problem)
        except anyio.get_cancelled_exc_class():
            loading.interrupted()
            raise
        finally:
            context.progress("", 0, 0)
    took = anyio.current_time() - began
    context.say(Line(f"Loaded {loading.entries} from {file.name} in {took:.1f} s", Level.GOOD))
    for note in notes:
        context.say(Line(f"load {file.name}: {note}", Level.WARNING))
    return True


async def _check(stream: BinaryIO, file: NamedFile, size: int, context: Context) -> list[str]:
    """Read all of a file, storing nothing. Returns what is right as it stands, and may not be what was meant. Raises BadRecord,
    OSError."""
    notes: list[str] = []
    keys: set[int] = set()
    seen = passed = told = again = 0
    for record in read_records(stream, file.form, notes.append):
        seen += 1
        if seen <= COMPARED_MOST:
            again += hash(record.key) in keys
            keys.add(hash(record.key))
        passed += len(record.key) + len(record.value)
        if seen - told == BATCH_RECORDS or passed > BATCH_BYTES:
            told, passed = seen, 0
            context.progress(f"Checking {file.name}: {counted(seen, 'entry', 'entries')}", record.end, size)
            await anyio.lowlevel.checkpoint()
    if again:
        repeat = counted(again, "entry repeats", "entries repeat")
        notes.append(f"{repeat} a key of this file: the last value of each stays")
    if not seen:
        notes.append("there are no entries in it")
    return notes


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
        self._begun = False

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
        self._begun = True
        done = await self._context.cluster.put_many(self._batch)
        self._batch, self._bytes = [], 0
        self._stored += done.ok
        self._context.progress(f"Loading {self._file.name}: {self.entries}", self._end, self._size)
        if done.failed == 0 and done.unknown == 0:
            await anyio.lowlevel.checkpoint()
            return True
        self._stopped(unwell(done))
        return False

    async def stop(self, problem: str) -> bool:
        """Store what came before the problem, if anything was stored before it was seen, then say both. Always False."""
        if not self._begun or await self.store():
            self._stopped(problem)
        return False

    def interrupted(self) -> None:
        """A person stopped it."""
        if self._begun:
            self._stopped("interrupted", under_way=len(self._batch))

    def _stopped(self, problem: str, *, under_way: int = 0) -> None:
        stored = f"{stopped_at(self.entries, 'stored', under_way)}; loading again stores the same"
        kept = stored if self._begun else "Nothing was loaded"
        self._context.say(Line(f"load {self._file.name}: {problem}. {kept}", Level.BAD))


async def save(invocation: Invocation, context: Context) -> bool:
    """``save``: the file appears whole or not at all."""
    file = named_file(invocation.values["file"])
    replacement = Replacement(file)
    saved, text = 0, True
    try:
        replacement.write(head(file.form))
        async for page in context.cluster.scan():
            for item in page:
                assert item.value is not None, "a scan with values"
                replacement.write(written(item.key, item.value, file.form))
                text = text and (file.form is not Format.CSV or (is_text(item.key) and is_text(item.value)))
            saved += len(page)
            total = max(saved, context.cluster.snapshot().keys)
            context.progress(f"Saving {file.name}: {counted(saved, 'key')}", saved, total)
            await anyio.lowlevel.checkpoint()
        if not text:
            replacement.begin_with(head(file.form, text=False))
        await anyio.to_thread.run_sync(replacement.commit)
    except ClusterError as error:
        return _not_saved(str(error), file, context)
    except anyio.get_cancelled_exc_class():
        _not_saved("interrupted", file, context)
        raise
    finally:
        replacement.discard()
        context.progress("", 0, 0)
    context.say(Line(f"Saved {counted(saved, 'key')} to {file.name}", Level.GOOD))
    return True


def _not_saved(why: str, file: NamedFile, context: Context) -> bool:
    kept = "left as it was" if os.path.exists(file.path) else "not written"
    context.say(Line(f"save {file.name}: {why}. The file is {kept}", Level.BAD))
    return False


COMMANDS: tuple[Command, ...] = (
    Command(
        "load",
        (Argument("file", "a .jsonl or .csv file; the rest of the line", Kind.FILE, rest=True),),
        "Store the keys and values of a file",
        'JSON lines, each {"key": ..., "value": ...}, with {"b64": ...} for bytes that are not UTF-8; or CSV with two columns, key'
        " and value, separated by commas (by semicolons under a header key;value or below a line sep=;). A first row key,value, in"
        " any case, is the header; under key,bytes cells are bytes of any kind, else UTF-8. The whole file is read first: where a"
        " line of it is wrong, that is told, and nothing is stored. Of a key that comes twice the last value stays.",
        load,
        changes=True,
    ),
    Command(
        "save",
        (Argument("file", "a .jsonl or .csv file; the rest of the line", Kind.FILE, rest=True),),
        "Write all keys and values to a file",
        "In the formats of load; CSV with bytes that are not UTF-8 has the header key,bytes. The file is written under another name"
        " and takes its place when it is complete; one of that name is replaced. A key written meanwhile may be in it or not.",
        save,
        changes=False,
    ),
)
