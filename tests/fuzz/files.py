"""Damages the files of a directory, one at a time, has it opened, and judges what came of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, Final

from tests.fuzz.directories import Directory, lay_out

OPENING_SECONDS: Final = 60.0
"""An opening that takes longer hangs."""
MASKS: Final = (0x01, 0x80, 0xFF)
"""Bits that are flipped in each byte, one after the other."""
NEVER_READ: Final = ("LOG", "LOCK", "OPTIONS")
"""Beginnings of the names of files that RocksDB writes for people, or for nobody."""
SELDOM: Final = 64
"""Of those files one byte in so many is damaged."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One file of a directory, cut after ``at`` bytes, or with bits of the byte ``at`` flipped by ``mask``."""

    file: str
    at: int
    mask: int = 0
    """0: cut."""

    def of(self, content: bytes) -> bytes:
        if not self.mask:
            return content[: self.at]
        return content[: self.at] + bytes([content[self.at] ^ self.mask]) + content[self.at + 1 :]

    def __str__(self) -> str:
        return f"{self.file} cut after {self.at}" if not self.mask else f"{self.file} byte {self.at} ^ {self.mask:#04x}"


class Outcome(Enum):
    """What an opening came to; the last five must never happen."""

    WHOLE = "as written"
    CUT_BACK = "as it was after an earlier batch, which its counter tells"
    REPORTED = "the damaged entries reported, all others as written"
    REFUSED = "refused in one line"
    ANEW = "begun anew"
    LOST = "something silently absent"
    WRONG = "a value that was never written"
    CRASHED = "crashed"
    HANGS = "hangs"


BAD: Final = frozenset({Outcome.ANEW, Outcome.LOST, Outcome.WRONG, Outcome.CRASHED, Outcome.HANGS})


def damages(directory: Directory) -> Iterator[Damage]:
    """Every byte flipped and every truncation of every file; of files that nobody reads, one in ``SELDOM``."""
    for file, content in directory.files.items():
        step = SELDOM if file.rpartition("/")[2].startswith(NEVER_READ) else 1
        for at in range(0, len(content), step):
            yield Damage(file, at)
            for mask in MASKS:
                yield Damage(file, at, mask)


class Opener:
    """A process that opens directories; a new one after each that crashed or hung."""

    def __init__(self, path: Path) -> None:
        """``path`` is where directories are laid out."""
        self._path = path
        self._process: subprocess.Popen[str] | None = None
        self._lines: Queue[str] = Queue()

    def open(self, directory: Directory, damage: Damage | None = None) -> tuple[Outcome, str]:
        """Lay the directory out, damaged, and open it; the text says what was found.

        Every other damage is met as by a large node, which opens without reading its entries.
        """
        files = dict(directory.files)
        if damage is not None:
            files[damage.file] = damage.of(files[damage.file])
        lay_out(self._path, files)
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        print(
            json.dumps(
                {
                    "kind": directory.kind,
                    "path": str(self._path),
                    "keys": directory.keys,
                    "unread": damage is not None and damage.at % 2 == 1,
                }
            ),
            file=self._process.stdin,
            flush=True,
        )
        try:
            line = self._lines.get(timeout=OPENING_SECONDS)
        except Empty:
            self.close()
            return Outcome.HANGS, ""
        if not line:
            status = self._process.wait()
            self.close()
            return Outcome.CRASHED, f"status {status}"
        found = json.loads(line)
        return judge(directory, found), line[:1000]

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _start(self) -> None:
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.opener"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )
        lines = self._lines = Queue()

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                lines.put(line)
            lines.put("")

        Thread(target=read, daemon=True).start()


def judge(directory: Directory, found: dict[str, Any]) -> Outcome:
    """What the opening of a directory came to."""
    if "crashed" in found:
        return Outcome.CRASHED
    if "refused" in found or "failed" in found:
        reason = found.get("refused", found.get("failed"))
        return Outcome.REFUSED if reason and "\n" not in reason and "Traceback" not in reason else Outcome.CRASHED
    return _judge_log(directory, found) if directory.kind == "log" else _judge_node(directory, found)


def _judge_log(directory: Directory, found: dict[str, Any]) -> Outcome:
    if found == directory.states[-1]:
        return Outcome.WHOLE
    if found in directory.states:
        return Outcome.CUT_BACK
    known = {record for state in directory.states for record in state["records"]}
    if found["last"] == 1 and not known.issuperset(found["records"]):
        return Outcome.ANEW
    return Outcome.LOST if known.issuperset(found["records"]) else Outcome.WRONG


def _judge_node(directory: Directory, found: dict[str, Any]) -> Outcome:
    states, values = directory.states, found["values"]
    written = {key: {state["values"].get(key) for state in states} for key in directory.keys}
    if any(value is not None and value not in written[key] for key, value in values.items()):
        return Outcome.WRONG
    if found["id"] != directory.id:
        return Outcome.ANEW if not any(values.values()) and not found["keys"] else Outcome.WRONG
    for outcome, state in ((Outcome.WHOLE, states[-1]), *((Outcome.CUT_BACK, state) for state in reversed(states))):
        if found["counter"] != state["counter"]:
            continue
        expected = {key: state["values"].get(key) for key in directory.keys if key not in found["damaged"]}
        if values != expected or set(found["scanned"]) != _live(expected):
            continue
        if found["note"] == state["note"] and not found["damages"]:
            return outcome
        if found["damages"] or not found["note"]:
            return Outcome.REPORTED
    return Outcome.LOST


def _live(values: dict[str, str | None]) -> set[str]:
    return {key for key, value in values.items() if value is not None}
