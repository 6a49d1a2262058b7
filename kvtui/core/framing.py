"""Cuts a byte stream into lines, none longer than a limit."""


class Lines:
    """The unfinished line at the end of a stream, and how long a line may become."""

    __slots__ = ("_limit", "_overlong", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._overlong = False

    @property
    def overlong(self) -> bool:
        """Whether a line exceeded the limit: then nothing after it can be read, and ``feed`` returns no more."""
        return self._overlong

    @property
    def pending(self) -> int:
        """Bytes of the unfinished line."""
        return self._size

    def feed(self, data: bytes) -> bytes:
        """The lines that ``data`` completes, each with its newline; empty when it completes none.

        Lines before an overlong one are still returned. The memory used stays below the limit and one ``data``.
        """
        if self._overlong:
            return b""
        end = data.rfind(b"\n") + 1
        complete = data[:end]
        if end:
            if self._parts:
                complete = b"".join((*self._parts, complete))
                self._parts.clear()
            self._size = 0
            data = data[end:]
        if data:
            self._parts.append(data)
            self._size += len(data)
        if len(complete) > self._limit:
            complete = self._before_overlong(complete)
        if self._overlong or self._size > self._limit:
            self._overlong = True
            self._parts.clear()
            self._size = 0
        return complete

    def rest(self) -> bytes:
        """The unfinished line, which stays."""
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0] if self._parts else b""

    def take_rest(self) -> bytes:
        """The unfinished line, which is forgotten."""
        rest = self.rest()
        self._parts.clear()
        self._size = 0
        return rest

    def _before_overlong(self, complete: bytes) -> bytes:
        start = 0
        while start < len(complete):
            stop = complete.index(b"\n", start) + 1
            if stop - start - 1 > self._limit:
                self._overlong = True
                return complete[:start]
            start = stop
        return complete
