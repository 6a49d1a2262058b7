"""The person's own files: opened for reading, or replaced as a whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kvtui.commands.command import CommandError
from kvtui.commands.records import Format, format_of
from kvtui.commands.wording import harmless, shown_file
from kvtui.core.seams.directories import sync_directory
from kvtui.core.seams.named_path import BadPath, named_path
from kvtui.named_files import open_named


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A path as typed, the path it stands for, and the format that its name tells."""

    typed: str
    path: str
    form: Format

    @property
    def name(self) -> str:
        """The path, as it can be typed."""
        return shown_file(self.typed)


def named_file(typed: str) -> NamedFile:
    """Raises CommandError for a name that tells no format."""
    form = format_of(typed)
    if form is None:
        raise CommandError(
            f"file: the name must end in .jsonl (JSON lines) or .csv, not as {shown_file(typed)} does", "file"
        )
    return NamedFile(typed, typed_path(typed), form)


def typed_path(typed: str, what: str = "file") -> str:
    """The path that was typed, whatever links lead to it. Raises CommandError."""
    try:
        return os.path.realpath(named_path(typed))
    except BadPath as error:
        raise CommandError(f"{what}: {harmless(str(error))}", what) from None


@contextmanager
def opened(file: NamedFile) -> Iterator[tuple[BinaryIO, int]]:
    """The file, open for reading, and its size in bytes. Raises CommandError where it isn't an ordinary file that can be read:
    a pipe could keep its reader waiting for ever."""
    try:
        facts = os.stat(file.path)
        if not stat.S_ISREG(facts.st_mode):
            raise CommandError(f"file: {file.name} is not an ordinary file", "file")
        stream = open(file.path, "rb")  # noqa: SIM115 (closed below: what its reader raises is not an error of opening)
    except OSError as error:
        raise CommandError(f"file: {file.name} can't be read: {reason(error)}", "file") from None
    with stream:
        yield stream, facts.st_size


class Replacement:
    """A file written beside its goal under another name; ``commit`` gives it the goal's name, once it is on disk."""

    def __init__(self, file: NamedFile) -> None:
        """Raises CommandError where the directory doesn't let it be written."""
        self._file = file
        folder, name = os.path.split(file.path)
        self._path = os.path.join(folder, f".{name}.{os.getpid()}.new")
        try:
            if os.path.exists(file.path) and not os.path.isfile(file.path):
                raise CommandError(f"file: {file.name} is not an ordinary file", "file")
            descriptor = open_named(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            self._stream = os.fdopen(descriptor, "wb")
            if os.path.exists(file.path):
                os.chmod(self._path, stat.S_IMODE(os.stat(file.path).st_mode))
        except OSError as error:
            raise CommandError(f"file: {file.name} can't be written: {reason(error)}", "file") from None

    def write(self, data: bytes) -> None:
        """Raises CommandError when the disk takes no more."""
        try:
            self._stream.write(data)
        except OSError as error:
            raise self._failed(error) from None

    def begin_with(self, data: bytes) -> None:
        """Write over what the file begins with. Raises CommandError when the disk takes no more."""
        try:
            self._stream.seek(0)
            self._stream.write(data)
            self._stream.seek(0, os.SEEK_END)
        except OSError as error:
            raise self._failed(error) from None

    def commit(self) -> None:
        """Sync, then rename. Blocks as long as the disk needs. Raises CommandError; the goal is then as it was."""
        try:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            os.replace(self._path, self._file.path)
            sync_directory(Path(self._file.path).parent)
        except OSError as error:
            raise self._failed(error) from None

    def discard(self) -> None:
        """Remove what was not committed; nothing after a commit."""
        with suppress(OSError):
            self._stream.close()
        with suppress(OSError):
            os.unlink(self._path)

    def _failed(self, error: OSError) -> CommandError:
        return CommandError(f"file: writing {self._file.name} failed: {reason(error)}", "file")


def reason(error: OSError) -> str:
    """What the system said, in its words alone."""
    return error.strerror or type(error).__name__
