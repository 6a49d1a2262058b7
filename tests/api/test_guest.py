"""What a program has but once stays its own: signals, children, policies, hooks."""

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvloop

import kvtui
from tests.api.conftest import Ran

PROGRAMS = Path(__file__).parent / "programs"


def program(name: str, *arguments: str) -> str:
    code = (PROGRAMS / name).read_text()
    return f"import sys; sys.argv[1:] = {list(arguments)!r}\n{code}"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_all_that_a_program_has_but_once_is_as_it_was(ran: Ran) -> None:
    """Before, during and after; in connect_sync on both loops, and in connect on both loops in the main thread."""
    done = ran(program("guest.py"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "compared\n", "")


@pytest.mark.parametrize("loop", ["uvloop", pytest.param("asyncio", marks=pytest.mark.long)])
def test_a_program_that_takes_the_exit_status_of_every_child_is_served_and_ends(ran: Ran, loop: str) -> None:
    """It ignores SIGCHLD before or after, reaps in a handler, or waits in a thread: closing hung for ever with uvloop."""
    done = ran(program("reaping.py", loop))
    assert (done.returncode, done.stdout, done.stderr) == (0, "ends\n", "")


def test_uvloop_that_is_asked_for_and_not_there_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(kvtui.ClusterError) as refused:
        kvtui.connect_sync(memory=True, uvloop=True)
    assert str(refused.value).startswith("uvloop=True needs uvloop, and it is not installed (pip install uvloop)")


@pytest.mark.parametrize("fast", [False, True])
def test_the_loop_of_a_synchronous_store_is_asyncios_unless_uvloops_is_asked_for(fast: bool) -> None:
    """Whatever policy the program has set."""

    async def running(cluster: kvtui.Cluster) -> str:
        return type(asyncio.get_running_loop()).__module__

    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        with kvtui.connect_sync(memory=True, nodes=0, uvloop=fast) as store:
            assert store.call(running).split(".")[0] == ("uvloop" if fast else "asyncio")
    finally:
        asyncio.set_event_loop_policy(before)


def test_beside_gevent_it_runs_and_what_gevent_has_patched_is_refused(ran: Ran) -> None:
    """Connecting hung for ever."""
    done = ran("""
import gevent.monkey
import kvtui
with kvtui.connect_sync(memory=True, nodes=0) as store:
    print(len(store.snapshot().nodes))
gevent.monkey.patch_all(ssl=False)
for connect in (kvtui.connect, kvtui.connect_sync):
    try:
        connect(memory=True)
    except kvtui.ClusterError as error:
        print(error)
""")
    said, *refused = done.stdout.splitlines()
    assert (done.returncode, done.stderr, said) == (0, "", "0")
    assert refused[0] == refused[1]
    assert refused[0].startswith(
        "gevent.monkey has replaced Python's own os, queue, select, signal, socket, subprocess,"
    )
    assert refused[0].endswith("a process that is not patched (under gunicorn: --worker-class gthread)")


@pytest.mark.parametrize(
    ("patcher", "telling"), [("gevent.monkey", "is_module_patched"), ("eventlet.patcher", "is_monkey_patched")]
)
def test_of_what_is_replaced_each_part_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch, patcher: str, telling: str
) -> None:
    """Some of them hang, and which those are depends on the others; where a library is only imported, it is welcome."""
    replaced: set[str] = set()
    monkeypatch.setitem(sys.modules, patcher, SimpleNamespace(**{telling: lambda name: name in replaced}))
    kvtui.connect(memory=True)
    for name in ("os", "select", "socket", "subprocess", "thread", "time"):
        replaced.clear()
        replaced.add(name)
        with pytest.raises(kvtui.ClusterError, match=f"^{patcher} has replaced Python's own {name}, "):
            kvtui.connect(memory=True)


def test_a_node_is_not_started_on_what_was_patched_while_its_store_was_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with kvtui.connect_sync(memory=True, nodes=0) as store:
        patcher = SimpleNamespace(is_module_patched=lambda name: name == "os")
        monkeypatch.setitem(sys.modules, "gevent.monkey", patcher)
        with pytest.raises(kvtui.ClusterError, match=r"^could not start n1: can't start node n1: gevent"):
            store.call(lambda cluster: cluster.add_node("n1", "127.0.0.1", 0))
