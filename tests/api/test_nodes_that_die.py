"""A program held the ring, one of its nodes was killed, and stayed down, of which the program's log knew nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.test_kvtui_killed import node_processes

PROGRAM = Path(__file__).parent / "programs" / "reviving.py"


@pytest.mark.parametrize("loop", ["asyncio", pytest.param("uvloop", marks=pytest.mark.long)])
def test_a_node_that_died_by_itself_is_back_the_log_says_so_once_and_closing_waits_for_no_start(
    tmp_path: Path, loop: str
) -> None:
    program = subprocess.Popen(
        [sys.executable, "-W", "error", str(PROGRAM), loop],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = program.communicate(timeout=60)
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
    assert (program.returncode, err) == (0, "")
    *told, values, closed = out.splitlines()
    assert told[-2:] == ["WARNING n1 is started again (1 of 6)", "INFO n1 is UP"]
    assert any("its process was ended by SIGKILL" in line for line in told)
    # What the program itself killed stays so, and is told as well.
    assert [line for line in told if " n2" in line] == ["WARNING n2 is DOWN: it was killed (kill -9)"]
    assert len(told) == len(set(told))
    assert (values, closed) == ("no values", "closed")
    assert node_processes(tmp_path) == []
