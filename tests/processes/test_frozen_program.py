"""A program that PyInstaller made of a script that embeds kvtui: it attaches, and never starts itself."""

import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(importlib.util.find_spec("PyInstaller") is None, reason="PyInstaller is not installed"),
]

SECONDS = 60

PROGRAM = """
    import multiprocessing, sys
    import kvtui

    state, python = sys.argv[1:]
    if python:
        multiprocessing.set_executable(python)
    try:
        with kvtui.connect_sync(state or None, memory=not state, nodes=1) as store:
            store.put("a", "1")
            print(store.get("a").decode())
    except kvtui.ClusterError as error:
        print(error)
"""


@pytest.mark.parametrize("kind", ["onedir", "onefile"])
def test_a_program_that_pyinstaller_made_attaches_and_never_starts_itself(kind: str, tmp_path: Path) -> None:
    """It started itself, and each of those itself, until the machine was full."""
    (tmp_path / "embedder.py").write_text(textwrap.dedent(PROGRAM))
    command = [sys.executable, "-m", "PyInstaller", f"--{kind}", "--noconfirm", "embedder.py"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = tmp_path / "dist" / "embedder" / "embedder" if kind == "onedir" else tmp_path / "dist" / "embedder"

    def said(state: str = "", python: str = "") -> str:
        run = [str(made), state, python]
        return subprocess.run(
            run, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=True
        ).stdout.strip()

    assert said().startswith("this program is frozen by PyInstaller, and can't run nodes with itself: attach")
    assert said("none") == said()
    assert not (tmp_path / "none").exists()
    assert said("", sys.executable) == "1"
    holder = subprocess.Popen(
        [sys.executable, "-m", "kvtui", "serve", "--state", str(tmp_path / "lab"), "--nodes", "1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert "serving" in holder.stdout.readline()
        assert said("lab") == "1"
    finally:
        holder.terminate()
        holder.communicate()
    assert said("lab") == said()
