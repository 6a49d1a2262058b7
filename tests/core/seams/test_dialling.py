"""A connection's own end is nobody: what listens nowhere is never found there."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kvtui.core.seams.dialling import is_own_end
from tests.core.seams.certificates import Authority

LIMIT_SECONDS = 60
SCRIPT = """
import asyncio, fcntl, importlib.util, socket, struct, sys
from pathlib import Path
from kvtui.core.seams.tls import TlsFiles, as_coordinator
from kvtui.core.seams.transport import TcpTransport, Unreachable

fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("45000 45001")
authority = Path(sys.argv[1])

async def ask():
    for transport in (TcpTransport(), TcpTransport(as_coordinator(TlsFiles(authority=authority)))):
        for port in (45000, 45001) * 4:
            try:
                await transport.connect("127.0.0.1", port, asyncio.Protocol)
                print("connected")
            except Unreachable as error:
                print(type(error).__name__, error)
            with socket.create_server(("127.0.0.1", port)):
                pass  # it is free for who is to listen there

asyncio.run(ask())
if importlib.util.find_spec("uvloop"):
    import uvloop
    uvloop.run(ask())
"""


def test_a_connection_with_itself_is_told_from_others() -> None:
    with socket.socket() as alone, socket.create_server(("127.0.0.1", 0)) as listening:
        alone.bind(("127.0.0.1", 0))
        alone.connect(alone.getsockname())
        assert is_own_end(alone)
        with socket.create_connection(listening.getsockname()) as other:
            assert not is_own_end(other)


def test_where_nothing_listens_nobody_is_reached_whatever_port_the_system_gives(tmp_path: Path) -> None:
    """A node that was DOWN was now and then found to be "no kvtui node": the coordinator's own end answered."""
    own = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a network of its own can't be had here (unshare --user --net), in which there are but two ports")
    command = [*own, sys.executable, "-c", SCRIPT, str(Authority(tmp_path).file)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert len(lines) >= 16
    assert {line.split(" can't be reached: ")[-1] for line in lines} == {"connection refused"}
