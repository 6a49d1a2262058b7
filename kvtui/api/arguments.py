"""What ``connect`` is given, checked where it is called, before anything is done. The errors are in Python's words."""

from __future__ import annotations

import errno
import math
import operator
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final, SupportsIndex

from kvtui.core.cluster import ArgumentError
from kvtui.core.plain import type_of
from kvtui.core.seams.named_path import BadPath, named_path
from kvtui.core.seams.not_a_directory import IT_IS, looks_elsewhere

StrPath = str | os.PathLike[str]
TOLD_MOST: Final = 300
"""Characters of an argument that are told."""
NUMBER_MOST: Final = 10**20
"""The digits of a larger one are not told."""
_BELOW: Final = "metadata/MANIFEST-000001"
"""What is kept in a state directory, at the least."""


def refused(name: str, given: object, why: str) -> ArgumentError:
    """The argument has the right type, and a value that can't be."""
    return ArgumentError(f"{name}={_told(given)} is not possible: {why}")


def _told(given: object) -> str:
    """As Python writes it, cut where it is very long."""
    if isinstance(given, int) and not -NUMBER_MOST < given < NUMBER_MOST:
        return f"(a number of {given.bit_length():,} bits)"  # of a longer one Python refuses to write the digits
    text = repr(given)
    return text if len(text) <= TOLD_MOST else f"{text[:TOLD_MOST]}…"


def flag(name: str, given: object) -> bool:
    """True or False: what else is true in Python, such as ``"no"``, may be meant otherwise."""
    if not isinstance(given, bool):
        raise _wrong_type(name, "True or False", given)
    return given


def whole(name: str, given: SupportsIndex | None, least: int, most: int) -> int | None:
    """A whole number of any kind that Python counts with, from ``least`` to ``most``; or None."""
    if given is None:
        return None
    if isinstance(given, bool):
        raise _wrong_type(name, "a whole number", given)
    try:
        number = operator.index(given)
    except TypeError:
        raise _wrong_type(name, "a whole number", given) from None
    if not least <= number <= most:
        raise refused(name, number, f"use {least} to {most}")
    return number


def seconds(name: str, given: float | None, most: float, otherwise: float) -> float:
    """A number of seconds, 0 or more; None: ``otherwise``."""
    if given is None:
        return otherwise
    # Python makes a float of text as well, and of whatever has bytes.
    if isinstance(given, bool | str) or not (hasattr(given, "__float__") or hasattr(given, "__index__")):
        raise _wrong_type(name, "a number of seconds", given)
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise _wrong_type(name, "a number of seconds", given) from None
    except OverflowError:
        number = math.inf
    if not 0 <= number <= most:  # nor is nan
        raise refused(name, given, f"use seconds, 0 to {most:,.0f}")
    return number


def one_of(name: str, given: object, choices: Collection[str], otherwise: str) -> str:
    """One of the words; None: ``otherwise``."""
    if given is None:
        return otherwise
    if not isinstance(given, str):
        raise _wrong_type(name, "text", given)
    if given not in choices:
        raise refused(name, str.__str__(given), f"use {' or '.join(map(repr, choices))}")
    # Not ``str(given)``: a member of an enum says there which member it is.
    return str.__str__(given)


def path(name: str, given: StrPath | None) -> Path | None:
    """An absolute path."""
    if given is None:
        return None
    text: object = given
    if isinstance(given, os.PathLike):
        text = os.fspath(given)
    if not isinstance(text, str):
        raise _wrong_type(name, "a path (str or os.PathLike of it)", given)
    text = str.__str__(text)
    try:
        os.fsencode(text)
        found = named_path(text)
    except BadPath as error:
        raise refused(name, text, str(error)) from None
    except UnicodeEncodeError:
        raise refused(name, text, "it holds what no file's name can") from None
    if _too_long(found):
        raise refused(name, text, "this system has no names or paths of that length")
    return found


def _too_long(path: Path) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False


def directory(name: str, given: StrPath | None) -> Path | None:
    """An absolute path where nothing is, or a directory. RocksDB's own paths are UTF-8."""
    if isinstance(given, str) and (elsewhere := looks_elsewhere(str.__str__(given))):
        # A URL may hold a password: what was given is not told.
        raise ArgumentError(
            f"{name}: {IT_IS} {elsewhere}. Name the directory of the kvtui that runs here, to attach to it; nodes that run"
            " elsewhere join with connect(DIR, nodes=0) and store.cluster.add_node"
        )
    found = path(name, given)
    if found is not None:
        try:
            os.fspath(found).encode()
        except UnicodeEncodeError:
            raise refused(name, os.fspath(found), "RocksDB takes no path that is not UTF-8") from None
        if _too_long(found / _BELOW):
            raise refused(name, os.fspath(found), "this system has no paths of that length for the files in it")
    if found is not None and os.path.exists(found) and not os.path.isdir(found):
        raise refused(name, os.fspath(given or ""), "it is a file, and a directory is wanted")
    return found


def _wrong_type(name: str, wanted: str, given: object) -> TypeError:
    return TypeError(f"{name} is {wanted}, not {type_of(given)}")
