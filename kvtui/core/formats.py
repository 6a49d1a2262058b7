"""What is stored says in which format it is, so that a newer kvtui's is told as that: never as damage, and never read in part.

A format's number is raised with whatever an older kvtui could not read whole: a kind of record, a field. Where one appears although
the number was not seen, it tells as much. What was written before there were numbers has format 1.
"""

from typing import Final, Generic, TypeVar

import msgspec

T = TypeVar("T")

UNKNOWN_FIELD: Final = "unknown field"
"""In what msgspec says of one."""
REASON_SHOWN: Final = 120
"""Most characters that are shown of what is not known here."""


class WrittenByNewer(Exception):
    """A newer kvtui wrote it; the text goes on after "was". It must be left as it is: with that kvtui it opens again."""


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what is stored as JSON. A field that is not known is refused: it would be lost at the next rewriting."""


class Reader(Generic[T]):
    """Decodes JSON objects of one kind, whose ``format`` is ``reads`` at most."""

    def __init__(self, kind: type[T], reads: int) -> None:
        self._decode = msgspec.json.Decoder(kind).decode
        self._reads = reads

    def read(self, body: bytes) -> T:
        """What ``body`` says, which is as it was written. Raises WrittenByNewer, and msgspec.DecodeError for what is no JSON."""
        try:
            found = _decode_format(body).format
            if found > self._reads:
                raise WrittenByNewer(newer(found, self._reads))
            return self._decode(body)
        except msgspec.ValidationError as error:
            raise WrittenByNewer(unknown_to(str(error), self._reads)) from None


def newer(found: int, reads: int) -> str:
    """That something has a newer format than this kvtui reads."""
    return f"written by a newer kvtui (format {found}; this one reads {reads})"


def unknown_to(wrong: str, reads: int) -> str:
    """That something holds what this kvtui does not know, though no newer format is said. ``wrong``: in msgspec's words."""
    reason = " ".join(wrong.split())[:REASON_SHOWN]
    return f"written by a newer kvtui ({reason}; this one reads format {reads})"


class _Format(msgspec.Struct):
    format: int = 1


_decode_format = msgspec.json.Decoder(_Format).decode
