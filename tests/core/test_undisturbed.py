"""Whoever breaks as it is told keeps nobody else from being told, and what it looked at goes on."""

import asyncio
import logging
from typing import Any

import pytest

from kvtui.core.cluster import ClusterError
from kvtui.core.events import Level
from kvtui.core.undisturbed import undisturbed
from tests.simulation.harness import SimCluster
from tests.simulation.loop import run_virtual

OK = "ok"


def breaks(*_: object) -> Any:
    raise KeyError("secret")


def test_what_is_raised_is_logged_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "kvtui"):
        undisturbed(breaks, 1)
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "a defect of kvtui, which disturbs nobody else: KeyError at test_undisturbed.py:"
    )
    assert record.exc_info is None


def test_who_waits_for_notes_is_called_whatever_others_do() -> None:
    async def main() -> None:
        async with SimCluster(nodes=2) as cluster:
            notes, called = cluster.coordinator._notes, list[bool]()
            for callback in (breaks, called.append):
                notes.when_noted(("n1",), callback)
            notes._release()
            assert called == [True]
            for callback in (breaks, called.append):
                notes.when_noted(("n1",), callback)
            notes.release()
            assert called == [True, False]

    run_virtual(main)


def test_moves_that_finish_together_are_all_told_where_one_of_them_breaks() -> None:
    """They waited for ever."""

    async def main() -> None:
        async with SimCluster(nodes=1) as cluster:
            mover = cluster.coordinator._mover
            async with asyncio.timeout(60):
                ends = await asyncio.gather(
                    mover._log_if(lambda: True, list), mover._log_if(breaks, list), return_exceptions=True
                )
            assert [type(end) for end in ends] == [KeyError, KeyError]
            assert await mover._log_if(lambda: True, list)

    run_virtual(main)


@pytest.mark.parametrize("breaking", ["begin", "end", "event", "closed"])
def test_an_observer_that_raises_is_let_go_and_nothing_else_happens(breaking: str) -> None:
    """A put raised what its observer did, though it was stored; a node's loss was half told; the log was not closed."""

    class Observing:
        """Of a program; one of its methods raises."""

        def __init__(self) -> None:
            self.told: list[str] = []

        def __getattr__(self, name: str) -> Any:
            def told(*_: object) -> None:
                self.told.append(name)
                if name == breaking:
                    breaks()

            return told

    observing: Any = Observing()

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2) as cluster:
            coordinator = cluster.coordinator
            coordinator.observe(observing)
            assert (await coordinator.put(b"k", b"v")).outcome == OK
            assert (await coordinator.get(b"k")).value == b"v"
            assert (await coordinator.put_many([(b"l", b"v")])).ok == 1
            assert (await coordinator.get_many([b"l"]))[0].value == b"v"
            coordinator._happenings.emit(Level.INFO, "something happened")
            if breaking == "closed":
                assert coordinator.observer is observing
            else:
                assert observing.told.count(breaking) == 1
                assert coordinator.observer is None
                said = [event.text for event in coordinator._happenings._past]
                (line,) = (
                    text for text in said if text.startswith("who observed operations on keys raised KeyError at ")
                )
                assert line.endswith(", and is told of no more")
                assert "secret" not in line
        assert breaking in observing.told

    run_virtual(main)


def test_who_is_let_go_late_takes_no_other_one_along() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1) as cluster:
            coordinator = cluster.coordinator

            class Late:
                def begin(self, *_: object) -> None: ...
                def event(self, *_: object) -> None: ...
                def closed(self) -> None: ...

                end = breaks

            late: Any = Late()
            other: Any = Late()
            coordinator.observe(late)
            put = asyncio.ensure_future(coordinator.put(b"k", b"v"))
            await asyncio.sleep(0)
            coordinator.observe(None)
            coordinator.observe(other)
            assert (await put).outcome == OK
            assert coordinator.observer is other
            with pytest.raises(ClusterError, match="is being recorded already"):
                coordinator.observe(late)

    run_virtual(main)
