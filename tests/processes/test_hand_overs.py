"""A state directory goes from one real process to the next, again and again: nobody is refused, nothing acknowledged is lost."""

import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.core.seams.test_rocksdb import run_python
from tests.processes.test_control import ROOT, TIMEOUT, Running, running, script
from tests.processes.test_kvtui_killed import node_processes

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets on this system")
AT_ONCE: Final = 12
KILLED_EVERY: Final = 5
"""Every so many hand-overs the new holder is killed: only then the next one sees what note it has left."""
PROCESS: Final = 240
"""Seconds that one process may take while many run at once."""


def rounds(short: int, nightly: int) -> pytest.MarkDecorator:
    """So many of them with every change, and so many at night."""
    return pytest.mark.parametrize(
        "rounds",
        [
            pytest.param(short, marks=pytest.mark.long),
            pytest.param(nightly, marks=[pytest.mark.nightly, pytest.mark.timeout(7200)]),
        ],
    )


def at_once(state: Path, commands: list[str]) -> list[tuple[int, str]]:
    """Run a script for each command, all begun together; their statuses, and what they said."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "kvtui", "--state", str(state), "--nodes", "2", "--replicas", "1", "-c", command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in commands
    ]
    try:
        ended = [(process, process.communicate(timeout=PROCESS)[0]) for process in started]
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.communicate()
    return [(process.returncode, said) for process, said in ended]


def without_nodes(state: Path) -> None:
    """Wait until the nodes of a kvtui that was killed have ended."""
    for _ in range(10_000):
        if not node_processes(state):
            return
    raise AssertionError("the nodes never ended")


def kill(holder: Running, state: Path) -> None:
    holder.process.kill()
    holder.process.communicate(timeout=TIMEOUT)
    without_nodes(state)


def check_keys(state: Path, keys: list[str]) -> None:
    """All of them are there, and no others."""
    done = script(state, *(f"get {key}" for key in keys))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{key} -> 1" for key in keys]


@rounds(short=2, nightly=50)
def test_of_many_scripts_at_once_every_one_ends_well_and_has_stored(tmp_path: Path, rounds: int) -> None:
    for number in range(rounds):
        state = tmp_path / f"state{number // 10}"
        keys = [f"k{number}.{place}" for place in range(AT_ONCE)]
        ends = at_once(state, [f"put {key} 1" for key in keys])
        assert [end for end in ends if end[0] != 0] == [], f"round {number}"
        check_keys(state, keys)
    assert node_processes(tmp_path) == []


@rounds(short=4, nightly=300)
def test_a_directory_goes_from_scripts_to_shells(tmp_path: Path, rounds: int) -> None:
    """The shell comes while the script closes; that it was no stale note which it worked beside shows when it was killed."""
    state, stored = tmp_path / "state", list[str]()
    for number in range(rounds):
        with running("--state", str(state), "--nodes", "1", "-c", f"put a{number} 1") as one:
            if number % 2:
                one.hears("[n1] PUT")
            with running("shell", "--state", str(state), "--nodes", "1") as shell:
                out, err = one.process.communicate(timeout=TIMEOUT)
                assert one.process.returncode == 0, f"hand-over {number}: {out}{err}"
                # It held the coordinator all along, or was attached and has to take it up.
                shell.says(f"takeup\nput b{number} 1", "[n1] PUT")
                if number % KILLED_EVERY == KILLED_EVERY - 1:
                    kill(shell, state)
                else:
                    shell.ends()
        stored += [f"a{number}", f"b{number}"]
        if number % 50 == 49:
            check_keys(state, stored[-100:])
    check_keys(state, stored[-100:])


HEIR: Final = """
    import asyncio, sys
    import kvtui
    async def main(state, number):
        async with kvtui.connect(state, nodes=1, replicas=1) as store:
            await store.put(f"a{number}", "1")
            print("there", flush=True)
            if store.cluster.holder:
                snapshot = store.cluster.snapshot()
                while not snapshot.stopped:
                    snapshot = await store.cluster.changed(snapshot)
                await store.cluster.take_up()
                await store.put(f"b{number}", "1")
                print("taken up", flush=True)
            await asyncio.to_thread(sys.stdin.read)
    asyncio.run(main(*sys.argv[1:]))
"""


@rounds(short=3, nightly=100)
def test_the_coordinator_is_taken_up_while_its_holder_still_closes(tmp_path: Path, rounds: int) -> None:
    state, stored, holder = tmp_path / "state", list[str](), None
    with ExitStack() as ending:

        def begun(number: str) -> "subprocess.Popen[str]":
            process = ending.enter_context(run_python(HEIR, state, number))
            ending.callback(process.kill)
            says(process, "there", number)
            stored.append(f"a{number}")
            return process

        for number in range(rounds):
            holder = holder or begun(f"{number}.first")
            heir = begun(str(number))
            assert holder.stdin is not None
            holder.stdin.close()
            says(heir, "taken up", str(number))
            stored.append(f"b{number}")
            assert holder.wait(TIMEOUT) == 0
            holder = heir
            if number % KILLED_EVERY == KILLED_EVERY - 1 or number == rounds - 1:
                heir.kill()
                heir.wait(TIMEOUT)
                without_nodes(state)
                holder = None
    check_keys(state, stored[-100:])


def says(process: "subprocess.Popen[str]", line: str, number: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{line}\n", f"take-up {number}"
