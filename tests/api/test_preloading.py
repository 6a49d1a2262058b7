"""gunicorn with --preload: its master opens the store, reaps every child itself, and ends by a signal."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gunicorn", reason="gunicorn is not installed")
pytestmark = pytest.mark.long
APP = """
import os, time
import kvtui

store = kvtui.connect_sync(memory=True, nodes=1, replicas=1, uvloop=True)
store.put("apple", "red")
node = store.snapshot().nodes[0].pid
found = store.get("apple").value + b" %d" % node

def app(environ, start):
    start("200 OK", [("content-length", str(len(found)))])
    return [found]
"""
ENOUGH_SECONDS = 20


def asked(place: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ENOUGH_SECONDS)
        client.connect(str(place))
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while part := client.recv(65_536):
            answer += part
    return answer.partition(b"\r\n\r\n")[2]


def test_a_master_that_preloads_and_reaps_serves_and_ends_in_order(tmp_path: Path) -> None:
    """It never ended."""
    (tmp_path / "shop.py").write_text(APP)
    command = [sys.executable, "-m", "gunicorn", "--preload", "--bind", "unix:door", "shop:app"]
    server = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert server.stderr is not None
        said = []
        for line in server.stderr:
            said.append(line)
            if "Booting worker" in line:
                break
        value, _, node = asked(tmp_path / "door").partition(b" ")
        assert value == b"red", said
        server.send_signal(signal.SIGTERM)
        _, rest = server.communicate(timeout=ENOUGH_SECONDS)
        assert server.returncode == 0, rest
        assert "Traceback" not in rest
        with pytest.raises(ProcessLookupError):
            os.kill(int(node), 0)
    finally:
        try:
            os.killpg(server.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        server.communicate()
