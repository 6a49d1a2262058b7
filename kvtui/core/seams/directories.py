"""Directories of files that must outlive a crash."""

import os
from pathlib import Path


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: a file that was created or renamed is only then surely there. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
