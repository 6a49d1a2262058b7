"""Valid requests, as the objects that their JSON stands for: what mutants begin as."""

import random
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from kvtui.core.protocol import INLINE_BYTES

Frame = dict[str, Any]

KEYS = 60
"""Keys that unmutated frames name, so that what one writes another reads."""
SLOTS = 16
"""Slots of the clusters that frames speak of."""
CLUSTER = "fuzz"
"""A cluster that frames may bring a standalone node into."""
UPLOADS = ("u1", "u2")


class Corpus:
    """Makes valid requests by chance. None of them names a cluster but ``CLUSTER``, or a key but its own."""

    def __init__(self, chance: random.Random, *, versioned: bool) -> None:
        """``versioned``: writes carry versions, as a coordinator's do."""
        self._chance = chance
        self._versioned = versioned
        self._makers: list[Callable[[], Frame]] = [
            *[self._put] * 8,
            *[self._get] * 6,
            *[self._delete] * 2,
            *[self._put_many] * 3,
            *[self._put_run] * 3,
            *[self._get_many] * 2,
            *[self._scan] * 2,
            *[self._piece] * 4,
            *[self._put_upload] * 2,
            *[self._fetch] * 2,
            lambda: {"op": "size"},
            lambda: {"op": "dump"},
            lambda: {"op": "heartbeat"},
            lambda: {"op": "digests", **self._slots()},
            lambda: {"op": "counts", "ranges": [list(self._slots().values())], "tombstones": chance.random() < 0.5},
            lambda: {"op": chance.choice(["drop", "purge"]), "entries": [[self._key(), self._version()]]},
            lambda: {"op": "clear", **self._slots()},
            lambda: {"op": "note", "text": self._text(chance.randrange(200)), "noted": self._version()},
            lambda: {"op": "note"},
            lambda: {"op": "challenge", "nonce": chance.randbytes(32).hex(), "place": "127.0.0.1:20000"},
            lambda: {"op": "prove", "proof": chance.randbytes(32).hex()},
            self._hello,
        ]

    def frame(self) -> Frame:
        """One request; most carry an id."""
        chance = self._chance
        frame: Frame = {"op": "leave"} if chance.random() < 0.001 else chance.choice(self._makers)()
        if chance.random() < 0.8:
            frame["id"] = chance.randrange(1 << 20)
        return frame

    def _key(self) -> Any:
        number = self._chance.randrange(KEYS)
        return {"b64": b64encode(b"\xff%d" % number).decode()} if number % 10 == 0 else f"key {number}"

    def _version(self) -> list[int]:
        return [self._chance.randrange(3), self._chance.randrange(1, 1 << 20)]

    def _slots(self) -> Frame:
        start = self._chance.randrange(SLOTS)
        return {"start": start, "stop": min(SLOTS, start + self._chance.randrange(4))}

    def _text(self, size: int) -> str:
        return "".join(self._chance.choices('abc "\\é\n{}[]:,😀\x00', k=size))

    def _value(self) -> Any:
        roll = self._chance.random()
        if roll < 0.5:
            return f"value {self._chance.randrange(1 << 40)}"
        if roll < 0.7:
            return {"b64": b64encode(self._chance.randbytes(self._chance.randrange(64))).decode()}
        size = self._chance.choice([1000, 5000]) if roll < 0.72 else self._chance.randrange(60)
        return self._text(size)

    def _put(self) -> Frame:
        return self._versioned_write({"op": "put", "key": self._key(), "value": self._value()})

    def _delete(self) -> Frame:
        return self._versioned_write({"op": "del", "key": self._key()})

    def _versioned_write(self, frame: Frame) -> Frame:
        if self._versioned:
            frame["version"] = [1, self._chance.randrange(1, 1 << 40)]
        return frame

    def _put_many(self) -> Frame:
        return {"op": "put_many", "entries": [self._entry() for _ in range(self._chance.randrange(6))]}

    def _put_run(self) -> Frame:
        values = [None if self._chance.random() < 0.2 else self._value() for _ in range(self._chance.randrange(6))]
        first = [1, self._chance.randrange(1, 1 << 40)] if self._versioned else [0, 0]
        return {"op": "put_run", "first": first, "keys": [self._key() for _ in values], "values": values}

    def _entry(self) -> list[Any]:
        version = [1, self._chance.randrange(1, 1 << 40)] if self._versioned else [0, 0]
        if self._chance.random() < 0.2:
            return [self._key(), version, -1]
        value = f"entry {self._chance.randrange(1 << 40)}"
        return [self._key(), version, len(value), value]

    def _get(self) -> Frame:
        return {"op": "get", "key": self._key()}

    def _get_many(self) -> Frame:
        return {"op": "get_many", "keys": [self._key() for _ in range(self._chance.randrange(8))]}

    def _scan(self) -> Frame:
        frame: Frame = {"op": "scan", **self._slots(), "limit": self._chance.randrange(1, 30)}
        if self._chance.random() < 0.3:
            frame["after"] = self._key()
        return frame | ({"prefix": "key 1"} if self._chance.random() < 0.3 else {})

    def _piece(self) -> Frame:
        """Parts of two pieces each; only chance brings both, in order."""
        half = INLINE_BYTES // 2 + 10 if self._chance.random() < 0.05 else 20
        offset = self._chance.choice([0, half])
        data = self._chance.choice("xyz") * half
        return {
            "op": "piece",
            "upload": self._chance.choice(UPLOADS),
            "offset": offset,
            "total": 2 * half,
            "data": data,
        }

    def _put_upload(self) -> Frame:
        return self._versioned_write({"op": "put", "key": self._key(), "upload": self._chance.choice(UPLOADS)})

    def _fetch(self) -> Frame:
        return {"op": "fetch", "key": self._key(), "version": self._version(), "offset": self._chance.randrange(50)}

    def _hello(self) -> Frame:
        chance = self._chance
        if chance.random() < 0.7:
            return {"op": "hello"}
        return {
            "op": "hello",
            "cluster": CLUSTER,
            "coordinator": chance.choice(["c1", "c2"]),
            "epoch": chance.randrange(1, 4),
            "session": chance.randrange(1, 1000),
            "slots": SLOTS,
            "join": True,
            "data": chance.choice(["", "wipe", "keep"]),
        }
