"""How a node is started: what it is given, and in what a program is told that can start none."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kvtui import __version__
from kvtui.core.authentication import Secret
from kvtui.core.seams.launcher import LaunchFailed, LaunchRefused, NodeSpec
from kvtui.core.seams.node_command import Command, node_command, not_begun, not_started, refusal, too_late
from kvtui.core.seams.started_as_node import VARIABLE, Told, take_told
from kvtui.core.seams.this_program import FASTER, LIBRARIES, Program, embeds_python, this_program
from kvtui.core.seams.tls import TlsFiles

PROGRAM = Program(
    "/venv/bin/python", kvtui="/site", libraries={"msgspec": "/site"}, directory="/home/u", environment={"PATH": "/bin"}
)
SPEC = NodeSpec("n1", "127.0.0.1", 5001, Path("/lab/nodes/n1"))


def test_a_node_is_seen_as_one_in_a_list_of_processes() -> None:
    command = node_command(SPEC, None, PROGRAM)
    line = " ".join(command.arguments)
    assert line.startswith("/venv/bin/python -P -c import sys")
    assert "kvtui.node" in line
    assert line.endswith(" /site kvtui-node 5001 --host 127.0.0.1 --parent-pipe --data /lab/nodes/n1")
    assert "\n" not in line
    assert node_command(replace(SPEC, data=None), None, PROGRAM).arguments[-1] == "--memory"


def test_a_node_keeps_no_directory_of_the_host_in_use() -> None:
    assert node_command(SPEC, None, PROGRAM).directory == Path("/")


def test_names_of_files_are_those_of_the_hosts_directory() -> None:
    tls = TlsFiles(Path("node.pem"), Path("node.key"), Path("ca.pem"))
    arguments = node_command(replace(SPEC, data=Path("lab/n1")), tls, PROGRAM).arguments
    after = arguments.index("--data")
    assert arguments[after:] == (
        *("--data", "/home/u/lab/n1", "--tls-cert", "/home/u/node.pem"),
        *("--tls-key", "/home/u/node.key"),
    )


def test_a_name_below_a_deleted_directory_is_told() -> None:
    gone = replace(PROGRAM, directory="")
    assert node_command(SPEC, None, gone).directory == Path("/")
    with pytest.raises(LaunchFailed, match="lab/n1 lies below the current directory, which was deleted"):
        node_command(replace(SPEC, data=Path("lab/n1")), None, gone)


def test_a_node_without_the_certificate_that_it_needs_is_not_started() -> None:
    with pytest.raises(LaunchFailed, match="node n1 needs a certificate"):
        node_command(SPEC, TlsFiles(authority=Path("/ca.pem")), PROGRAM)


def test_what_the_environment_says_to_the_hosts_python_is_not_said_to_a_node() -> None:
    """PYTHONINSPECT kept it from ending, PYTHONPATH gave it anybody's modules, PYTHONIOENCODING made its line unreadable."""
    unwanted = ("INSPECT", "STARTUP", "PATH", "PROFILEIMPORTTIME", "WARNINGS", "IOENCODING", "DEVMODE", "VERBOSE")
    environment = {f"PYTHON{name}": "." for name in unwanted} | {"PYTHONHOME": "/usr", "LANG": "C", "KVTUI_SECRET": "x"}
    secret = Secret(b"0123456789abcdef")
    given = node_command(replace(SPEC, secret=secret), None, replace(PROGRAM, environment=environment)).environment
    mark = f"{__version__}\nmsgspec:/site"
    assert given == {"PYTHONHOME": "/usr", "LANG": "C", "KVTUI_SECRET": "0123456789abcdef", VARIABLE: mark}
    assert "KVTUI_SECRET" not in node_command(SPEC, None, replace(PROGRAM, environment=environment)).environment


def test_a_kvtui_that_lies_in_no_directory_is_the_interpreters_own() -> None:
    arguments = node_command(SPEC, None, replace(PROGRAM, kvtui="", flags=("-s",))).arguments
    assert arguments[:6] == ("/venv/bin/python", "-s", "-P", "-m", "kvtui.node", "5001")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            replace(PROGRAM, python="", frozen="PyInstaller"),
            "this program is frozen by PyInstaller, and can't run nodes",
        ),
        (
            replace(PROGRAM, python="", frozen="sys.frozen"),
            "this program is frozen, and can't run nodes with itself: attach",
        ),
        (
            replace(PROGRAM, python=""),
            r"no Python is known that could run nodes \(sys.executable is empty\): name a Python",
        ),
        (
            replace(PROGRAM, python="", embeds=True),
            r"\(sys.executable is this program itself, which embeds Python\): name a",
        ),
        (replace(PROGRAM, kvtui_gone=True), "kvtui is not in /site any more, where this program found it"),
        (replace(PROGRAM, environment={VARIABLE: "0.1.0"}), "this process was started to be a node of kvtui"),
    ],
    ids=["PyInstaller", "frozen otherwise", "no interpreter", "embedded", "kvtui is gone", "a copy"],
)
def test_a_program_that_can_start_no_node_says_why(program: Program, words: str) -> None:
    with pytest.raises(LaunchRefused, match=words) as refused:
        node_command(SPEC, None, program)
    assert str(refused.value) == refusal(program)
    assert "\n" not in refusal(program)


def test_a_program_that_can_start_nodes_says_nothing() -> None:
    assert refusal(PROGRAM) == ""
    assert refusal(replace(PROGRAM, frozen="PyInstaller")) == ""


def test_a_frozen_program_keeps_its_own_libraries_from_the_python_that_it_named() -> None:
    environment = {"LD_LIBRARY_PATH": "/tmp/_MEI1", "LD_LIBRARY_PATH_ORIG": "/opt/lib", "PYTHONHOME": "/tmp/_MEI1"}
    frozen = replace(PROGRAM, frozen="PyInstaller", kvtui="", environment=environment, libraries={})
    given = node_command(SPEC, None, frozen).environment
    assert given == {"LD_LIBRARY_PATH": "/opt/lib", VARIABLE: __version__}


def test_what_was_said_instead_names_who_said_it() -> None:
    command = Command(("/bin/sh", "-P"), None, {})
    python = Command(("/venv/bin/python3.11", "-P"), None, {})
    hint = "; if that is no Python, name a Python that has kvtui with multiprocessing.set_executable()"
    assert not_begun(command, "bad\toption\n") == (f'/bin/sh did not become a node: it said "bad\\toption"{hint}')
    ended = "its process ended with status 0"
    assert not_begun(command, "", ended) == f"/bin/sh did not become a node: {ended}{hint}"
    assert too_late(SPEC, command, 60.0) == f"node n1 did not start within 60 s with /bin/sh{hint}"
    assert not_begun(python, "No module\n", ended) == (
        '/venv/bin/python3.11 did not become a node: it said "No module"'
    )
    assert not_begun(python, "kvtui-node: the port is taken", "") == "kvtui-node: the port is taken"
    assert not_begun(python, "Try `python -h' for more information.\n").startswith(
        "/venv/bin/python3.11 is a Python older than 3.11, which kvtui needs: name"
    )
    gone = FileNotFoundError(2, "No such file or directory")
    assert not_started(python, gone) == ("/venv/bin/python3.11 can't be run: no such file or directory")


def test_what_a_node_is_told_is_read_as_it_was_said_and_taken_away() -> None:
    told = Told("1.2", {"click": "/a:b", "msgspec": "/c"})
    environment = {VARIABLE: str(told), "PATH": "/bin"}
    assert take_told(environment) == told
    assert environment == {"PATH": "/bin"}
    assert take_told(environment) is None
    assert take_told({VARIABLE: str(Told("1.2", {"click": "/a\nb"}))}) == Told("1.2", {})


def test_a_node_imports_no_library_but_those_that_it_is_handed() -> None:
    """Of a program with its libraries in a directory of its own, nodes find those alone. msgspec does without the last one."""
    program = f"""
import sys
from kvtui.core.seams.memory import open_memory
from kvtui.node import process, cli
from kvtui.core.seams import rocksdb
try: import uvloop
except ImportError: pass
own = {{"kvtui", "__main__"}} | sys.stdlib_module_names | {ALLOWED!r}
print(sorted(name for name in {{name.partition(".")[0] for name in sys.modules}} - own if not name.startswith("_")
    and not name.endswith("cython_runtime")))
"""
    said = subprocess.run([sys.executable, "-S", "-c", SITE + program], capture_output=True, text=True, check=False)
    assert said.stdout == "[]\n", said.stderr


ALLOWED = {*LIBRARIES, FASTER, "typing_extensions"}
SITE = f"import sys; sys.path[1:1] = {[path for path in sys.path if path]!r}\n"
"""Without what ``site`` imports for whatever is installed."""


@pytest.mark.parametrize(
    ("arguments", "command", "embeds"),
    [
        (["shop.py", "-v"], ["python", "-X", "utf8", "shop.py", "-v"], False),
        (["-c"], ["python", "-c", "import kvtui"], False),
        ([""], ["python"], False),
        ([""], [], True),
        (["./server", "--port", "80"], ["./server", "--port", "80"], True),
    ],
)
def test_an_embedding_program_is_told_from_an_interpreter(
    arguments: list[str], command: list[str], embeds: bool
) -> None:
    assert embeds_python(arguments, command) is embeds


def test_this_program_knows_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = this_program()
    assert (program.frozen, program.kvtui_gone, program.directory) == ("", False, str(tmp_path))
    assert os.path.samefile(program.python, sys.executable)
    assert os.path.isfile(os.path.join(program.kvtui, "kvtui", "node", "boot.py"))
    assert set(program.libraries) >= set(LIBRARIES)
    assert all(os.path.isabs(place) for place in program.libraries.values())
