"""Real nodes and real kvtui with a secret and with TLS: who gets in, who doesn't, and where the secret never shows."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest

from kvtui.core.authentication import Secret
from kvtui.core.cluster import Outcome
from kvtui.core.coordinator import Coordinator
from kvtui.core.opening import Settings, open_cluster
from kvtui.core.seams.launcher import NodeSpec
from kvtui.core.seams.processes import ProcessLauncher
from kvtui.core.seams.tls import TlsFiles
from tests.core.seams.certificates import Authority
from tests.live import pid_of, said

TEXT = "correct horse battery staple"
SECRET = Secret(TEXT.encode())
OTHER = Secret(b"another one of the same length")
ALONE = "one that another kvtui started obeys that one alone"
LIMIT_SECONDS = 60
FLOOD = 2000


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KVTUI")}
    return {**kept, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path), **variables}


def kvtui(
    state: Path, *commands: str, options: tuple[str, ...] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    """A headless run of ``commands``."""
    arguments = [part for command in commands for part in ("-c", command)]
    return subprocess.run(
        [sys.executable, "-m", "kvtui", "--state", str(state), *options, *arguments],
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


@contextmanager
def node_process(
    *arguments: str, code: str = "from kvtui.node.cli import main; main()", **variables: str
) -> Iterator["subprocess.Popen[str]"]:
    """``kvtui-node`` on any free port, with nothing stored; it ends with the test."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, "0", "--memory", "--parent-pipe", *arguments],
        env=environment(**variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_SECONDS)


def port_of(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("kvtui-node listening on "), line
    return int(line.split(",")[0].rpartition(":")[2])


def told(process: "subprocess.Popen[str]") -> list[str]:
    """What a node told its operator, once it has ended in order."""
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0, errors
    return errors.splitlines()


def answer(port: int, text: bytes) -> bytes:
    """All that a node answers to a stranger."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as file:
            return file.read()


@asynccontextmanager
async def secured_node(secret: Secret | None, tls: TlsFiles | None = None) -> AsyncIterator[tuple[str, int]]:
    process = await ProcessLauncher(tls=tls).start(NodeSpec("lone", "127.0.0.1", 0, None, secret))
    try:
        yield process.address
    finally:
        process.signal(signal.SIGKILL)
        await process.wait()


def with_cluster(story: Callable[[Coordinator], Awaitable[None]], settings: Settings) -> None:
    async def tell() -> None:
        with anyio.fail_after(LIMIT_SECONDS):
            async with open_cluster(settings) as cluster:
                await story(cluster)

    anyio.run(tell)


def test_a_cluster_with_a_secret_from_the_environment_works_and_shows_it_nowhere(tmp_path: Path) -> None:
    state = tmp_path / "state"
    made = kvtui(
        state,
        "put apple 123",
        "get apple",
        "stats --all",
        options=("--nodes", "2", "--replicas", "1"),
        KVTUI_SECRET=TEXT,
    )
    again = kvtui(state, "get apple", KVTUI_SECRET=TEXT)
    assert (made.returncode, again.returncode) == (0, 0), made.stderr + again.stderr
    assert "apple -> 123" in again.stdout
    assert TEXT not in made.stdout + made.stderr + again.stdout + again.stderr
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TEXT.encode() not in path.read_bytes(), path


def test_a_secret_from_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(TEXT + "\n")
    file.chmod(0o644)
    done = kvtui(tmp_path / "state", "show", options=("--secret-file", str(file)))
    assert (done.returncode, done.stderr) == (2, f"kvtui: the secret file {file} is open to others: chmod 600 {file}\n")
    with node_process("--secret-file", str(file)) as node:
        _, errors = node.communicate(timeout=LIMIT_SECONDS)
        assert (node.returncode, errors) == (
            2,
            f"kvtui-node: the secret file {file} is open to others: chmod 600 {file}\n",
        )
    file.chmod(0o600)
    assert kvtui(tmp_path / "state", "put a 1", options=("--nodes", "1", "--secret-file", str(file))).returncode == 0


def test_a_lost_state_directory_is_recovered_from_nodes_that_want_a_secret(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert kvtui(state, "put apple 123", options=("--nodes", "2", "--replicas", "2"), KVTUI_SECRET=TEXT).returncode == 0
    shutil.rmtree(state / "metadata")
    with node_process(KVTUI_SECRET=TEXT) as stranger:
        port = str(port_of(stranger))
        wrong = kvtui(state, options=("recover", port), KVTUI_SECRET="another one of the same length")
        assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
        assert "has another secret" in wrong.stderr
    assert kvtui(state, options=("recover",), KVTUI_SECRET=TEXT).returncode == 0
    assert "apple -> 123" in kvtui(state, "get apple", KVTUI_SECRET=TEXT).stdout


@pytest.mark.parametrize("option", ["--tls-key", "--tls-ca"])
def test_a_node_needs_its_own_certificate_first(option: str) -> None:
    with node_process(option, "some.pem") as node:
        _, errors = node.communicate(timeout=LIMIT_SECONDS)
        assert (node.returncode, errors.count("\n")) == (2, 1)
        assert "need --tls-cert" in errors


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize("given", [None, SECRET])
def test_nodes_get_a_secret_of_their_own_in_their_environment_alone_and_want_it_proved(
    tmp_path: Path, given: Secret | None
) -> None:
    """Whoever uses this machine reaches their ports: nobody but their coordinator is answered."""
    secrets = set()

    async def story(cluster: Coordinator) -> None:
        process = Path("/proc") / str(pid_of(cluster, "n1"))
        own = next(
            value
            for name, _, value in (line.partition(b"=") for line in (process / "environ").read_bytes().split(b"\0"))
            if name == b"KVTUI_SECRET"
        )
        secrets.add(own)
        assert len(own) == 64
        assert own not in (process / "cmdline").read_bytes()
        assert not any(own in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        assert "KVTUI_SECRET" not in os.environ
        view = cluster.snapshot().node("n1")
        assert view is not None
        for request in (b'{"op":"put","key":"a","value":"1"}', b'{"op":"dump"}\n', b'{"op":"hello"}\n'):
            assert b'"code":"unauthenticated"' in await anyio.to_thread.run_sync(answer, view.port, request)
        assert not (await cluster.get(b"a")).value

    for _ in range(2):
        with_cluster(story, Settings(state=tmp_path / "state", nodes=1, secret=given))
    assert len(secrets) == 2, "every life of the coordinator has another"


def test_another_kvtui_gets_nothing_from_the_nodes_of_a_running_one(tmp_path: Path) -> None:
    async def story(cluster: Coordinator) -> None:
        assert (await cluster.put(b"password", b"hunter2")).outcome is Outcome.OK
        ports = [str(view.port) for view in cluster.snapshot().nodes]
        for asking in (kvtui, partial(kvtui, KVTUI_SECRET=TEXT)):
            taking = partial(asking, tmp_path / "mine", options=("recover", *ports))
            taken = await anyio.to_thread.run_sync(taking)
            assert (taken.returncode, taken.stderr.count("\n")) == (2, 1)
            assert ALONE in taken.stderr
            adding = partial(asking, tmp_path / "new", f"addnode B {ports[0]}")
            added = await anyio.to_thread.run_sync(adding)
            assert added.returncode == 1
            assert ALONE in added.stdout + added.stderr
        assert (await cluster.get(b"password")).value == b"hunter2"

    with_cluster(story, Settings(state=tmp_path / "state", nodes=2, replication=1))


def test_a_node_gets_no_secret_from_the_environment_of_who_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVTUI_SECRET", TEXT)

    async def story() -> None:
        with anyio.fail_after(LIMIT_SECONDS):
            async with secured_node(None) as (_, port):
                assert b'"status":"ok"' in await anyio.to_thread.run_sync(answer, port, b'{"op":"size"}')

    anyio.run(story)


@pytest.mark.parametrize(
    ("nodes", "ours", "reason"),
    [
        (SECRET, None, f"wants a secret: give it in a secret file or as KVTUI_SECRET; {ALONE}"),
        (SECRET, OTHER, f"has another secret: give the node's in a secret file or as KVTUI_SECRET; {ALONE}"),
        (None, SECRET, "has no secret, and this kvtui has one: start the node with that one too"),
    ],
)
def test_addnode_of_a_node_that_does_not_share_the_secret_is_refused_in_one_line(
    nodes: Secret | None, ours: Secret | None, reason: str
) -> None:
    async def story(cluster: Coordinator) -> None:
        async with secured_node(nodes) as (host, port):
            assert await said(cluster, f"addnode B {host}:{port}") == (False, [f"node B at {host}:{port} {reason}"])
            assert cluster.snapshot().nodes == ()

    with_cluster(story, Settings(state=None, secret=ours))


def test_addnode_of_a_secured_node_and_what_is_said_when_the_secret_is_missing_later(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with node_process(KVTUI_SECRET=TEXT) as node:
        port = port_of(node)
        first = kvtui(state, f"addnode B {port}", "put apple 123", "get apple", KVTUI_SECRET=TEXT)
        assert first.returncode == 0, first.stderr
        assert "apple -> 123" in first.stdout
        without = kvtui(state, "get apple")
        assert without.returncode == 1
        wants = f"kvtui: B is DOWN: node B at 127.0.0.1:{port} wants a secret: give it in a secret file or as KVTUI_SECRET; {ALONE}"
        assert without.stderr.splitlines()[0] == wants
        assert "apple -> 123" in kvtui(state, "get apple", KVTUI_SECRET=TEXT).stdout
        assert told(node)[0] == "kvtui-node: refused 127.0.0.1: a request without the secret"


def test_a_node_listens_elsewhere_only_with_a_secret() -> None:
    # Every address is taken for another machine's, so that the test listens on loopback nevertheless.
    code = "import kvtui.node.cli as cli; cli.is_loopback = lambda host: False; cli.main()"
    with node_process("--host", "127.0.0.2", code=code) as node:
        _, errors = node.communicate(timeout=LIMIT_SECONDS)
        assert (node.returncode, errors.count("\n")) == (2, 1)
        assert "refusing to listen on 127.0.0.2: without a shared secret" in errors
    if sys.platform == "linux":
        with node_process("--host", "127.0.0.2", code=code, KVTUI_SECRET=TEXT) as node:
            assert port_of(node)


def test_a_flood_from_strangers_neither_stops_nor_fills_a_working_cluster(tmp_path: Path) -> None:
    """Ten times as many connections as may wait, over and over, while a coordinator writes through its own."""
    with node_process(KVTUI_SECRET=TEXT) as node:
        port = port_of(node)

        async def flood() -> None:
            for start in range(0, FLOOD, 500):
                sockets = []
                for number in range(start, start + 500):
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                    except OSError:
                        continue
                    writer.write(b"x" * 2000 if number % 3 else b'{"op":"put","key":"k","value":"stranger"}\n')
                    sockets.append(writer)
                for writer in sockets:
                    writer.close()

        async def story(cluster: Coordinator) -> None:
            assert (await said(cluster, f"addnode B {port}"))[0]
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(flood)
                for number in range(200):
                    written = await cluster.put(b"k", str(number).encode())
                    assert written.outcome is Outcome.OK, written
                    await asyncio.sleep(0.001)
            assert (await cluster.get(b"k")).value == b"199"
            # Who comes anew gets in as well.
            assert b"unauthenticated" in await anyio.to_thread.run_sync(answer, port, b'{"op":"size"}')

        with_cluster(story, Settings(state=None, secret=SECRET))
        again = kvtui(tmp_path / "other", f"addnode B {port}", KVTUI_SECRET=TEXT)
        assert "belongs to another cluster" in again.stdout + again.stderr
        assert len(told(node)) <= 6


def test_a_cluster_over_tls_starts_its_nodes_with_it_and_attaches_to_others(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.certificate()
    tls = replace(files, authority=authority.file)

    async def story(cluster: Coordinator) -> None:
        assert (await cluster.put(b"apple", b"123")).outcome is Outcome.OK
        async with secured_node(SECRET, files) as (host, port):
            assert (await said(cluster, f"addnode B {host}:{port}"))[0]
            assert (await cluster.get(b"apple")).value == b"123"
            assert b"this node speaks TLS alone" in await anyio.to_thread.run_sync(answer, port, b'{"op":"size"}\n')
            assert (await said(cluster, "removenode B"))[0]
        async with secured_node(SECRET) as (host, port):
            succeeded, lines = await said(cluster, f"addnode C {host}:{port}")
            assert not succeeded
            assert len(lines) == 1
            assert "does not agree on TLS" in lines[0]

    with_cluster(story, Settings(state=tmp_path / "state", nodes=2, replication=1, secret=SECRET, tls=tls))
    paths = (str(authority.file), str(files.certificate), str(files.key))
    options = ("--tls-ca", paths[0], "--tls-cert", paths[1], "--tls-key", paths[2])
    done = kvtui(tmp_path / "state", "get apple", options=options, KVTUI_SECRET=TEXT)
    assert "apple -> 123" in done.stdout, done.stderr
    alone = kvtui(tmp_path / "new", "show", options=("--nodes", "1", "--tls-ca", paths[0]))
    assert (alone.returncode, alone.stderr.count("\n")) == (2, 1)
    assert "needs a certificate of its own for TLS" in alone.stderr
