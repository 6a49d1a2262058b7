"""Defects of the program in words that hold no key and no value: an exception's message or variables may."""

import logging
from traceback import extract_tb

_log = logging.getLogger(__name__)


def defect_place(error: BaseException) -> str:
    """In one line: what kind of defect, and where."""
    frames = extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"a defect of kvtui ({type(error).__name__}{place})"


def noted(error: BaseException) -> str:
    """The same, written into the log as well."""
    place = defect_place(error)
    _log.error("%s", place)
    return place


def defect_lines(error: BaseException) -> list[str]:
    """The report of a defect that ended the dashboard: kind and places in the code."""
    lines = ["kvtui's dashboard ended by a defect; the stored data is not affected. Please report these lines:"]
    while error.__cause__ is not None:
        error = error.__cause__
    frames = extract_tb(error.__traceback__)
    lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return [*lines, f"  {type(error).__name__}"]
