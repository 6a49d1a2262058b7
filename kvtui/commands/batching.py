"""Many keys, stored or deleted in batches: how large those are, and how one ended, in words."""

from __future__ import annotations

from kvtui.core.cluster import WrittenMany

BATCH_RECORDS = 1000
BATCH_BYTES = 4 * 1024 * 1024
"""A batch ends at whichever comes first; a single larger record goes alone."""


def unwell(done: WrittenMany) -> str:
    """``3 failed, 2 unknown: no node answers``; empty where all ended well."""
    ends = [f"{done.failed:,} failed"] if done.failed else []
    ends += [f"{done.unknown:,} unknown"] if done.unknown else []
    return f"{', '.join(ends)}: {done.text}" if ends and done.text else ", ".join(ends)


def stopped_at(sure: str, done: str, under_way: int) -> str:
    """``Stopped: 2,000 of 5,000 keys stored before``; what becomes of a batch ``under_way`` nobody waited to hear."""
    if not under_way:
        return f"Stopped: {sure} {done} before"
    return f"Stopped: at least {sure} {done}, up to {under_way:,} more may be"
