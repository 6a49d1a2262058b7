"""Simulated disks: locked while held, kept across lives, and dead to the code of dead machines."""

from pathlib import Path

import pytest

from kvtui.core.seams.storage import Batch, EngineFailed, EngineLocked, StorageEngine
from tests.simulation.disks import SimDisks
from tests.simulation.machine import Machine, MachineCrashed

PATH = Path("state/n1")


def write(engine: StorageEngine, key: bytes) -> None:
    batch = Batch()
    batch.put(key, b"value")
    engine.apply(batch)


def keys(engine: StorageEngine) -> list[bytes]:
    return [key for key, _ in engine.scan(b"", b"\xff")]


def test_what_was_written_outlives_a_crash_and_an_exit() -> None:
    disks = SimDisks()
    for life, key in enumerate([b"a", b"b", b"c"]):
        machine = Machine("n1")
        engine = disks.opener(machine)(PATH, "a test")
        assert keys(engine) == [b"a", b"b", b"c"][:life]
        write(engine, key)
        (machine.crash if life else machine.exit)()
    assert disks.writes == {"n1": 3}


def test_a_directory_is_held_by_one_machine_until_it_closes_or_ends() -> None:
    disks = SimDisks()
    machine = Machine("n1")
    engine = disks.opener(machine)(PATH, "the first")
    with pytest.raises(EngineLocked, match="state/n1 is in use by the first"):
        disks.opener(Machine("n2"))(PATH, "the second")
    engine.close()
    engine.close()
    with pytest.raises(EngineFailed):
        engine.get(b"a")
    second = Machine("n2")
    disks.opener(second)(PATH, "the second")
    engine.close()
    with pytest.raises(EngineLocked):
        disks.opener(Machine("n3"))(PATH, "the third")
    second.crash()
    disks.opener(Machine("n3"))(PATH, "the third")


def test_a_wiped_directory_is_empty() -> None:
    disks = SimDisks()
    machine = Machine("n1")
    write(disks.opener(machine)(PATH, "a test"), b"a")
    machine.exit()
    assert disks.paths == [PATH]
    disks.wipe(PATH)
    disks.wipe(PATH)
    assert keys(disks.opener(Machine("n1"))(PATH, "a test")) == []


def test_dead_code_touches_no_disk() -> None:
    disks = SimDisks()
    machine = Machine("n1")
    engine = disks.opener(machine)(PATH, "a test")
    machine.crash()
    for touch in (lambda: engine.get(b"a"), lambda: keys(engine), lambda: write(engine, b"a")):
        with pytest.raises(MachineCrashed):
            touch()
    again = disks.opener(Machine("n1"))(PATH, "a test")
    engine.close()
    assert keys(again) == []


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("in_memory", [False, True])
def test_a_crash_is_set_for_a_write(written: bool, in_memory: bool) -> None:
    disks = SimDisks()
    machine = Machine("n1")
    engine = disks.memory(machine) if in_memory else disks.opener(machine)(PATH, "a test")
    write(engine, b"a")
    disks.crash_at("n1", 2, written=written)
    write(engine, b"b")
    with pytest.raises(MachineCrashed):
        write(engine, b"c")
    assert not machine.alive
    if not in_memory:
        again = disks.opener(Machine("n1"))(PATH, "a test")
        write(again, b"d")
        assert keys(again) == ([b"a", b"b", b"c", b"d"] if written else [b"a", b"b", b"d"])
