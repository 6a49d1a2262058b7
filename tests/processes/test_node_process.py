"""``kvtui-node`` as a process: what it prints, how it ends, and what survives."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

LIMIT_SECONDS = 30
PIPELINED = 500
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts nodes that die with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object, before: tuple[str, ...] = (), **options: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            # The pipe ends with this process, so the node does too, even when the test is killed.
            [*before, sys.executable, "-m", "kvtui.node", *map(str, arguments), "--parent-pipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)} | options,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def port_of(process: "subprocess.Popen[str]") -> int:
    """The port on which a node says that it listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("kvtui-node listening on 127.0.0.1:"), line + str(process.poll())
    return int(line.split(",")[0].rpartition(":")[2])


def ask(port: int, *requests: Mapping[str, object]) -> list[dict[str, object]]:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS) as connection,
        connection.makefile("rwb") as file,
    ):
        file.write(b"".join(json.dumps(request).encode() + b"\n" for request in requests))
        file.flush()
        return [json.loads(file.readline()) for _ in requests]


def refusal(process: "subprocess.Popen[str]") -> str:
    """The one line with which a node that can't start ends."""
    out, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, out) == (2, "")
    lines = errors.splitlines()
    assert len(lines) == 1, errors
    return lines[0]


def test_it_says_where_it_listens_and_where_its_data_is(start: Start, tmp_path: Path) -> None:
    durable = start(0, "--data", tmp_path / "data")
    memory = start(0, "--memory")
    assert durable.stdout is not None
    assert memory.stdout is not None
    line = durable.stdout.readline()
    port = int(line.split(",")[0].rpartition(":")[2])
    assert line == f"kvtui-node listening on 127.0.0.1:{port}, data in {tmp_path / 'data'}\n"
    assert ask(port, {"op": "hello"})[0]["facts"]["durable"] is True  # type: ignore[index]
    assert memory.stdout.readline().endswith(", data in memory\n")


def test_the_default_directory_is_the_users_and_the_ports(start: Start, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(port, XDG_DATA_HOME=str(tmp_path), HOME=str(tmp_path))
    assert process.stdout is not None
    line = process.stdout.readline().rstrip()
    assert line.startswith(f"kvtui-node listening on 127.0.0.1:{port}, data in {tmp_path}")
    assert line.endswith(f"kvtui/nodes/{port}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_order_and_nothing_acknowledged_is_lost(start: Start, tmp_path: Path, number: int) -> None:
    process = start(0, "--data", tmp_path)
    port = port_of(process)
    acknowledged = 0
    unanswered = threading.Semaphore(PIPELINED)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS) as connection,
        connection.makefile("rb") as replies,
    ):
        sender = threading.Thread(target=put_until_closed, args=(connection, unanswered))
        sender.start()
        try:
            for line in replies:
                if line.endswith(b"\n"):
                    assert json.loads(line)["status"] == "ok"
                    acknowledged += 1
                    unanswered.release()
                if acknowledged == 500:
                    process.send_signal(number)
        except ConnectionResetError:
            # The node closed while requests were still on their way to it.
            pass
        unanswered.release()
        sender.join(LIMIT_SECONDS)
    out, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, out, errors) == (0, "", "")
    assert acknowledged >= 500
    assert ask(port_of(start(0, "--data", tmp_path)), {"op": "size"})[0]["keys"] >= acknowledged  # type: ignore[operator]


def test_a_hangup_that_it_is_to_ignore_does_not_end_it(start: Start, tmp_path: Path) -> None:
    process = start(0, "--data", tmp_path, before=("sh", "-c", 'trap "" HUP; exec "$@"', "sh"))
    port = port_of(process)
    process.send_signal(signal.SIGHUP)
    assert ask(port, {"op": "put", "key": "a", "value": "1"})[0]["status"] == "ok"
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_SECONDS) == 0


def put_until_closed(connection: socket.socket, unanswered: threading.Semaphore) -> None:
    """Put one key after the other, as many at once as ``unanswered`` lets through."""
    try:
        for number in range(10_000_000):
            if not unanswered.acquire(timeout=LIMIT_SECONDS):
                return
            connection.sendall(b'{"op":"put","key":"%d","value":"v"}\n' % number)
    except OSError:
        pass


def test_every_acknowledged_write_survives_kill_9(start: Start, tmp_path: Path) -> None:
    process = start(0, "--data", tmp_path)
    port = port_of(process)
    acknowledged: list[int] = []
    unanswered = threading.Semaphore(PIPELINED)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS) as connection,
        connection.makefile("rb") as replies,
    ):
        sender = threading.Thread(target=put_until_closed, args=(connection, unanswered))
        sender.start()
        try:
            for line in replies:
                if line.endswith(b"\n"):
                    acknowledged.append(json.loads(line)["counter"])
                    unanswered.release()
                if len(acknowledged) == 2000:
                    process.kill()
        except ConnectionResetError:
            pass
        unanswered.release()
        sender.join(LIMIT_SECONDS)
    port = port_of(start(0, "--data", tmp_path))
    hello, size = ask(port, {"op": "hello"}, {"op": "size"})
    assert size["keys"] >= len(acknowledged) >= 2000  # type: ignore[operator]
    assert hello["facts"]["counter"] >= max(acknowledged)  # type: ignore[index]
    gets = ask(port, *({"op": "get", "key": str(number)} for number in range(len(acknowledged))))
    assert {get.get("value") for get in gets} == {"v"}


def test_the_data_id_is_the_directorys_and_fresh_in_memory(start: Start, tmp_path: Path) -> None:
    def data_id(*arguments: object) -> object:
        process = start(0, *arguments)
        facts = ask(port_of(process), {"op": "hello"})[0]["facts"]
        process.terminate()
        process.wait(LIMIT_SECONDS)
        return facts["data_id"]  # type: ignore[index]

    first, again = data_id("--data", tmp_path / "a"), data_id("--data", tmp_path / "a")
    assert first == again
    assert len({first, data_id("--data", tmp_path / "b"), data_id("--memory"), data_id("--memory")}) == 4


def test_a_directory_in_use_is_refused_naming_its_holder(start: Start, tmp_path: Path) -> None:
    holder = start(0, "--data", tmp_path)
    port_of(holder)
    assert refusal(start(0, "--data", tmp_path)) == (
        f"kvtui-node: {tmp_path} is in use by kvtui-node, process {holder.pid}: end that one first"
    )


def test_a_port_in_use_is_refused(start: Start) -> None:
    port = port_of(start(0, "--memory"))
    assert refusal(start(port, "--memory")) == (f"kvtui-node: can't listen on 127.0.0.1:{port}: address already in use")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org"])
def test_an_address_beyond_this_machine_is_refused(start: Start, host: str) -> None:
    assert refusal(start(0, "--memory", "--host", host)) == (
        f"kvtui-node: refusing to listen on {host}: without a shared secret a node listens on loopback addresses only"
    )


def test_a_directory_that_is_no_nodes_is_refused(start: Start, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert refusal(start(0, "--data", tmp_path)) == (
        f"kvtui-node: {tmp_path} holds letter.txt but no store: take another directory"
    )
    file = tmp_path / "letter.txt"
    assert str(file) in refusal(start(0, "--data", file))


def test_a_store_of_something_else_is_refused(start: Start, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from kvtui.core.seams.rocksdb import open_rocksdb;"
        "from kvtui.core.seams.storage import Batch;"
        "engine = open_rocksdb(Path(sys.argv[1]), 'a coordinator'); engine.apply(Batch([(b'log', b'1')])); engine.close()"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, env={**os.environ, "PYTHONPATH": os.getcwd()}
    )
    assert refusal(start(0, "--data", tmp_path)) == (
        f"kvtui-node: {tmp_path}: the directory holds data that is not a node's"
    )


def test_a_damaged_log_is_refused(start: Start, tmp_path: Path) -> None:
    process = start(0, "--data", tmp_path)
    ask(port_of(process), *({"op": "put", "key": str(number), "value": "v"} for number in range(100)))
    process.kill()
    process.wait(LIMIT_SECONDS)
    log = max(tmp_path.glob("*.log"), key=lambda path: path.stat().st_size)
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    assert refusal(start(0, "--data", tmp_path)).startswith(
        f"kvtui-node: can't open the store in {tmp_path}: Corruption"
    )


@pytest.mark.parametrize("arguments", [["0"], ["0", "--memory", "--data", "x"], ["65536"], ["x"]])
def test_a_usage_error_has_status_2(start: Start, arguments: list[str]) -> None:
    process = start(*arguments)
    _, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 2
    assert errors
    assert "Traceback" not in errors


def test_it_ends_in_order_when_its_parents_pipe_does(start: Start, tmp_path: Path) -> None:
    process = start(0, "--data", tmp_path, "--parent-pipe")
    port = port_of(process)
    assert process.stdin is not None
    process.stdin.write("ignored\n")
    process.stdin.flush()
    ask(port, {"op": "put", "key": "a", "value": "1"})
    process.stdin.close()
    assert process.wait(LIMIT_SECONDS) == 0
    assert not (tmp_path / "HOLDER").exists()


def test_it_serves_ipv6_loopback(start: Start) -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    process = start(0, "--memory", "--host", "::1")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("kvtui-node listening on [::1]:")


def test_many_hostile_clients_cost_others_nothing(start: Start) -> None:
    port = port_of(start(0, "--memory"))
    hostile = [socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS) for _ in range(20)]
    try:
        for number, connection in enumerate(hostile):
            connection.sendall(
                [b"\x00\xff" * 500, b'{"op":"put","key":"', b"[" * 5000 + b"\n", b"GET / HTTP/1.1\r\n\r\n"][number % 4]
            )
        replies = ask(port, {"op": "put", "key": "a", "value": "1", "id": 1}, {"op": "get", "key": "a", "id": 2})
        assert [reply["status"] for reply in replies] == ["ok", "ok"]
    finally:
        for connection in hostile:
            connection.close()
