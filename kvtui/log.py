"""The log: what happened to nodes and what went wrong, in a file that stays small; nothing of it reaches the screen.

It holds no key and no value. Events of the cluster name nodes and outcomes alone; of defects it has kind and place; of what
other libraries say, the first line as it stands in their code, without what was put into it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from kvtui.control.event_log import LOGGER
from kvtui.core.defect_place import kind_and_place
from kvtui.core.seams.private_files import open_private
from kvtui.notation import escape

FILE: Final = "kvtui.log"
BYTES_MOST: Final = 1024 * 1024
"""Size of the file; then it is renamed, and the one renamed before is gone."""
LINE_MOST: Final = 1000
"""Characters of one line."""


class _Lines(logging.Formatter):
    """One line a record."""

    def format(self, record: logging.LogRecord) -> str:
        ours = record.name.partition(".")[0] == LOGGER
        text = record.getMessage() if ours else f"{record.name}: {str(record.msg).partition(chr(10))[0]}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({kind_and_place(record.exc_info[1])})"
        text = escape(text[:LINE_MOST])[:LINE_MOST]
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        return f"{stamp} {record.levelname:<7} {text}"


class _File(RotatingFileHandler):
    """Readable by its owner alone, and no link. A log that can't be written costs the log, never what is logged."""

    def _open(self) -> TextIOWrapper:
        descriptor = open_private(Path(self.baseFilename), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        return TextIOWrapper(
            os.fdopen(descriptor, "ab", buffering=0), encoding="utf-8", errors="replace", write_through=True
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: there is nowhere to say it."""


@contextmanager
def logging_to(directory: Path | None) -> Iterator[None]:
    """Log into a file of that directory, from the first line on; None: nowhere. Nothing is printed either way."""
    handler: logging.Handler = logging.NullHandler()
    if directory is not None:
        handler = _File(directory / FILE, maxBytes=BYTES_MOST, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(_Lines())
    root, ours = logging.getLogger(), logging.getLogger(LOGGER)
    level, hook = ours.level, threading.excepthook
    root.addHandler(handler)
    ours.setLevel(logging.INFO)
    logging.captureWarnings(True)
    threading.excepthook = _thread_ended
    try:
        yield
    finally:
        threading.excepthook = hook
        logging.captureWarnings(False)
        ours.setLevel(level)
        root.removeHandler(handler)
        with suppress(OSError):
            handler.close()


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and ended.exc_type is not SystemExit:
        logging.getLogger(LOGGER).error("a thread ended: %s", kind_and_place(ended.exc_value))
