"""What a store's files were when it was closed in order, so that it is noticed when they are not all there any more.

RocksDB takes a table of contents (MANIFEST) that was cut for one whose last record was never wholly written, goes on with what is
left of it, and deletes the files that it does not name. After a kill that is as it should be; after an orderly end it can't be.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

from xxhash import xxh3_64_hexdigest

from kvtui.core.seams.directories import sync_directory
from kvtui.core.seams.private_files import read_private, write_private

CLOSED_FILE: Final = "CLOSED"
"""Names and sizes of the files, below their checksum. Only there while nobody has the directory open."""
_MANIFEST: Final = "MANIFEST-"
_DATA: Final = ("CURRENT", "MANIFEST-*", "*.log", "*.sst")


def note_end(directory: Path) -> None:
    """Write down what the files are. A store whose end could not be noted opens as one that was killed."""
    files = sorted(file for pattern in _DATA for file in directory.glob(pattern))
    listed = "".join(f"{file.name} {file.stat().st_size}\n" for file in files).encode()
    try:
        write_private(directory / CLOSED_FILE, xxh3_64_hexdigest(listed).encode() + b"\n" + listed)
    except OSError:
        pass


def lost_since(directory: Path) -> str:
    """What is gone since the orderly end, in words; empty for nothing, and where there was no such end. Raises OSError."""
    noted = _noted(directory)
    if noted is None or _used_since(directory, noted):
        return ""
    for name, size in noted.items():
        left = _size(directory / name)
        if left != size:
            return f"{name} has {left:,} bytes, and had {size:,} when the store was closed"
    return ""


def forget_end(directory: Path) -> bytes:
    """The files change from here on. Returns the note, for ``recall_end``. Raises OSError."""
    try:
        note = read_private(directory / CLOSED_FILE)
    except FileNotFoundError:
        return b""
    (directory / CLOSED_FILE).unlink()
    sync_directory(directory)
    return note


def recall_end(directory: Path, note: bytes) -> None:
    """The files did not change after all: the store was refused. Where they did, the note stays forgotten."""
    with suppress(OSError):
        if note:
            write_private(directory / CLOSED_FILE, note)
            if lost_since(directory):
                (directory / CLOSED_FILE).unlink()


def _noted(directory: Path) -> dict[str, int] | None:
    """Names and sizes of the files at the orderly end; None where there is no note of it, or none that can be read."""
    try:
        checksum, _, listed = read_private(directory / CLOSED_FILE).partition(b"\n")
    except FileNotFoundError:
        return None
    if xxh3_64_hexdigest(listed).encode() != checksum:
        return None
    lines = (line.partition(" ") for line in listed.decode().splitlines())
    return {name: int(size) for name, _, size in lines}


def _used_since(directory: Path, noted: dict[str, int]) -> bool:
    """Whether somebody had the store open when the note was written, or after: then it says nothing of how the store is now.

    Older versions wrote the note after they had let go of the store, beside whoever had opened it by then. That one's work shows:
    there are two tables of contents in the note, or a newer one in the directory, or one of the files that are only ever added to
    has grown. What was cut or damaged shows none of it.
    """
    contents = [name for name in noted if name.startswith(_MANIFEST)]
    if len(contents) > 1:
        return True
    newest = _manifest_in_use(directory)
    if contents and newest is not None and _number(newest) > _number(contents[0]):
        return True
    added_to = [name for name in noted if name.startswith(_MANIFEST) or name.endswith(".log")]
    return any(_size(directory / name) > noted[name] for name in added_to)


def _manifest_in_use(directory: Path) -> str | None:
    """The table of contents that CURRENT names, if it is there."""
    try:
        name = (directory / "CURRENT").read_bytes().decode("ascii").strip()
    except (FileNotFoundError, ValueError):
        return None
    return name if name.startswith(_MANIFEST) and "/" not in name and (directory / name).is_file() else None


def _number(manifest: str) -> int:
    digits = manifest.removeprefix(_MANIFEST)
    return int(digits) if digits.isdecimal() else 0


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
