"""A run in words, for lines of text and for panels alike."""

from __future__ import annotations

from collections.abc import Mapping

from kvtui.bench.compare import Change, Comparison, Verdict
from kvtui.bench.result import Guaranteed, Request, Result
from kvtui.bench.view import Ends, Percentiles
from kvtui.bench.workloads import Asked

COLUMNS = ("p50", "p90", "p99", "p99.9", "max")


def latency(milliseconds: float) -> str:
    """In three digits or so: ``0.31``, ``1.91``, ``18.6``, ``1,204``."""
    if milliseconds >= 100:
        return f"{milliseconds:,.0f}"
    return f"{milliseconds:.1f}" if milliseconds >= 10 else f"{milliseconds:.2f}"


def latencies(found: Percentiles) -> tuple[str, ...]:
    """In the order of ``COLUMNS``."""
    return tuple(latency(value) for value in (found.p50, found.p90, found.p99, found.p999, found.longest))


def load_words(asked: Asked | Request) -> str:
    """``64 clients, closed loop``."""
    clients = "1 client" if asked.clients == 1 else f"{asked.clients:,} clients"
    return f"{clients}, {asked.rate:,}/s begun on schedule" if asked.rate is not None else f"{clients}, closed loop"


def data_words(asked: Asked | Request) -> str:
    """``10,000 records of 100 bytes, zipfian keys``."""
    records = "1 record" if asked.records == 1 else f"{asked.records:,} records"
    return f"{records} of {asked.size:,} bytes, {asked.keys} keys"


def mix_words(mix: Mapping[str, int]) -> str:
    """``50 % read, 50 % update``."""
    return ", ".join(f"{percent} % {op}" for op, percent in mix.items())


def ends_words(ends: Ends) -> str:
    """``0 failed, 0 unknown``; what found nothing where it should have, besides."""
    absent = f", {ends.absent:,} found nothing" if ends.absent else ""
    return f"{ends.failed:,} failed, {ends.unknown:,} unknown{absent}"


def settings_words(guaranteed: Guaranteed) -> str:
    """``N=2 W=1, durable, strict reads, balanced ring of 3 nodes``."""
    kept = "durable" if guaranteed.durable else "in memory"
    nodes = "1 node" if guaranteed.nodes == 1 else f"{guaranteed.nodes} nodes"
    return f"N={guaranteed.copies} W={guaranteed.quorum}, {kept}, {guaranteed.reads} reads, {guaranteed.policy} ring of {nodes}"


def change_words(change: Change) -> tuple[str, str, str]:
    """Ratio, both figures, and the verdict: ``1.04 x``, ``46,310 -> 48,231/s``, ``within noise``."""
    if change.name == "throughput":
        figures = f"{change.before:,.0f} → {change.after:,.0f}/s"
    else:
        unit = "µs/op" if change.name == "CPU" else "ms"
        figures = f"{latency(change.before)} → {latency(change.after)} {unit}"
    return (f"{change.ratio:.2f} x" if change.ratio else "-", figures, change.verdict)


def result_lines(result: Result) -> list[str]:
    """A result as a table, the most important first."""
    asked = result.request
    lines = [
        f"Workload {asked.workload} ({mix_words(asked.mix)}): {result.rate:,.0f} operations/s",
        f"  {result.whole.ends.all:,} operations in {result.elapsed:.1f} s; {ends_words(result.whole.ends)}",
        f"  {load_words(asked)}; {data_words(asked)}",
        "",
        f"  {'ms':<8}{'count':>12}" + "".join(f"{name:>9}" for name in COLUMNS),
    ]
    whole = result.whole
    rows = [(name, found.ends.all, found.latency) for name, found in result.operations.items()]
    if len(rows) > 1:
        rows.append(("all", whole.ends.all, whole.latency))
    rows.append(("as timed", whole.ends.all, whole.uncorrected))
    for name, count, found in rows:
        lines.append(f"  {name:<8}{count:>12,}" + "".join(f"{text:>9}" for text in latencies(found)))
    lines += [f"  {result.omission}", f"  {result.counted}", ""]
    lines += [
        f"  node {node.id}: {node.rate:,.0f} keys/s, p50 {latency(node.p50)} ms, p99 {latency(node.p99)} ms"
        for node in result.nodes
    ]
    lines += [
        f"  guarantee: {result.guarantee.words}",
        f"    {settings_words(result.guarantee)}",
    ]
    if result.guarantee.weakened:
        lines.append(f"    for a time less: {result.guarantee.weakened}")
    machine = result.machine
    lines += [
        f"  clients: {result.clients}",
        f"  CPU: {result.cpu:,.1f} µs an operation, clients and coordinator together",
        f"  kvtui {result.kvtui}, Python {machine.python}, {machine.system} on {machine.cpus} CPUs ({machine.processor})",
    ]
    return lines


def comparison_lines(comparison: Comparison) -> list[str]:
    """Beside the earlier one."""
    lines = [f"Against the run of {comparison.began}:"]
    for change in comparison.changes:
        ratio, figures, verdict = change_words(change)
        lines.append(f"  {change.name:<11}{ratio:>8}   {figures:<26}{verdict}".rstrip())
    if comparison.differences:
        lines.append(f"  not the same: {'; '.join(comparison.differences)}")
    return lines


def verdict_sign(verdict: Verdict) -> str:
    """A sign for a verdict."""
    return {Verdict.BETTER: "✓", Verdict.WORSE: "✗", Verdict.SAME: "·", Verdict.UNKNOWN: " "}[verdict]
