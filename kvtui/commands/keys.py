"""Commands about keys: put, get, del, keys, where."""

from __future__ import annotations

import anyio.to_thread

from kvtui.commands import original, plain
from kvtui.commands.command import Argument, Command, CommandError, Flag, Invocation, Kind
from kvtui.commands.context import Context, Line, Voice
from kvtui.commands.copies import copy_is_fine, copy_words, newest_of
from kvtui.commands.placed import why_words
from kvtui.commands.rising import to_come
from kvtui.commands.wording import shown, to_bytes, whole
from kvtui.core.cluster import Location, Outcome, Read, ReplicaCopy, Written
from kvtui.core.events import Level
from kvtui.core.version import Version
from kvtui.notation import NOT_FOUND

LISTED_KEYS = 100
"""Keys that ``keys`` prints without ``--all``."""
WRITTEN_AT_ONCE = 256 * 1024
"""Bytes of a value above which writing it out takes a thread: megabytes of escapes take seconds."""
COUNTED_KEYS = 100_000
"""Keys beyond those that it still counts, to say how many more there are."""


async def put(invocation: Invocation, context: Context) -> bool:
    """``put``."""
    key, value = to_bytes(invocation.values["key"]), to_bytes(invocation.values["value"])
    written = await context.cluster.put(key, value)
    more = to_come(len(written.replicas), context.cluster.snapshot()) if written.outcome is Outcome.OK else ""
    context.answer(original.stored(key, value, written, more), plain.stored(key, value, written, more))
    return _ended_well(written, f"put {shown(key)}", context)


async def delete(invocation: Invocation, context: Context) -> bool:
    """``del``. A key that was not there is no failure."""
    key = to_bytes(invocation.values["key"])
    written = await context.cluster.delete(key)
    context.answer(original.deleted(key, written), plain.deleted(key, written))
    return _ended_well(written, f"del {shown(key)}", context)


def _ended_well(written: Written, asked: str, context: Context) -> bool:
    if written.outcome is Outcome.OK:
        return True
    context.say(Line(_failure(asked, written.outcome, written.text), Level.BAD))
    return False


def _failure(asked: str, outcome: Outcome, text: str) -> str:
    meaning = "failed" if outcome is Outcome.FAILED else "outcome unknown (it may have happened)"
    return f"{asked}: {meaning}: {text}" if text else f"{asked}: {meaning}"


async def get(invocation: Invocation, context: Context) -> bool:
    """``get``. A key that is not there is an answer, not a failure, but for a pipe that waits for its bytes."""
    key = to_bytes(invocation.values["key"])
    if "--raw" in invocation.flags:
        return await _get_raw(key, context)
    read = await context.cluster.get(key)
    if read.outcome is not Outcome.OK:
        context.say(Line(_failure(f"get {shown(key)}", read.outcome, read.text), Level.BAD))
        return False
    if context.voice is Voice.PLAIN:
        context.answer((), plain.found(key, read))
    elif read.value is not None and len(read.value) > WRITTEN_AT_ONCE:
        context.answer(await anyio.to_thread.run_sync(original.found, key, read), ())
    else:
        context.answer(original.found(key, read), ())
    if read.stale:
        context.say(Line(_stale(read), Level.WARNING))
    return True


async def _get_raw(key: bytes, context: Context) -> bool:
    """The bytes alone; all that is to be said beside them is said as failures are, apart from the output."""
    if context.raw is None:
        raise CommandError(
            "get --raw writes to a pipe or a file: kvtui -c 'get --raw <key>' > <file>; here, get without it"
        )
    read = await context.cluster.get(key)
    if read.outcome is not Outcome.OK:
        context.say(Line(_failure(f"get {shown(key)}", read.outcome, read.text), Level.BAD))
        return False
    if read.value is None:
        context.say(Line(f"{shown(key)} -> {NOT_FOUND}", Level.BAD))
        return False
    if read.stale:
        context.say(Line(_stale(read), Level.BAD))
    context.raw(read.value)
    return True


def _stale(read: Read) -> str:
    why = f": {read.text}" if read.text else ""
    return f"stale: {read.node} answered, which may lack newer writes{why}"


async def keys(invocation: Invocation, context: Context) -> bool:
    """``keys``: in ring order, a page at a time."""
    prefix = to_bytes(invocation.values.get("prefix", ""))
    limit = None if "--all" in invocation.flags else LISTED_KEYS
    seen = 0
    async for page in context.cluster.scan(prefix, values=False):
        for item in page:
            if limit is None or seen < limit:
                context.say(Line(whole(item.key)))
            seen += 1
        if limit is not None and seen > limit + COUNTED_KEYS:
            break
    if seen == 0:
        context.say(Line(f"No keys begin with {shown(prefix)}" if prefix else "No keys"))
    elif limit is not None and seen > limit:
        more = seen - limit
        number = f"{more:,}" if more <= COUNTED_KEYS else f"over {COUNTED_KEYS:,}"
        context.say(Line(f"… and {number} more (keys --all lists every key)"))
    return True


async def where(invocation: Invocation, context: Context) -> bool:
    """``where``: the key's place, and what each of its replicas holds."""
    key = to_bytes(invocation.values["key"])
    location = await context.cluster.locate(key)
    context.located(location)
    for line in location_lines(location, why_words(context.cluster.snapshot(), location.position)):
        context.say(line)
    return True


def location_lines(location: Location, why: str = "") -> list[Line]:
    """A location in words: token, range, replicas and ``why`` they are those, one line a replica."""
    lines = [
        Line(f"Key {shown(location.key)}"),
        Line(f"  token     0x{location.token:016x}, {_percent(location.position)} round the ring"),
        Line(f"  range     {_percent(location.start)} to {_percent(location.stop)}"),
    ]
    if not location.replicas:
        return [*lines, Line("  replicas  none: the cluster has no nodes", Level.WARNING)]
    lines.append(Line(f"  replicas  {' '.join(copy.node for copy in location.replicas)}"))
    if why:
        lines.append(Line(f"            {why}"))
    newest = newest_of(location.replicas)
    return [*lines, *(_copy_line(copy, newest) for copy in location.replicas)]


def _copy_line(copy: ReplicaCopy, newest: Version) -> Line:
    level = Level.INFO if copy_is_fine(copy, newest) else Level.WARNING
    return Line(f"  {copy.node}: {copy_words(copy, newest)}", level)


async def browse(invocation: Invocation, context: Context) -> bool:
    """``browse``: the front end shows keys on a screen of its own."""
    if context.browse is None:
        raise CommandError("browse needs the dashboard; here, list keys with: keys")
    context.browse(invocation.values.get("prefix", ""))
    return True


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"


NOTATION = (
    'What is not plain text is shown in double quotes and can be typed so: "two words", "a\\nb" with a newline, "\\xff" a byte,'
    ' "\\u200b" a character by its number. Without quotes, or in single ones, a backslash is a backslash.'
)

_KEY = Argument("key", "in quotes if it holds spaces", Kind.KEY)

COMMANDS: tuple[Command, ...] = (
    Command(
        "put",
        (_KEY, Argument("value", "the rest of the line", Kind.VALUE, rest=True)),
        "Store a key-value pair",
        'The value is the rest of the line; quotes that enclose all of it are taken off: put greeting "hello world" and'
        f" put greeting hello world store the same. {NOTATION}",
        put,
        changes=True,
    ),
    Command(
        "get",
        (_KEY,),
        "Read a key's value",
        "The answer is never older than what was acknowledged or read before. With reads available, one that may be is"
        " called stale."
        f" {NOTATION}"
        " get --raw, in a shell, writes the value's bytes alone, for a pipe or a file; a key that is not there is a failure then.",
        get,
        flags=(Flag("--raw", "the value's bytes alone, to a pipe or a file"),),
        changes=False,
    ),
    Command(
        "del",
        (_KEY,),
        "Delete a key",
        "It is deleted on every replica. A key that is not there is no failure.",
        delete,
        changes=True,
    ),
    Command(
        "keys",
        (Argument("prefix", "what the keys begin with", Kind.KEY, optional=True),),
        "List keys",
        f"In the order of their places on the ring, not of the alphabet; the first {LISTED_KEYS}, unless --all is given.",
        keys,
        flags=(Flag("--all", "list every key"),),
        changes=False,
    ),
    Command(
        "browse",
        (Argument("prefix", "what the keys begin with", Kind.KEY, optional=True),),
        "Search, view, edit and delete keys on a screen",
        "In the dashboard, F3 as well: keys as they are found, in ring order, their values, and what each replica holds.",
        browse,
        changes=False,
    ),
    Command(
        "where",
        (_KEY,),
        "Show where a key lives, and why",
        "Its token, the range of the ring that the token falls into, the range's replicas and the version on each.",
        where,
        changes=False,
    ),
)
