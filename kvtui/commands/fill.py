"""Commands for something to look at: fill, clear."""

from __future__ import annotations

from typing import Final

import anyio
import anyio.lowlevel

from kvtui.commands.batching import BATCH_BYTES, BATCH_RECORDS, stopped_at, unwell
from kvtui.commands.command import Argument, Command, CommandError, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.made_up import NUMBER_MOST, PREFIX, SIZE_LEAST, SIZE_MOST, is_made_up, key_of, number_of, value_of
from kvtui.commands.wording import counted
from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level

SIZE: Final = 100
"""Bytes of a value, unless a person says otherwise."""
KEYS_MOST: Final = 10_000_000
BYTES_MOST: Final = 1024 * 1024 * 1024
"""Keys, and bytes of their values, that one ``fill`` makes at most."""


def asked_for(invocation: Invocation) -> tuple[int, int]:
    """How many keys, and how large their values. Raises CommandError for what is too much or too little."""
    number, size = int(invocation.values["N"]), int(invocation.values.get("size", SIZE))
    if number > KEYS_MOST:
        raise CommandError(f"N: {KEYS_MOST:,} at most, not {number:,}", "N")
    if not SIZE_LEAST <= size <= SIZE_MOST:
        raise CommandError(f"size: {SIZE_LEAST} to {SIZE_MOST:,} bytes, not {size:,}", "size")
    if number * size > BYTES_MOST:
        raise CommandError(
            f"N: {counted(number, 'key')} of {size:,} bytes are more than 1 GiB, the most that is made at once: at most"
            f" {BYTES_MOST // size:,} of them",
            "N",
        )
    return number, size


async def fill(invocation: Invocation, context: Context) -> bool:
    """``fill``: behind the keys that are there."""
    number, size = asked_for(invocation)
    if not context.cluster.snapshot().nodes:
        raise ClusterError("fill: there are no nodes to hold keys; add some first: addnode A 5001")
    began = anyio.current_time()
    stored = under_way = 0
    try:
        first = await _first_free(context)
        last = first + number - 1
        if last > NUMBER_MOST:
            raise ClusterError(
                f"fill: its keys are numbered up to {NUMBER_MOST:,}, and {first - 1:,} are taken: clear first"
            )
        step = max(1, min(BATCH_RECORDS, BATCH_BYTES // size))
        for start in range(first, last + 1, step):
            keys = [key_of(at) for at in range(start, min(start + step, last + 1))]
            under_way = len(keys)
            done = await context.cluster.put_many([(key, value_of(key, size)) for key in keys])
            stored, under_way = stored + done.ok, 0
            context.progress(f"Filling: {counted(stored, 'key')}", stored, number)
            if done.failed or done.unknown:
                return _stopped(unwell(done), stored, number, context)
            await anyio.lowlevel.checkpoint()
    except anyio.get_cancelled_exc_class():
        _stopped("interrupted", stored, number, context, under_way)
        raise
    finally:
        context.progress("", 0, 0)
    took = anyio.current_time() - began
    names = f"{key_of(first).decode()} to {key_of(last).decode()}" if number > 1 else key_of(first).decode()
    made = f"{counted(number, 'key')}, {names}, of {size:,} bytes each"
    context.say(Line(f"Filled: {made}, in {took:.1f} s; clear deletes what fill made", Level.GOOD))
    return True


async def _first_free(context: Context) -> int:
    """The number behind all that keys of this shape have, whoever wrote those. Raises ClusterError."""
    newest = 0
    told = "Looking for keys that fill made"
    async for page in context.cluster.scan(
        PREFIX, values=False, passed=lambda part: context.progress(told, round(1000 * part), 1000)
    ):
        newest = max(newest, *(number_of(item.key) or 0 for item in page), 0)
    return newest + 1


def _stopped(why: str, stored: int, number: int, context: Context, under_way: int = 0) -> bool:
    reached = stopped_at(f"{stored:,} of {counted(number, 'key')}", "stored", under_way)
    context.say(Line(f"fill: {why}. {reached}; clear deletes what fill made", Level.BAD))
    return False


async def clear(_invocation: Invocation, context: Context) -> bool:
    """``clear``: what is there with the name and the value that ``fill`` gave it."""
    deleted = others = done_of_1000 = under_way = 0

    def told(part: float) -> None:
        nonlocal done_of_1000
        done_of_1000 = round(1000 * part)

    try:
        async for page in context.cluster.scan(PREFIX, passed=told):
            shaped = [item for item in page if number_of(item.key) is not None]
            made_up = [item.key for item in shaped if item.value is not None and is_made_up(item.key, item.value)]
            others += len(shaped) - len(made_up)
            if made_up:
                under_way = len(made_up)
                done = await context.cluster.delete_many(made_up)
                deleted, under_way = deleted + done.ok, 0
                if done.failed or done.unknown:
                    return _not_all(unwell(done), deleted, context)
            context.progress(f"Clearing: {counted(deleted, 'key')}", done_of_1000, 1000)
            await anyio.lowlevel.checkpoint()
    except ClusterError as error:
        return _not_all(str(error), deleted, context, under_way)
    except anyio.get_cancelled_exc_class():
        _not_all("interrupted", deleted, context, under_way)
        raise
    finally:
        context.progress("", 0, 0)
    if deleted:
        context.say(Line(f"Cleared: {counted(deleted, 'key')} that fill had made", Level.GOOD))
    else:
        context.say(Line("Nothing to clear: no key is one that fill made"))
    if others:
        left = "key is" if others == 1 else "keys are"
        context.say(Line(f"{others:,} {left} named as fill names them, but of another value: not deleted"))
    return True


def _not_all(why: str, deleted: int, context: Context, under_way: int = 0) -> bool:
    reached = stopped_at(counted(deleted, "key"), "deleted", under_way)
    context.say(Line(f"clear: {why}. {reached}; clear again deletes the rest", Level.BAD))
    return False


COMMANDS: tuple[Command, ...] = (
    Command(
        "fill",
        (Argument("N", f"how many keys; {KEYS_MOST:,} at most", Kind.COUNT),),
        "Make up keys, to have something to look at",
        "They are named made-1, made-2 and on, and each value says of which key it is. A second fill goes on behind the first, and"
        " no key that is there is written over. clear deletes them all.",
        fill,
        settings=(Argument("size", f"bytes of a value ({SIZE}); {SIZE_LEAST} to {SIZE_MOST:,}", Kind.COUNT),),
        changes=True,
    ),
    Command(
        "clear",
        (),
        "Delete the keys that fill made up",
        "Those whose name and value are both as fill makes them; what you wrote yourself stays, even under such a name.",
        clear,
        destructive=True,
        question="Delete all keys that fill made up? What was written otherwise stays.",
        changes=True,
    ),
)
