"""Programs of users, as processes of their own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Ran = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def ran(tmp_path: Path) -> Ran:
    """``ran(code)``: the program at its end, run where it may leave files. It hangs: the test fails."""

    def running(code: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-c", code]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    return running
