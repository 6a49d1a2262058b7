"""Directories of files that must outlive a crash."""

import os
from pathlib import Path


def identity_of(path: Path) -> str:
    """What tells a directory from a copy of it, on this machine or another: a copy has another inode. Raises OSError."""
    import platform  # a node never asks, and starts sooner without it

    status = path.stat()
    return f"{platform.node()}:{status.st_dev}:{status.st_ino}"


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: a file that was created or renamed is only then surely there. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
