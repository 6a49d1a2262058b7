"""A batch that did not end well, in words."""

from __future__ import annotations

from kvtui.core.cluster import WrittenMany


def unwell(done: WrittenMany) -> str:
    """``3 failed, 2 unknown: no node answers``; empty where all ended well."""
    ends = [f"{done.failed:,} failed"] if done.failed else []
    ends += [f"{done.unknown:,} unknown"] if done.unknown else []
    return f"{', '.join(ends)}: {done.text}" if ends and done.text else ", ".join(ends)
