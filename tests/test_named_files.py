"""The umask: a program of ours closes what it makes, but for what a person names; one that only uses kvtui is left as it is."""

import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

STORY = """
    import os, sys
    from pathlib import Path
    from kvtui.named_files import make_private, open_named
    os.umask(int(sys.argv[1], 8))
    if sys.argv[2] == "program":
        make_private()
        make_private()
    Path("ours").write_text("")
    Path("ours.d").mkdir()
    os.close(open_named("named", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.close(open_named("again", os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    os.chmod("again", 0o640)
    os.close(open_named("again", os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    try:
        open_named("named", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        print("is there")
"""


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077], ids=oct)
@pytest.mark.parametrize("role", ["program", "library"])
def test_named_files_have_the_persons_umask_and_all_others_the_programs(tmp_path: Path, umask: int, role: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STORY), oct(umask), role],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "is there\n"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    ours = 0o077 if role == "program" else umask
    assert modes == {"ours": 0o666 & ~ours, "ours.d": 0o777 & ~ours, "named": 0o666 & ~umask, "again": 0o640}


LIBRARY = """
    import os, sys
    import kvtui
    os.umask(int(sys.argv[1], 8))
    with kvtui.connect_sync("lab", nodes=1, replicas=1) as store:
        store.put("apple", "123")
        open("theirs", "w").close()
    before = os.umask(0)
    print(oct(before))
"""


@pytest.mark.parametrize("umask", [0o000, 0o022], ids=oct)
def test_a_program_that_uses_kvtui_keeps_its_umask_and_its_store_is_closed_all_the_same(
    tmp_path: Path, umask: int
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIBRARY), oct(umask)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == f"{oct(umask)}\n"
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o666 & ~umask
    lab = tmp_path / "lab"
    folders = [lab, *(path for path in lab.rglob("*") if path.is_dir())]
    assert {folder.name: oct(stat.S_IMODE(folder.stat().st_mode)) for folder in folders} == dict.fromkeys(
        ("lab", "metadata", "nodes", "n1"), "0o700"
    )
