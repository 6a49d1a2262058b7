"""The client that sends nothing wrong: whatever mutants do, it is answered, and its own keys read as it wrote them."""

import random
from typing import Final

from kvtui.core.protocol import Clear, Facts, Get, Hello, Leave, Put, Reply
from kvtui.core.ring.token import slot_of, token_of
from kvtui.core.version import Version
from tests.fuzz.channel import Channel, Connect
from tests.fuzz.corpus import SLOTS
from tests.fuzz.model import Written, Wrong

KEYS: Final = 24
"""Keys of its own, whose names no mutant can guess."""
ALL_SLOTS: Final = 16_384
"""Slots of a standalone node."""


class Healthy:
    """Writes and reads on connections of its own."""

    def __init__(self, seed: int, connect: Connect, written: Written, *, in_cluster: bool, alone: bool) -> None:
        """``in_cluster``: it is the node's coordinator. ``alone``: nobody else may take the node away from it."""
        self._chance = random.Random(f"healthy:{seed}")
        self._connect = connect
        self._written = written
        self._cluster = f"cluster {self._chance.randbytes(16).hex()}" if in_cluster else ""
        self._alone = alone
        self._session = 0
        self._seq = 0
        self._keys = [f"own {self._chance.randbytes(16).hex()}" for _ in range(KEYS)]
        self._values: dict[str, str] = {}
        """What each key must read as; a key that is not in it was never written, or taken away with leave."""

    async def begin(self) -> None:
        """Take the node, and write every key."""
        channel = await self._open()
        await self._write(channel, self._keys)
        channel.abort()

    async def check(self) -> None:
        """Read every key, then write one anew. Raises Wrong."""
        channel = await self._open()
        await self._read(channel)
        await self._write(
            channel, self._chance.sample(self._keys, 2) + [key for key in self._keys if key not in self._values]
        )
        await self._read(channel)
        channel.abort()

    async def empty(self) -> None:
        """Clear the node, and write every key again."""
        channel = await self._open()
        _check_ok(await channel.ask(Clear(start=0, stop=SLOTS if self._cluster else ALL_SLOTS)))
        self._written.values.clear()
        self._values.clear()
        await self._read(channel)
        await self._write(channel, self._keys)
        channel.abort()

    async def command(self, channel: Channel) -> None:
        """Say hello as the node's coordinator."""
        self._session += 1
        hello = Hello(
            cluster=self._cluster,
            coordinator="healthy",
            epoch=1,
            session=self._session,
            slots=SLOTS,
            join=True,
            data="wipe",
        )
        _check_ok(await channel.ask(hello))

    async def _open(self) -> Channel:
        channel = await self._connected()
        (reply,) = await channel.ask(Hello())
        assert reply.facts is not None
        if reply.facts.cluster != self._cluster:
            await self._take_back(channel, reply.facts)
            channel.abort()
            channel = await self._connected()
        if self._cluster:
            await self.command(channel)
        return channel

    async def _connected(self) -> Channel:
        channel = Channel()
        await self._connect(lambda: channel)
        return channel

    async def _take_back(self, channel: Channel, facts: Facts) -> None:
        """Bring a node out of the cluster that mutants took it into."""
        if self._alone and self._values and not self._written.left:
            raise Wrong(f"the node is in cluster {facts.cluster!r} although nobody let it leave its own")
        self._written.left = False
        self._values.clear()
        if not facts.cluster:
            return
        for slots in (1 << power for power in range(15)):
            (reply,) = await channel.ask(_above(facts, slots))
            if reply.status == "ok":
                _check_ok(await channel.ask(Leave()))
                return
        raise Wrong(f"nobody can take the node over: {facts}")

    async def _write(self, channel: Channel, keys: list[str]) -> None:
        puts = []
        for key in keys:
            self._seq += 1
            self._values[key] = f"own value {self._chance.randrange(1 << 60)}"
            self._written.add(key.encode(), self._values[key].encode())
            version = Version(1, self._seq) if self._cluster else None
            puts.append(Put(key=key, value=self._values[key], version=version))
        _check_ok(await channel.ask(*puts))

    async def _read(self, channel: Channel) -> None:
        cleared, self._written.cleared = self._written.cleared, []
        replies = await channel.ask(*(Get(key=key) for key in self._keys))
        for key, reply in zip(self._keys, replies, strict=True):
            if reply.status == "not_found" and (self._is_cleared(key, cleared) or key not in self._values):
                self._values.pop(key, None)
            elif reply.status != "ok" or reply.value != self._values.get(key):
                raise Wrong(f"{key!r} does not read as it was written: {reply}")

    def _is_cleared(self, key: str, cleared: list[tuple[int, int]]) -> bool:
        slot = slot_of(token_of(key.encode()), SLOTS if self._cluster else ALL_SLOTS)
        return not self._alone or any(start <= slot < stop for start, stop in cleared)


def _above(facts: Facts, slots: int) -> Hello:
    """The hello that supersedes whoever a node obeys."""
    highest = facts.session >= 2**63 - 1
    return Hello(
        cluster=facts.cluster,
        coordinator=facts.coordinator,
        epoch=facts.epoch + highest,
        session=1 if highest else facts.session + 1,
        slots=slots,
    )


def _check_ok(replies: list[Reply]) -> None:
    for reply in replies:
        if reply.status == "error":
            raise Wrong(f"a valid request was refused: {reply}")
