"""Real processes of two users who exist nowhere but by their numbers. Only root can start them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

ALICE, MALLORY = 54_321, 54_322
LIMIT_SECONDS = 60


@cache
def prefix() -> tuple[str, ...]:
    """What lets another user run this interpreter, where it lies in a directory of root's own: they may then read and search
    everything, and still own, and write to, nothing of others."""
    try:
        if (
            subprocess.run([sys.executable, "-c", ""], user=ALICE, group=ALICE, extra_groups=[], cwd="/").returncode
            == 0
        ):
            return ()
    except OSError:
        pass
    return ("setpriv", "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")


def missing() -> str:
    """Why there can be no processes of other users here; empty where there can be."""
    if os.geteuid() != 0:
        return "only root can start processes of two users"
    try:
        done = subprocess.run(as_user(ALICE, sys.executable, "-c", ""), cwd="/", capture_output=True, check=False)
    except OSError as error:
        return f"setpriv is needed to start processes of two users: {error}"
    return "" if done.returncode == 0 else f"other users can't run this interpreter: {done.stderr.decode().strip()}"


def as_user(user: int, *command: str) -> list[str]:
    """The command, run by root, as that user."""
    lead = prefix() or ("setpriv",)
    return [*lead, "--reuid", str(user), "--regid", str(user), "--clear-groups", *command]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KVTUI", "HOME", "XDG"))}
    return {**kept, "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def place() -> Iterator[Path]:
    """A directory that all users can reach, and where only root can make names."""
    made = Path(tempfile.mkdtemp(prefix="kvtui-users-", dir="/tmp"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made)


def home_of(user: int, at: Path) -> Path:
    at.mkdir(mode=0o755)
    os.chown(at, user, user)
    return at


def kvtui(user: int, state: Path, *arguments: str, umask: int = 0o022) -> "subprocess.CompletedProcess[str]":
    """``kvtui --state STATE …`` by that user."""
    return subprocess.run(
        as_user(user, sys.executable, "-m", "kvtui", "--state", str(state), *arguments),
        env=environment(),
        cwd="/",
        umask=umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


@contextmanager
def serving(user: int, state: Path, *arguments: str, umask: int = 0o022) -> Iterator["subprocess.Popen[str]"]:
    """``kvtui serve`` by that user; it serves when the block begins, and ends with it."""
    with running(user, "-m", "kvtui", "serve", "--state", str(state), *arguments, umask=umask) as process:
        assert process.stdout is not None
        assert "serving" in process.stdout.readline()
        yield process


@contextmanager
def running(user: int, *arguments: str, umask: int = 0o022) -> Iterator["subprocess.Popen[str]"]:
    """This interpreter, by that user, until the block ends."""
    process = subprocess.Popen(
        as_user(user, sys.executable, *arguments),
        env=environment(),
        cwd="/",
        umask=umask,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT_SECONDS)


def code(text: str) -> tuple[str, str]:
    return "-c", textwrap.dedent(text)
