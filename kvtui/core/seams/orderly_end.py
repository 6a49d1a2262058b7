"""What a store's files were when it was closed in order, so that it is noticed when they are not all there any more.

RocksDB takes a table of contents (MANIFEST) that was cut for one whose last record was never wholly written, goes on with what is
left of it, and deletes the files that it does not name. After a kill that is as it should be; after an orderly end it can't be.
"""

from pathlib import Path
from typing import Final

from xxhash import xxh3_64_hexdigest

from kvtui.core.seams.directories import sync_directory

CLOSED_FILE: Final = "CLOSED"
"""Names and sizes of the files, below their checksum. Only there while nobody has the directory open."""
_DATA: Final = ("CURRENT", "MANIFEST-*", "*.log", "*.sst")


def note_end(directory: Path) -> None:
    """Write down what the files are. A store whose end could not be noted opens as one that was killed."""
    files = sorted(file for pattern in _DATA for file in directory.glob(pattern))
    listed = "".join(f"{file.name} {file.stat().st_size}\n" for file in files).encode()
    try:
        (directory / CLOSED_FILE).write_bytes(xxh3_64_hexdigest(listed).encode() + b"\n" + listed)
    except OSError:
        pass


def lost_since(directory: Path) -> str:
    """What is gone since the orderly end, in words; empty for nothing, and where there was no such end. Raises OSError."""
    try:
        checksum, _, listed = (directory / CLOSED_FILE).read_bytes().partition(b"\n")
    except FileNotFoundError:
        return ""
    if xxh3_64_hexdigest(listed).encode() != checksum:
        return ""
    for line in listed.decode().splitlines():
        name, _, size = line.partition(" ")
        file = directory / name
        left = file.stat().st_size if file.exists() else 0
        if left != int(size):
            return f"{name} has {left:,} bytes, and had {int(size):,} when the store was closed"
    return ""


def forget_end(directory: Path) -> None:
    """The files change from here on. Raises OSError."""
    try:
        (directory / CLOSED_FILE).unlink()
    except FileNotFoundError:
        return
    sync_directory(directory)
