"""The result of a run as JSON: what ran where, under which guarantee, and how fast."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from kvtui.bench.histogram import HdrCounts
from kvtui.bench.view import BenchView, Ends, NodeLoad, Percentiles, Second
from kvtui.bench.workloads import Keys
from kvtui.core.formats import UNKNOWN_FIELD, newer, unknown_to
from kvtui.core.malformed import MALFORMED, what_is_wrong

FORMAT: Final = 1
"""Raised when an older kvtui could not make sense of a file."""
RESULT_BYTES: Final = 4 * 1024 * 1024
"""Largest file that is read."""


class BadResult(Exception):
    """A file that is no result of a run; the text says why, in one line."""


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where it ran."""

    system: str
    processor: str
    cpus: int
    python: str
    loop: str
    """``asyncio`` or ``uvloop``."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked for. ``rate`` None: a closed loop."""

    workload: str
    mix: dict[str, int]
    """Percent of each kind of operation."""
    keys: Keys
    records: int
    size: int
    clients: int
    rate: int | None
    seconds: int | None
    operations: int | None


class Guaranteed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an acknowledgement meant: the effective guarantee."""

    words: str
    weakened: str
    """What held at a moment of the run when it was less than settings and nodes make possible; empty: never."""
    copies: int
    """Nodes that keep each key (N)."""
    quorum: int
    """Synced copies without which no write is acknowledged (W)."""
    durable: bool
    reads: str
    policy: str
    nodes: int


class Operations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of operation, or all; latencies in milliseconds."""

    ends: Ends
    latency: Percentiles
    """Corrected for coordinated omission, as ``omission`` says."""
    uncorrected: Percentiles
    """From when operations were really begun."""


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run."""

    kvtui: str
    """The version that ran it."""
    began: str
    """When clients began, in UTC: ``2026-01-31T12:00:00Z``."""
    machine: Machine
    request: Request
    guarantee: Guaranteed
    omission: str
    """How latencies were corrected for coordinated omission, in words."""
    clients: str
    """Where clients ran, in words."""
    elapsed: float
    """Seconds until the last operation had ended."""
    rate: float
    """Operations that ended ok, a second."""
    cpu: float
    """Microseconds that this process computed for each operation, clients and coordinator together."""
    whole: Operations
    operations: dict[str, Operations]
    seconds: list[Second]
    nodes: list[NodeLoad]
    counted: str = HdrCounts.words
    """What latencies were counted in, and how exactly, in words; the first results did not say it."""
    format: Literal["kvtui-bench"] = "kvtui-bench"
    version: int = FORMAT


class _Version(msgspec.Struct):
    format: str
    version: int


def encode(result: Result) -> bytes:
    """As indented JSON."""
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def decode(data: bytes) -> Result:
    """Raises BadResult."""
    try:
        found = msgspec.json.decode(data, type=_Version)
    except MALFORMED:
        raise BadResult("it is no result of kvtui bench") from None
    if found.format != "kvtui-bench":
        raise BadResult("it is no result of kvtui bench")
    if found.version > FORMAT:
        raise BadResult(f"it was {newer(found.version, FORMAT)}")
    if found.version != FORMAT:
        raise BadResult(f"it has format {found.version}, and this kvtui reads format {FORMAT}: run it again")
    try:
        return msgspec.json.decode(data, type=Result)
    except MALFORMED as error:
        wrong = what_is_wrong(error, data)
        if UNKNOWN_FIELD in wrong:
            raise BadResult(f"it was {unknown_to(wrong, FORMAT)}") from None
        raise BadResult(f"it is damaged: {' '.join(wrong.split())[:120]}") from None


def result_of(
    view: BenchView,
    *,
    kvtui: str,
    began: str,
    machine: Machine,
    guaranteed: Guaranteed,
    interval: int,
    unbegun: int,
    cpu_seconds: float,
    counted: str,
) -> Result:
    """What a view, after the last operation, says of a run. ``interval``, ``unbegun`` and ``counted`` as in ``Bench``."""
    asked, ends = view.asked, view.ends
    return Result(
        kvtui=kvtui,
        began=began,
        machine=machine,
        request=Request(
            asked.workload.name,
            {str(op): percent for op, percent in asked.workload.mix},
            asked.keys,
            asked.records,
            asked.size,
            asked.clients,
            asked.rate,
            asked.seconds if asked.operations is None else None,
            asked.operations,
        ),
        guarantee=guaranteed,
        omission=omission(asked.rate, interval, unbegun),
        clients=f"tasks of kvtui's own event loop ({machine.loop}), beside its coordinator if it has one",
        elapsed=round(view.elapsed, 6),
        rate=view.rate,
        cpu=1e6 * cpu_seconds / ends.all if ends.all else 0.0,
        whole=Operations(ends, view.whole, view.measured),
        operations={str(one.op): Operations(one.ends, one.latency, one.uncorrected) for one in view.ops},
        seconds=list(view.seconds),
        nodes=list(view.nodes),
        counted=counted,
    )


def omission(rate: int | None, interval: int, unbegun: int) -> str:
    """What was done about coordinated omission. ``interval`` in microseconds."""
    if rate is not None:
        late = f"; {unbegun:,} were late to the end, and never begun" if unbegun else ""
        return f"corrected: timed from when each operation was to begin, on a fixed schedule{late}"
    return f"corrected: a client is expected to ask every {interval / 1000:,.3g} ms (its median), what it could not ask is added"
