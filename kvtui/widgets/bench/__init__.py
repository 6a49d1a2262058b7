"""What the screen of a bench is made of: each draws one view of a run."""

from kvtui.widgets.bench.headline import BenchHeadline
from kvtui.widgets.bench.latency import BenchLatency
from kvtui.widgets.bench.nodes import BenchNodes
from kvtui.widgets.bench.panel import BenchPanel
from kvtui.widgets.bench.plot import BenchPlot
from kvtui.widgets.bench.terms import BenchTerms
from kvtui.widgets.bench.throughput import BenchThroughput

__all__ = [
    "BenchHeadline",
    "BenchLatency",
    "BenchNodes",
    "BenchPanel",
    "BenchPlot",
    "BenchTerms",
    "BenchThroughput",
]
