"""Putting and deleting a key for a person: asking where something may be lost, and saying truthfully how it ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kvtui.commands.wording import counted, shown
from kvtui.core.cluster import Outcome, Read, Written
from kvtui.core.events import Level
from kvtui.core.version import Version
from kvtui.screens.key_browser.port import KeyStore

Ask = Callable[[str, str], Awaitable[bool]]
"""Shows a command and a question; True when the person said yes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person knew of a key when they began to write: its version, and whether it had a value."""

    version: Version
    present: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """How writing ended. ``version`` is what the key has now; None when that isn't known, or nothing was done."""

    done: bool
    text: str
    level: Level = Level.INFO
    version: Version | None = None


async def put(keys: KeyStore, key: bytes, value: bytes, seen: Seen | None, ask: Ask) -> Ended:
    """Store a value, unless somebody else wrote since and the person would rather not overwrite that.

    ``seen`` None: the person believes the key to be new. A write between the question and the put is overwritten: the
    cluster has no conditional put.
    """
    now = await keys.get(key)
    if now.outcome is not Outcome.OK:
        why = f": {now.text}" if now.text else ""
        return Ended(False, f"not stored: whether {shown(key)} changed can't be read{why}", Level.BAD)
    question = changed_since(key, seen, now)
    if question and not await ask(f"put {shown(key)}", question):
        return Ended(False, f"{shown(key)}: not stored, the newer value stays", Level.WARNING)
    return put_ended(key, await keys.put(key, value))


async def delete(keys: KeyStore, key: bytes, ask: Ask) -> Ended:
    """Delete a key, once the person said yes."""
    if not await ask(f"del {shown(key)}", "Delete this key and its value on every replica? It can't be taken back."):
        return Ended(False, f"{shown(key)}: not deleted", Level.INFO)
    return delete_ended(key, await keys.delete(key))


def changed_since(key: bytes, seen: Seen | None, now: Read) -> str:
    """What to ask before ``now`` is overwritten; empty when it is what the person saw."""
    if seen is None or not seen.present:
        if now.value is None:
            return ""
        size = counted(len(now.value), "byte")
        return f"{shown(key)} is there already, with a value of {size} at version {now.version}. Overwrite it?"
    if now.value is None:
        return f"{shown(key)} was deleted since you read it. Store it again?"
    if now.version == seen.version:
        return ""
    size = counted(len(now.value), "byte")
    return (
        f"{shown(key)} changed since you read it: from version {seen.version} to {now.version}, {size} now."
        " Overwrite the newer value?"
    )


def put_ended(key: bytes, written: Written) -> Ended:
    """The end of a put in one line."""
    if written.outcome is Outcome.OK:
        said = f"stored {shown(key)}, version {written.version}{_lacking(written)}"
        return Ended(True, said, Level.WARNING if _lacking(written) else Level.GOOD, written.version)
    return _not_done(written, f"{shown(key)} was not stored", f"{shown(key)} may or may not be stored")


def delete_ended(key: bytes, written: Written) -> Ended:
    """The end of a delete in one line."""
    if written.outcome is Outcome.OK:
        did = f"deleted {shown(key)}" if written.existed else f"{shown(key)} was not there any more"
        return Ended(True, did + _lacking(written), Level.WARNING if _lacking(written) else Level.GOOD, written.version)
    return _not_done(written, f"{shown(key)} was not deleted", f"{shown(key)} may or may not be deleted")


def _not_done(written: Written, failed: str, unknown: str) -> Ended:
    why = f": {written.text}" if written.text else ""
    if written.outcome is Outcome.FAILED:
        return Ended(False, f"failed, {failed}{why}", Level.BAD)
    return Ended(False, f"outcome unknown, {unknown}{why}", Level.BAD)


def _lacking(written: Written) -> str:
    """Replicas that did not take part, though the write is acknowledged."""
    lacking = [answer.node for answer in written.replicas if answer.status not in ("ok", "not_found")]
    return (
        f"; not yet on {', '.join(lacking)}, which {'catches' if len(lacking) == 1 else 'catch'} up" if lacking else ""
    )
