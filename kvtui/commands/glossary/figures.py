"""Words of what is measured: rates, latencies, and what a bench says."""

from __future__ import annotations

from kvtui.commands.glossary.term import Term, each_node
from kvtui.commands.sizes import size
from kvtui.commands.wording import counted, harmless
from kvtui.core.snapshot import ClusterSnapshot, OperationView


def _rates(picture: ClusterSnapshot) -> str:
    return f"Now: {picture.puts.rate:,.0f} puts and {picture.gets.rate:,.0f} gets a second."


def _latencies(picture: ClusterSnapshot) -> str:
    return f"Over the last 10 seconds: {_percentiles('puts', picture.puts)}; {_percentiles('gets', picture.gets)}."


def _percentiles(name: str, operation: OperationView) -> str:
    if not operation.longest:
        return f"there were no {name}"
    return f"{name} p50 {operation.p50:.1f}, p99 {operation.p99:.1f}, p99.9 {operation.p999:.1f}, max {operation.longest:.1f} ms"


def _operations(picture: ClusterSnapshot) -> str:
    return each_node(picture, "Now", lambda node: f"{harmless(node.id)} {node.operations:,.0f}/s")


def _bytes(picture: ClusterSnapshot) -> str:
    return each_node(picture, "Now", lambda node: f"{harmless(node.id)} {size(node.bytes)}")


def _measured(picture: ClusterSnapshot) -> str:
    return f"A bench would run on {counted(len(picture.nodes), 'node')} now, with {counted(picture.keys, 'key')} there already."


TERMS: tuple[Term, ...] = (
    Term(
        "p50",
        "Half of all operations took no longer than the p50, 99 of 100 no longer than the p99, 999 of 1,000 no longer than the"
        " p99.9. Max is the slowest of them.",
        _latencies,
        ("p90", "p99", "p99.9", "max", "percentile", "percentiles", "median"),
    ),
    Term(
        "latency",
        "The latency of an operation is how long it took from the question to the answer, in milliseconds (ms). It is told as"
        " percentiles: see p50.",
        _latencies,
        ("ms", "latencies"),
    ),
    Term(
        "rate",
        "A rate is how many happen in a second: 120/s. Put and get count keys, so a batch of 100 counts as 100.",
        _rates,
        ("/s", "throughput"),
    ),
    Term(
        "operations",
        "For a node, operations are the keys that it writes and reads a second, copies on the move included. For a bench or a"
        " check they are what its clients asked.",
        _operations,
        ("operation", "op"),
    ),
    Term(
        "bytes",
        "Bytes are the length of keys and values together, without what the disk needs besides. A KiB is 1,024 of them,"
        " a MiB 1,024 KiB.",
        _bytes,
        ("kib", "mib", "gib", "tib", "byte"),
    ),
    Term(
        "workload",
        "A workload is a mix of operations that is always the same, so that two measurements can be compared: A to F are those"
        " of YCSB. A record is one key with its value that it works on.",
        _measured,
        ("ycsb", "record", "records", "update", "insert", "scan", "rmw"),
    ),
    Term(
        "closed loop",
        "In a closed loop each client asks again when it is answered, so that slow answers mean fewer questions. With rate= the"
        " operations begin on schedule, whether earlier ones were answered or not.",
        _rates,
        ("schedule", "clients", "client"),
    ),
    Term(
        "coordinated omission",
        "Clients that wait for a slow answer don't ask meanwhile, and so miss that others would have waited too. Latencies are"
        " corrected for that; as timed are those without it.",
        _latencies,
        ("corrected", "as timed", "omission"),
    ),
    Term(
        "zipfian",
        "It says which keys a workload asks for: zipfian, few keys very often and most of them seldom; uniform, all alike;"
        " latest, the newest most often. Real use is mostly zipfian.",
        _measured,
        ("uniform", "latest"),
    ),
    Term(
        "cpu",
        "It is how long a processor works for one operation, for clients and the coordinator together, in millionths of a"
        " second (µs). What the nodes do is not in it.",
        _rates,
        ("µs",),
    ),
    Term(
        "event loop",
        "Clients and the coordinator take turns in one event loop of Python. uvloop is a faster one, and is used where it is"
        " installed.",
        _rates,
        ("uvloop",),
    ),
    Term(
        "histogram",
        "A histogram counts how many operations took how long, in steps so small that percentiles are known within 1 % or"
        " better. HDR histograms and DDSketch are two ways to do so.",
        _latencies,
        ("histograms", "hdr histogram", "hdr histograms", "hdr", "ddsketch", "sketch"),
    ),
    Term(
        "logarithmic",
        "On a logarithmic scale each line further up is ten times as much as the one below, so that very short and very long"
        " times are both seen. Plain scales would flatten the short ones.",
        _latencies,
    ),
    Term(
        "noise",
        "A difference is within the noise when the seconds of one run differ as much among themselves. Then neither run is"
        " better.",
        _rates,
        ("within noise", "within the noise"),
    ),
)
