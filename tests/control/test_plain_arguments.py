"""What programs pass to the cluster under their store: it is made plain, or refused at the call, wherever the coordinator is."""

import asyncio
import inspect
import re
from collections.abc import Callable, Coroutine
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from kvtui.control import calls
from kvtui.control.plain_arguments import _PLAIN
from kvtui.control.session import Session
from kvtui.core.change import AddNode, SetReplication
from kvtui.core.cluster import ArgumentError, ClusterError, Outcome, OwnData, ReadMode
from tests.control.lab import Desk, Lab
from tests.simulation.loop import run_virtual


class Sha(bytes):
    """A digest of some library."""


class Name(str):
    """A text of some library."""


class Port(IntEnum):
    FREE = 0


class Node(StrEnum):
    N3 = "n3"


class Number:
    """A number as numpy has them: it is no int."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __index__(self) -> int:
        return self._number


class Odd(int):
    """Another number than it says."""

    def __index__(self) -> int:
        return 99

    __int__ = __add__ = __index__  # type: ignore[assignment]


def test_every_argument_of_a_session_is_made_plain_or_goes_nowhere() -> None:
    nowhere = {("observe", "observer"), ("changed", "seen"), ("scan", "passed")}
    for name, method in inspect.getmembers(Session, inspect.isfunction):
        for each in list(inspect.signature(method).parameters.values())[1:] if not name.startswith("_") else ():
            assert each.annotation in _PLAIN or (name, each.name) in nowhere, (name, each)
    assert set(calls.CALLS) <= set(vars(Session))


def told_by_both(story: Callable[[Session], Any]) -> None:
    """Run a story with who holds the coordinator, and with who is attached to it, each on a ring of its own, which can be opened
    again afterwards."""

    async def main(attached: bool) -> None:
        lab = Lab(nodes=2, replication=2)
        desks = [await lab.desk("holder")]
        desks += [await lab.desk("guest")] if attached else []
        async with asyncio.timeout(60):
            await story(desks[-1].session)
            assert (await desks[-1].session.put(b"after", b"v")).outcome is Outcome.OK
        for desk in reversed(desks):
            await desk.leave()
        again: Desk = await lab.desk("again")
        await again.until(lambda snapshot: not snapshot.unavailable)
        assert (await again.session.get(b"after")).value == b"v"
        await again.leave()

    run_virtual(main, False)
    run_virtual(main, True)


def test_what_has_the_content_of_its_kind_is_taken_for_it() -> None:
    async def story(session: Session) -> None:
        odd: Any = Number(3)
        buffer = bytearray(b"buffer")
        put = session.put(buffer, memoryview(b"xvx")[1:2])  # type: ignore[arg-type]
        buffer[:] = b"reused"
        assert (await put).outcome is Outcome.OK
        assert (await session.get(Sha(b"buffer"))).value == b"v"
        assert (await session.get(key=memoryview(b"buffer"))).value == b"v"  # type: ignore[arg-type]
        written = await session.put_many([(Sha(b"a"), b"1"), (b"b", bytearray(b"2"))])  # type: ignore[list-item]
        assert {type(key) for given in written.given for key in given.keys} == {bytes}
        made: Any = ((Sha(key), b"3") for key in (b"c", b"d"))
        assert (await session.put_many(made)).ok == 2
        reads = await session.get_many([Sha(b"a"), bytearray(b"b")])  # type: ignore[list-item]
        assert [read.value for read in reads] == [b"1", b"2"]
        assert (await session.delete_many({Sha(b"a"), b"c"})).existed == 2  # type: ignore[arg-type]
        assert [item.key async for page in session.scan(Sha(b"d")) for item in page] == [b"d"]
        assert type((await session.locate(Sha(b"d"))).key) is bytes
        assert (await session.explain_put(Sha(b"d"), Sha(b"4"))).outcome is Outcome.OK
        assert (await session.delete(Sha(b"d"))).existed
        added = await session.add_node(Node.N3, Name("127.0.0.1"), Port.FREE)
        assert (type(added.id), added.id) == (str, "n3")
        await session.set_replication(odd)
        await session.set_quorum(Odd(2))
        mode: Any = "available"
        await session.set_reads(mode)
        await session.set_throttle(keys_per_second=Odd(1_000))
        await session.set_policy(Name("classic"), Number(8))  # type: ignore[arg-type]
        await session.set_weight(Node.N3, Odd(2))
        plan = await session.plan(AddNode(Name("n4"), Odd(2)))
        assert plan.change == AddNode("n4", 2)
        await session.slow_node(Node.N3, 0)
        await session.heal()
        picture = await session.refresh()
        assert (picture.replication, picture.write_quorum, picture.reads) == (3, 2, ReadMode.AVAILABLE)

    told_by_both(story)


@pytest.mark.parametrize(
    ("ask", "kind", "said"),
    [
        (lambda s: s.put("secret", b"v"), TypeError, "key is bytes, bytearray or memoryview, not str: encode it first"),
        (
            lambda s: s.put(b"secret", None),
            TypeError,
            "value is bytes, bytearray or memoryview, not NoneType: encode it first",
        ),
        (
            lambda s: s.put_many([(b"k", 1)]),
            TypeError,
            "value is bytes, bytearray or memoryview, not int: encode it first",
        ),
        (
            lambda s: s.put_many([b"kv"]),
            TypeError,
            "each of the pairs is a tuple of a key and its value; one is not (bytes)",
        ),
        (lambda s: s.get_many(b"xy"), TypeError, "several keys are wanted, not one bytes: put it into a list"),
        (lambda s: s.delete_many("xy"), TypeError, "several keys are wanted, not one str: put it into a list"),
        (
            lambda s: s.put_many(b"xy"),
            TypeError,
            "several pairs of key and value are wanted, not one bytes: put it into a list",
        ),
        (lambda s: s.set_quorum(10**400), ArgumentError, "copies is not possible: a number of 1,329 bits"),
        (
            lambda s: s.set_throttle(-(10**400)),
            ArgumentError,
            "keys_per_second is not possible: a number of 1,329 bits",
        ),
        (lambda s: s.plan(SetReplication(10**400)), ArgumentError, "copies is not possible: a number of 1,329 bits"),
        (lambda s: s.scan(5), TypeError, "prefix is bytes, bytearray or memoryview, not int: encode it first"),
        (lambda s: s.set_quorum(True), TypeError, "copies is a whole number, not bool"),
        (lambda s: s.set_quorum(1.5), TypeError, "copies is a whole number, not float"),
        (lambda s: s.set_replication("2"), TypeError, "copies is a whole number, not str"),
        (lambda s: s.set_throttle(None), TypeError, "keys_per_second is a whole number, not NoneType"),
        (lambda s: s.add_node("n9", "127.0.0.1", "5001"), TypeError, "port is a whole number, not str"),
        (lambda s: s.add_node(b"n9", "127.0.0.1", 0), TypeError, "node is str, not bytes"),
        (
            lambda s: s.add_node("n9", "host\udcff", 0),
            ArgumentError,
            "host has no UTF-8: half a surrogate pair is in it",
        ),
        (
            lambda s: s.add_node("n9", "127.0.0.1", 0, own_data="keep"),
            ValueError,
            "own_data is one of: refuse, import, wipe",
        ),
        (lambda s: s.remove_node("n1", force=1), TypeError, "force is True or False, not int"),
        (lambda s: s.set_reads("sloppy"), ArgumentError, "mode is one of: strict, available"),
        (lambda s: s.slow_node("n1", float("nan")), ArgumentError, "seconds is a finite number, not nan"),
        (lambda s: s.slow_node("n1", True), TypeError, "seconds is a number, not bool"),
        (lambda s: s.plan("add n9"), TypeError, "change is a change of the cluster, not str"),
        (lambda s: s.plan(SetReplication("3")), TypeError, "copies is a whole number, not str"),  # type: ignore[arg-type]
    ],
)
def test_anything_else_is_refused_at_the_call_in_one_line(
    ask: Callable[[Any], Any], kind: type[Exception], said: str
) -> None:
    """A number of copies that was true was logged, and the log could not be read again; a port in letters ended the connection,
    with everybody's operations on it in doubt."""
    session: Any = object.__new__(Session)
    with pytest.raises(kind) as refused:
        ask(session)
    assert str(refused.value) == said


def test_after_a_refusal_all_is_as_it_was() -> None:
    async def story(session: Session) -> None:
        wrong: Any = session
        under_way = asyncio.ensure_future(session.put(b"k", b"v"))
        asks: tuple[Callable[[], Any], ...] = (
            lambda: wrong.set_quorum(True),
            lambda: wrong.add_node("n9", "127.0.0.1", "5001"),
            lambda: wrong.slow_node("n1", float("inf")),
        )
        for ask in asks:
            with pytest.raises((TypeError, ArgumentError)):
                await ask()
        assert (await under_way).outcome is Outcome.OK

    told_by_both(story)


def test_a_value_that_no_cluster_can_have_is_an_argument_that_can_t_be_from_afar_too() -> None:
    """They were refused as what can't be now is, and an attached process could not tell one from the other."""

    async def story(session: Session) -> None:
        asks: list[tuple[Callable[[], Coroutine[Any, Any, object]], str]] = [
            (lambda: session.set_replication(0), "0 copies are not possible: use 1 to 8"),
            (lambda: session.set_quorum(9), "a write can't need 9 copies: use 0 to 8"),
            (lambda: session.set_throttle(10**18), "keys a second are not possible: use 1 to 1,000,000,000, or 0"),
            (lambda: session.set_policy("best"), "best is no policy: use balanced or classic"),
            (lambda: session.set_policy("classic", -1), "-1 virtual nodes are not possible: use 1 to 1024"),
            (lambda: session.set_policy("balanced", 8), "the balanced ring has no virtual nodes"),
            (lambda: session.set_weight("n1", 0), "a weight of 0 is not possible: use 1 to 100"),
            (lambda: session.add_node("", "127.0.0.1", 0), '"" can\'t be a node id: use letters'),
            (lambda: session.add_node("n3", "127.0.0.1", -1), "-1 is no port: use 1 to 65535"),
            (lambda: session.slow_node("n1", -1), "a delay of -1000 ms is not possible: use 0 to"),
        ]
        for ask, said in asks:
            with pytest.raises(ArgumentError, match=re.escape(said)):
                await ask()
        with pytest.raises(ClusterError, match="a write can't need 3 copies: every key has 2") as met:
            await session.set_quorum(3)
        assert not isinstance(met.value, ArgumentError)

    told_by_both(story)


def test_members_of_enums_stay_themselves() -> None:
    given: tuple[tuple[Any, Any, Any], ...] = (
        (OwnData, OwnData.WIPE, OwnData.WIPE),
        (ReadMode, Name("strict"), ReadMode.STRICT),
    )
    for kind, member, meant in given:
        assert _PLAIN[kind](member, "it") is meant
