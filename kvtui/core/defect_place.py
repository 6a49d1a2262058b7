"""What kind of defect an exception is, and where: without its message and its variables, which may hold a key or a value."""

from __future__ import annotations


def kind_and_place(error: BaseException) -> str:
    """``KeyError at store.py:12``."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f" at {trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{place}"
