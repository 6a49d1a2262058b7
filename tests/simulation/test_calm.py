"""What must hold once all is calm is looked at, and what does not is told."""

import asyncio

import pytest

from kvtui.core.cluster import Outcome, Read
from kvtui.core.ledger import Ledger
from kvtui.core.mover import Mover
from kvtui.core.reads import Reads
from kvtui.core.supervisor import Supervisor
from kvtui.core.version import NEVER
from tests.simulation import calm
from tests.simulation.calm import Calm
from tests.simulation.clients import Clients
from tests.simulation.contents import Contents
from tests.simulation.harness import SimCluster, settled
from tests.simulation.invariants import Invariants, WatchedRecorder
from tests.simulation.loop import run_virtual
from tests.simulation.model import Model, where

KEYS = tuple(b"key %d" % number for number in range(5))


def trouble(monkeypatch: pytest.MonkeyPatch, *, away: bool = False, purged: bool = False, damaged: bool = False) -> str:
    """Of a cluster of two nodes with two copies."""
    monkeypatch.setattr(calm, "AWAY_SHARE", float(away))
    monkeypatch.setattr(calm, "PURGE_SHARE", float(purged))
    monkeypatch.setattr(calm, "RESTART_SHARE", 0.0)
    model = Model()
    told: list[str] = []

    async def main() -> None:
        async with SimCluster(nodes=2, replication=2, slots=8, make_disk=lambda path: model.make(path, 0)) as cluster:
            recorder = WatchedRecorder(asyncio.get_running_loop().time, Invariants(cluster, model))
            clients = Clients(cluster, recorder, KEYS)
            await cluster.put_many([(key, key) for key in KEYS])
            await cluster.delete(KEYS[0])
            await cluster.until(settled)
            if damaged:
                second = cluster.coordinator.topology.places[0].clean[1]
                for key in KEYS[1:]:
                    model.disks[cluster.data_of(second)].flip(where(key), 20)
            told.append(await Calm(cluster, model, clients, KEYS, seed=1).trouble(nothing_lost=True))
            assert told[0] or not Contents(cluster, model).difference()

    run_virtual(main)
    # What is told here may have been complained of before.
    assert told[0] or not model.wrong
    return told[0]


def test_nothing_is_told_of_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trouble(monkeypatch, away=True, purged=True, damaged=True) == ""


def test_damage_that_stays_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Supervisor, "_observe_damage", lambda self, node: None)
    assert "is not repaired, and another replica has it" in trouble(monkeypatch, damaged=True)


def test_what_does_not_go_on_without_one_node_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "exclude", lambda self, node, runs: None)
    assert "under way as n2 was lost, is unknown" in trouble(monkeypatch, away=True)


def test_what_does_not_begin_without_one_node_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(self: Reads, key: bytes, trace: object = None) -> Read:
        return Read(Outcome.FAILED, None, NEVER)

    monkeypatch.setattr(Reads, "get", refuse)
    assert "away and the rest calm" in trouble(monkeypatch, away=True)


def test_tombstones_that_stay_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: Mover) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Mover, "_ripen", never)
    assert "still holds a tombstone at 1.6 of b'key 0'" in trouble(monkeypatch, purged=True)
