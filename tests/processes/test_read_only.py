"""Where nothing can be written but the state directory, as in a container with a read-only root and a volume."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

LIMIT_SECONDS = 60
LONG = "a-directory-of-a-long-name-" * 4
STORY = """
    set -e
    mount -t tmpfs -o size=300m tmpfs {volume}
    mount --bind / /
    mount -o remount,ro,bind /
    ! touch /tmp/kvtui-written /var/tmp/kvtui-written ./kvtui-written 2>/dev/null
    {python} -m kvtui --state '{volume}/{name}' --nodes 2 --replicas 2 -c 'put a 1'
    {python} -m kvtui --state '{volume}/{name}' -c 'get a'
    {python} -m kvtui serve --state '{volume}/{name}' >/dev/null &
    until [ -S '{volume}/{name}/control.sock' ]; do sleep 0.05; done
    {python} -m kvtui --state '{volume}/{name}' -c 'put a 2' -c 'get a'
    kill $!
    wait $!
"""


def missing() -> str:
    """Why there can be no read-only root here."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None:
        return "only root on Linux, with unshare, can mount a read-only root"
    tried = subprocess.run(["unshare", "-m", "mount", "--bind", "/", "/"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "mounting is not permitted here"


@pytest.mark.skipif(bool(missing()), reason=missing() or "never")
@pytest.mark.parametrize("name", ["lab", LONG], ids=["short", "too long for a socket"])
def test_only_the_state_directory_needs_to_be_writable(tmp_path: Path, name: str) -> None:
    """No home, no temporary directory: "a defect of kvtui stopped it"."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KVTUI", "HOME", "XDG", "TMP"))}
    story = textwrap.dedent(STORY).format(volume=tmp_path, name=name, python=sys.executable)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", story],
        cwd="/",
        env={**kept, "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done
    assert [line for line in done.stdout.splitlines() if line.startswith("a -> ")] == ["a -> 1", "a -> 2"]
    assert all("attached to" in line for line in done.stderr.splitlines()), done.stderr
