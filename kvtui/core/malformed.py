"""Why bytes are not the message that was expected.

Releases of msgspec and of Python raise different exceptions for the same bytes, with different words: what is said of them is
decided here, by the bytes.
"""

from enum import Enum, auto
from typing import Final

import msgspec

MALFORMED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises, whichever release does it."""


class Fault(Enum):
    """What is wrong with bytes, the outermost first."""

    NOT_UTF8 = auto()
    TOO_DEEP = auto()
    NOT_JSON = auto()
    MISFIT = auto()
    """JSON of another kind than was expected."""


def fault_of(error: Exception, data: bytes) -> Fault:
    """What is wrong with ``data``, whose decoding raised ``error``, one of ``MALFORMED``."""
    if not _is_utf8(data):
        return Fault.NOT_UTF8
    if isinstance(error, RecursionError):
        return Fault.TOO_DEEP
    return Fault.MISFIT if isinstance(error, msgspec.ValidationError) else Fault.NOT_JSON


def what_is_wrong(error: Exception, data: bytes) -> str:
    """The same in words that follow "it is" or stand alone; they name types and places."""
    match fault_of(error, data):
        case Fault.NOT_UTF8:
            return "not UTF-8"
        case Fault.TOO_DEEP:
            return "nested too deeply"
        case Fault.NOT_JSON:
            return f"not JSON: {error}"
        case Fault.MISFIT:
            return str(error)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
