"""Whatever is asked of a cluster while its holder ends, dies, hangs or is left ends by itself, and says so in public words."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kvtui.control.channel import ConnectionEnded, NotBegun, Unsendable
from kvtui.control.session import Session, Whole
from kvtui.control.succession import PROGRAM_ON_REQUEST
from kvtui.control.unanswered import plainly
from kvtui.core.change import SetReplication
from kvtui.core.cluster import ClusterError, OwnData, ReadMode
from tests.control.lab import Lab
from tests.simulation.loop import run_virtual

GIVEN: dict[str, Any] = {
    "key": b"k",
    "value": b"v",
    "keys": [b"k", b"l"],
    "items": [(b"k", b"v")],
    "prefix": b"",
    "node": "n1",
    "host": "127.0.0.1",
    "port": 0,
    "own_data": OwnData.REFUSE,
    "copies": 1,
    "mode": ReadMode.STRICT,
    "keys_per_second": 0,
    "policy": "balanced",
    "vnodes": 0,
    "weight": 1,
    "seconds": 0.0,
    "change": SetReplication(1),
    "force": False,
    "begin": True,
    "values": True,
}
SYNCHRONOUS = {"snapshot", "observe", "observer"}
WAITS = {"changed", "events"}
"""What waits for the next holder, where there is to be one."""


def asked() -> list[str]:
    """All that a program may ask and wait for."""
    names = [name for name, method in inspect.getmembers(Whole) if inspect.isfunction(method) and name[0] != "_"]
    assert {"get", "scan", "rebalance", "kill_node", "compact", "changed", "events"} <= set(names)
    return sorted(set(names) - SYNCHRONOUS)


async def ask(cluster: Session, name: str) -> Any:
    method = getattr(cluster, name)
    given = {each: GIVEN[each] for each in inspect.signature(method).parameters if each in GIVEN}
    if name == "changed":
        given = {"seen": cluster.snapshot()}
    made = method(**given)
    if isinstance(made, AsyncIterator):
        return [part async for part in made]
    return await made


def is_public(end: object) -> bool:
    """A result, or an error of a class that is told to programs, with words for its reason."""
    return not isinstance(end, BaseException) or (type(end) is ClusterError and len(str(end)) > 10)


async def all_asked(cluster: Session, names: list[str]) -> dict[str, "asyncio.Task[Any]"]:
    return {name: asyncio.ensure_future(ask(cluster, name)) for name in names}


async def ends_of(tasks: dict[str, "asyncio.Task[Any]"]) -> dict[str, object]:
    _, pending = await asyncio.wait(tasks.values(), timeout=60)
    assert [name for name, task in tasks.items() if task in pending] == []
    return {name: task.exception() or task.result() for name, task in tasks.items()}


@pytest.mark.parametrize("how", ["order", "kill", "hang", "left", "closed"])
def test_all_that_is_asked_meanwhile_and_later_ends_in_public_words(how: str) -> None:
    """``left``: the attached one leaves; ``closed``: it is asked of the holder itself, which is closed."""

    async def main() -> None:
        lab = Lab(nodes=2)
        holder = await lab.desk("holder")
        guest = await lab.desk("guest", manner=PROGRAM_ON_REQUEST)
        cluster = holder.session if how == "closed" else guest.session
        names = asked() if how in ("left", "closed") else [name for name in asked() if name not in WAITS]
        await cluster.put(b"k", b"v")
        await cluster.pause_node("n2")  # what needs it does not end by itself
        early = await all_asked(cluster, names)
        await asyncio.sleep(0.01)
        if how == "kill":
            holder.kill()
        elif how == "hang":
            holder.machine.pause()
        elif how == "left":
            await guest.leave()
        else:
            await holder.leave()
        late = await all_asked(cluster, names)
        for tasks in (early, late):
            ends = await ends_of(tasks)
            assert {name: end for name, end in ends.items() if not is_public(end)} == {}
        if how == "hang":
            holder.machine.resume()
        for desk in (guest, holder):
            if desk.machine.alive and not desk.left:
                await desk.leave()

    run_virtual(main)


@pytest.mark.parametrize("kind", [NotBegun, Unsendable, ConnectionEnded])
def test_what_was_not_answered_is_told_as_a_refusal_of_the_cluster(kind: type[ClusterError]) -> None:
    told = plainly(kind("the holder ended"), then="take it up")  # type: ignore[arg-type]
    assert type(told) is ClusterError
    assert str(told) == "the holder ended" + ("" if kind is Unsendable else ": take it up")
