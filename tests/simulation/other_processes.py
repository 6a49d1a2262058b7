"""What code prints in processes that hash differently: a run must not depend on that."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HASH_SEEDS = ("0", "1", "77")


def printed(code: str) -> set[str]:
    """The standard outputs of the code, run once for each hash seed."""
    outputs = set()
    for hash_seed in HASH_SEEDS:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        outputs.add(done.stdout)
    return outputs
