"""Defects of the program in words that hold no key and no value: an exception's message or variables may."""

import logging
from traceback import extract_tb

from textual.worker import WorkerFailed

from kvtui.core.defect_place import kind_and_place

_log = logging.getLogger(__name__)


def defect_place(error: BaseException) -> str:
    """In one line: what kind of defect, and where."""
    return f"a defect of kvtui ({kind_and_place(error)})"


def noted(error: BaseException) -> str:
    """The same, written into the log as well."""
    place = defect_place(error)
    _log.error("%s", place)
    return place


def ended_by(error: BaseException) -> str:
    """The line for a person whose dashboard a defect ended. The log gets all places in the code, the last one first."""
    while (inner := error.error if isinstance(error, WorkerFailed) else error.__cause__) is not None:
        error = inner
    frames = reversed(extract_tb(error.__traceback__))
    places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames)
    _log.error("the dashboard ended by a defect: %s at %s", type(error).__name__, places)
    return f"the dashboard ended by {defect_place(error)}; the stored data is not affected. Please report it"
