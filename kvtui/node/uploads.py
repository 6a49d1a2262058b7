"""Values that arrive in pieces, ahead of the write that stores them."""

from dataclasses import dataclass, field

from kvtui.core.protocol import (
    BAD_REQUEST,
    BUSY,
    INLINE_BYTES,
    TOO_LARGE,
    UPLOAD_BYTES,
    UPLOAD_SECONDS,
    UPLOADS,
    VALUE_BYTES,
)
from kvtui.node.membership import Refused


@dataclass(slots=True)
class _Upload:
    total: int
    touched: float
    data: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class UploadSpace:
    """What all connections of a node together hold of values under way."""

    used: int = 0


class Uploads:
    """The values under way on one connection."""

    __slots__ = ("_open", "_space")

    def __init__(self, space: UploadSpace) -> None:
        self._space = space
        self._open: dict[str, _Upload] = {}

    def add(self, name: str, offset: int, total: int, data: bytes, now: float) -> None:
        """Take the next part of ``name``, at second ``now``. Raises Refused, and forgets what it had of that value, as it does when
        ``total`` is 0: then it was given up."""
        if not total:
            self._release(name)
            return
        try:
            upload = self._begin(name, total, now) if offset == 0 and name not in self._open else self._open.get(name)
            if upload is None:
                raise Refused(BAD_REQUEST, f"no value is under way as upload {name!r}")
            if offset != len(upload.data) or total != upload.total:
                came = f"{len(upload.data)} of {upload.total}"
                raise Refused(BAD_REQUEST, f"upload {name!r} goes on at {came}, not at {offset} of {total}")
            if len(data) > INLINE_BYTES:
                raise Refused(TOO_LARGE, f"a piece holds at most {INLINE_BYTES:,} bytes, not {len(data):,}")
            if offset + len(data) > total:
                raise Refused(BAD_REQUEST, f"upload {name!r} is longer than the {total} bytes it announced")
        except Refused:
            self._release(name)
            raise
        upload.data += data
        upload.touched = now

    def take(self, name: str) -> bytes:
        """The whole value, which is under way no longer. Raises Refused when parts of it are missing."""
        upload = self._open.get(name)
        self._release(name)
        if upload is None:
            raise Refused(BAD_REQUEST, f"no value is under way as upload {name!r}")
        if len(upload.data) < upload.total:
            raise Refused(BAD_REQUEST, f"upload {name!r} has {len(upload.data)} of its {upload.total} bytes")
        return bytes(upload.data)

    def expire(self, now: float) -> None:
        """Forget values to which nothing was added for ``UPLOAD_SECONDS``."""
        for name in [name for name, upload in self._open.items() if now - upload.touched > UPLOAD_SECONDS]:
            self._release(name)

    def forget(self) -> None:
        """Forget all."""
        for name in list(self._open):
            self._release(name)

    def _begin(self, name: str, total: int, now: float) -> _Upload:
        if not name:
            raise Refused(BAD_REQUEST, "an upload needs a name")
        if not 0 <= total <= VALUE_BYTES:
            raise Refused(TOO_LARGE, f"a value holds at most {VALUE_BYTES:,} bytes, not {total:,}")
        if len(self._open) >= UPLOADS:
            raise Refused(BUSY, f"a connection may have {UPLOADS} values under way; finish one first")
        if self._space.used + total > UPLOAD_BYTES:
            raise Refused(BUSY, f"the node holds {UPLOAD_BYTES:,} bytes of values under way at most; try again later")
        self._space.used += total
        upload = self._open[name] = _Upload(total, now)
        return upload

    def _release(self, name: str) -> None:
        upload = self._open.pop(name, None)
        if upload is not None:
            self._space.used -= upload.total
