"""No picture is kept that no test looks at."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


# syrupy looks for them at the end of a run, but not where several processes share the tests.
def test_every_picture_has_its_test() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-p", "no:cacheprovider", str(HERE)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ids = [line.rpartition("/")[2].partition(".py::") for line in done.stdout.splitlines() if ".py::" in line]
    pictures = {f"{path.parent.name}/{path.stem}" for path in HERE.glob("__snapshots__/*/*.svg")}
    assert pictures
    assert sorted(pictures - {f"{module}/{test}" for module, _, test in ids}) == []
