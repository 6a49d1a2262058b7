"""bench: how fast is this cluster, here and now?"""

from __future__ import annotations

from kvtui.bench.workloads import (
    CLIENTS_MOST,
    OPERATIONS_MOST,
    RATE_MOST,
    RECORDS_MOST,
    SECONDS_MOST,
    SIZE_MOST,
    WORKLOADS,
    Asked,
    Keys,
)
from kvtui.commands.command import Argument, Command, CommandError, Flag, Invocation, Kind
from kvtui.commands.context import Context

_LIMITS = {
    "records": RECORDS_MOST,
    "size": SIZE_MOST,
    "clients": CLIENTS_MOST,
    "seconds": SECONDS_MOST,
    "ops": OPERATIONS_MOST,
    "rate": RATE_MOST,
}


async def bench(invocation: Invocation, context: Context) -> bool:
    """``bench``."""
    from kvtui.commands.measuring import measure

    values = invocation.values
    return await measure(asked_for(invocation), context, save=values.get("save"), against=values.get("against"))


def asked_for(invocation: Invocation) -> Asked:
    """What a line asks for. Raises CommandError for what is too much, or contradicts itself."""
    given = invocation.values
    numbers = {name: int(given[name]) for name in _LIMITS if name in given}
    for name, number in numbers.items():
        if number > _LIMITS[name]:
            raise CommandError(f"{name}: {_LIMITS[name]:,} at most, not {number:,}", name)
    if "seconds" in numbers and "ops" in numbers:
        raise CommandError("ops: it runs for seconds or for a number of operations: give one of them", "ops")
    workload = WORKLOADS[given.get("workload", "a").upper()]
    standard = Asked()
    return Asked(
        workload,
        Keys(given["keys"]) if "keys" in given else workload.keys,
        numbers.get("records", standard.records),
        numbers.get("size", standard.size),
        numbers.get("clients", standard.clients),
        numbers.get("seconds", standard.seconds),
        numbers.get("ops"),
        numbers.get("rate"),
        keep="--keep" in invocation.flags,
    )


COMMANDS: tuple[Command, ...] = (
    Command(
        "bench",
        (
            Argument(
                "workload",
                "the workload, a to f of YCSB (a)",
                Kind.CHOICE,
                optional=True,
                choices=tuple(name.lower() for name in WORKLOADS),
            ),
        ),
        "Measure throughput and latency, here and now",
        "Loads records under keys of its own, lets clients work on them, and deletes them at the end. "
        + "; ".join(f"{workload.name}: {workload.words}, {workload.keys}" for workload in WORKLOADS.values())
        + ". Keys lie in the order of their hashes, so a scan gets records by their numbers. Latencies are corrected"
        " for coordinated omission: with rate= they count from when an operation was to begin, else what a waiting client could"
        " not ask is added; percentiles err by 0.1 % at most. The result says which guarantee held.",
        bench,
        settings=(
            Argument("records", "how many are loaded first (10000)", Kind.COUNT),
            Argument("size", "bytes of a value (100)", Kind.COUNT),
            Argument("clients", "how many at once (64)", Kind.COUNT),
            Argument("seconds", f"how long (10); {SECONDS_MOST} at most", Kind.COUNT),
            Argument("ops", "how many operations, instead of seconds", Kind.COUNT),
            Argument(
                "rate", "operations a second, begun on schedule; without it as fast as they are answered", Kind.COUNT
            ),
            Argument("keys", "which are asked for, if not what the workload says", Kind.CHOICE, choices=tuple(Keys)),
            Argument("save", "a file for the result, as JSON", Kind.FILE),
            Argument("against", "an earlier result to compare with", Kind.FILE),
        ),
        flags=(Flag("--keep", "leave the records there"),),
        changes=True,
    ),
)
