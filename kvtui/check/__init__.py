"""Checks what a key-value store told its clients: is each key's history linearizable? Depends on nothing else of this project.

Record what clients do, then check it, in any project that has a store with put, get and delete::

    import time
    from kvtui.check import Kind, Outcome, Recorder, check, write_history

    recorder = Recorder(time.monotonic)
    asked = recorder.begin(process=1, kind=Kind.PUT, key="k", value="1")   # just before the request is sent
    asked.end(Outcome.OK)                                                  # when the answer is there
    asked = recorder.begin(process=2, kind=Kind.GET, key="k")
    asked.end(Outcome.OK, value="1")                                       # None: nothing was found
    recorder.event("node n2 was killed")                                   # faults, for whoever reads it

    report = check(recorder.history())
    print("\\n".join(report.lines()))                                       # a violation comes with its timeline
    write_history("history.jsonl", recorder.history())                     # read_history() reads it back

What to keep to:

- An end is OK only when the store said so, FAILED only when it is sure that nothing happened and never will, and UNKNOWN otherwise
  (no answer, a time-out, a lost connection). What never ended is unknown.
- Each put of a key writes another value. Then zones decide every history in O(n log n); where values repeat, a search does,
  which may end undecided. Undecided is not a pass.
- Every key is absent at first; record from the beginning, on keys of your own.
- Give versions when the store has them: they are checked besides. A get that the store flags as stale (``stale=True``) may be
  old; it takes part in the report of staleness only.

Sources: Gibbons and Korach 1997 (zones), Wing and Gong 1993 and Lowe 2017 (search); see the modules.
"""

from kvtui.check.checking import check
from kvtui.check.files import HistoryError, HistoryWriter, read_history, write_history
from kvtui.check.operation import History, Kind, Operation, Outcome
from kvtui.check.recorder import Pending, Recorder
from kvtui.check.timeline import timeline
from kvtui.check.verdict import Report, Staleness, Verdict, Violation

__all__ = [
    "History",
    "HistoryError",
    "HistoryWriter",
    "Kind",
    "Operation",
    "Outcome",
    "Pending",
    "Recorder",
    "Report",
    "Staleness",
    "Verdict",
    "Violation",
    "check",
    "read_history",
    "timeline",
    "write_history",
]
