"""Programs of users, as processes of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

Ran = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def ran(tmp_path: Path) -> Ran:
    """``ran(code)``: the program at its end, run where it may leave files. If it hangs, it and what it forked are killed."""

    def running(code: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-c", code]
        program = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            out, err = program.communicate(timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.communicate()
        return subprocess.CompletedProcess(command, program.returncode, out, err)

    return running
