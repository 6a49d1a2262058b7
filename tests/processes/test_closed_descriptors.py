"""Our programs started with some of the descriptors 0 to 2 closed: no message lands in a file of a store or in the output."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

LIMIT_SECONDS = 60
HOST = f"127.1.{os.getpid() >> 8 & 255}.{os.getpid() & 255}" if sys.platform == "linux" else "127.0.0.1"
"""Of this process alone, where there is more than one: the system gives a port that is free again to whoever asks next, and a node
of another test was asked and answered before this one's had begun."""
SUBSETS = [subset for size in (1, 2, 3) for subset in combinations((0, 1, 2), size)]
CLOSED = {0: "0<&-", 1: "1>&-", 2: "2>&-"}
NO_COMMAND = "no-such-command"


def shell_line(module: str, *arguments: object, closed: tuple[int, ...]) -> list[str]:
    """A shell that becomes our program, with the descriptors closed as a person or a daemon's parent would."""
    words = " ".join(shlex.quote(str(word)) for word in (sys.executable, "-m", module, *arguments))
    return ["sh", "-c", f"exec {words} {' '.join(CLOSED[descriptor] for descriptor in closed)}"]


def run(module: str, *arguments: object, closed: tuple[int, ...] = ()) -> "subprocess.CompletedProcess[str]":
    command = shell_line(module, *arguments, closed=closed)
    return subprocess.run(command, input="", capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)


def files_with(folder: Path, *words: str) -> list[str]:
    """The files below ``folder``, kvtui's own log aside, that hold one of ``words``."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "kvtui.log")
    return [str(path) for path in files if any(word.encode() in path.read_bytes() for word in words)]


@pytest.mark.parametrize("closed", SUBSETS)
def test_kvtui_stores_and_says_nothing_in_the_wrong_place(tmp_path: Path, closed: tuple[int, ...]) -> None:
    state = tmp_path / "state"
    new = run(
        "kvtui", "--state", state, "--nodes", 1, "-c", "put a 1", "-c", NO_COMMAND, "-c", "put b 2", closed=closed
    )
    assert new.returncode == 1, new  # that of the command that failed
    assert NO_COMMAND not in new.stdout
    assert (NO_COMMAND in new.stderr) is (2 not in closed)
    assert files_with(state, NO_COMMAND, "Stored") == []
    again = run("kvtui", "--state", state, "-c", "get a", "-c", "get b")
    assert (again.returncode, again.stderr) == (0, "")
    assert [line.split()[-1] for line in again.stdout.splitlines()] == ["1", "2"]


@pytest.mark.parametrize("closed", [(0,), (2,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("kvtui", ["--nodes", "x"]),
        ("kvtui", ["--state", "/dev/null/state", "-c", "show"]),
        ("kvtui", []),
        ("kvtui.node", ["5001", "--memory", "--data", "x"]),
        ("kvtui.node", ["no-port"]),
        ("kvtui.check", []),
        ("kvtui.check", ["/dev/null/history"]),
    ],
)
def test_a_refusal_keeps_its_status_and_is_told_on_the_standard_error_or_nowhere(
    module: str, arguments: list[str], closed: tuple[int, ...]
) -> None:
    done = run(module, *arguments, closed=closed)
    assert (done.returncode, done.stdout) == (2, "")
    assert bool(done.stderr) is (2 not in closed)


@pytest.mark.parametrize("closed", SUBSETS)
def test_a_node_keeps_what_it_acknowledged(tmp_path: Path, closed: tuple[int, ...]) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    command = shell_line("kvtui.node", port, "--host", HOST, "--data", tmp_path / "data", closed=closed)
    told = tmp_path / "told"
    for request in ({"op": "put", "key": "a", "value": "1"}, {"op": "get", "key": "a"}):
        with told.open("wb") as output:
            node = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            reply = ask(node, port, request)
            node.send_signal(signal.SIGTERM)
            assert node.wait(LIMIT_SECONDS) == 0
        finally:
            node.kill()
            node.wait()
        assert reply["status"] == "ok"
        assert (told.read_bytes() == b"") is (1 in closed)
    assert reply["value"] == "1"
    assert files_with(tmp_path / "data", "listening") == []


def ask(node: "subprocess.Popen[bytes]", port: int, request: dict[str, str]) -> dict[str, str]:
    """The answer of a node, as soon as it listens: it may have no output to say so."""
    while node.poll() is None:
        try:
            with socket.create_connection((HOST, port), timeout=LIMIT_SECONDS) as connection:
                if connection.getsockname() == connection.getpeername():
                    continue  # connected to itself: the system chose that port while nobody listened
                connection.sendall(json.dumps(request).encode() + b"\n")
                answer: dict[str, str] = json.loads(connection.makefile().readline())
                return answer
        except ConnectionRefusedError:
            os.sched_yield()
    raise AssertionError(f"the node ended with status {node.returncode}")
