"""The processes that run stories end with whoever started them."""

import signal
import subprocess
import sys
from pathlib import Path

ENDLESS = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from os import getpid
from time import sleep

from tests.simulation.workers import begin

if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn"), begin) as pool:
        print(pool.submit(getpid).result(), flush=True)
        pool.submit(sleep, 1000).result()
"""


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """They went on for as long as they had seeds, and took the machine from whoever came next."""
    program = tmp_path / "program.py"
    program.write_text(ENDLESS)
    command = [sys.executable, "-c", f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    # The worker has the other end of this pipe: it is closed when the worker has ended.
    assert parent.stdout.read() == b""
    assert worker != parent.pid
    parent.stdout.close()
