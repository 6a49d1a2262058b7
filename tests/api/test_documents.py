"""The programs in the documents run, print what is said there, and are typed."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.api.conftest import Ran

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["docs/python.md", "README.md"]
PROGRAM = re.compile(r"```python\n(.*?)```\n(?:\nIt prints:\n\n```\n(.*?)```)?", re.DOTALL)


def programs() -> Iterator[tuple[str, str, str]]:
    """Where each is, the program, and what it prints."""
    for document in DOCUMENTS:
        for number, found in enumerate(PROGRAM.finditer((ROOT / document).read_text()), 1):
            yield f"{document} {number}", found[1], found[2] or ""


def test_both_documents_have_programs() -> None:
    assert {name.partition(" ")[0] for name, _, _ in programs()} == set(DOCUMENTS)


ABSENT = "import sys; sys.modules['uvloop'] = sys.modules['sniffio'] = None\n"
"""As where neither is installed: importing them fails."""
PRESENT = """
import asyncio, sniffio, uvloop

def on_uvloop(main):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)

asyncio.run = on_uvloop
"""
"""As in a program that runs on uvloop, beside a library that brings sniffio."""
COMPANY = {"alone": ABSENT, "beside uvloop and sniffio": PRESENT}


@pytest.mark.parametrize("beside", COMPANY.values(), ids=COMPANY)
@pytest.mark.parametrize(("program", "printed"), [pytest.param(code, text, id=name) for name, code, text in programs()])
def test_a_program_prints_what_is_said(program: str, printed: str, beside: str, ran: Ran) -> None:
    if beside == PRESENT and (missing := [name for name in ("sniffio", "uvloop") if find_spec(name) is None]):
        pytest.skip(f"not installed: {', '.join(missing)}")
    done = ran(beside + program)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == printed


@pytest.mark.long
def test_programs_are_typed_in_all_strictness(tmp_path: Path) -> None:
    files = [tmp_path / "calls_of_programs.py"]
    files[0].write_text((Path(__file__).parent / files[0].name).read_text())
    for number, (_, program, _) in enumerate(programs()):
        files.append(tmp_path / f"program_{number}.py")
        files[-1].write_text(program)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache"), *map(str, files)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
