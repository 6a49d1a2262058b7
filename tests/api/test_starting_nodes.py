"""How nodes start from other people's programs: with no module of theirs, with the same kvtui, and never as a copy of one."""

import shutil
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

import kvtui
from kvtui.core.seams.started_as_node import VARIABLE, Told
from tests.api.conftest import Ran

SHADOWS = """
import os, sys
import kvtui

def opens():
    with kvtui.connect_sync(memory=True, nodes=1) as store:
        store.put("a", "1")
        return store.get("a").value

kvtui.connect_sync("first", nodes=0).close()
opens()  # this program itself has imported all that it needs

def shadow(directory):
    others = ["sitecustomize", "usercustomize", "click", "msgspec", "xxhash", "rocksdict", "platformdirs", "uvloop",
        "typing_extensions"]
    for name in [*sys.stdlib_module_names, *others, *([] if os.path.isdir(f"{directory}/kvtui") else ["kvtui"])]:
        if not os.path.lexists(f"{directory}/{name}") and not os.path.lexists(f"{directory}/{name}.py"):
            with open(f"{directory}/{name}.py", "x") as file:
                file.write(f"open({directory + '/executed-' + name!r}, 'w').close()\\n")

def executed(directory):
    return [name for name in os.listdir(directory) if name.startswith("executed-")]
"""


def test_no_file_beside_a_program_is_executed_by_its_nodes(ran: Ran) -> None:
    """Nodes began as ``-m kvtui.node`` in the program's directory: a ``random.py`` there was run, with its user's rights."""
    program = ran(
        SHADOWS
        + textwrap.dedent("""
        os.mkdir("work")
        os.chdir("work")
        here = os.getcwd()
        shadow(here)
        sys.path.insert(0, here)
        os.environ["PYTHONPATH"] = os.pathsep.join([".", "", here])
        print(opens(), executed(here))
        with kvtui.connect_sync("lab", nodes=1) as store:
            print(store.put("a", "1").outcome, executed(here), os.path.exists("lab/nodes/n1/CURRENT"))
        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir(os.path.join(here, "gone"))
        print(opens(), executed(here))
        """)
    )
    assert program.stdout == "b'1' []\nok [] True\nb'1' []\n", program.stderr
    assert program.stderr == ""


def test_kvtui_and_its_libraries_in_a_directory_of_the_program_are_what_nodes_run(tmp_path: Path) -> None:
    """Nodes did not find what ``sys.path`` alone knew of. One of another version would refuse to start."""
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("kvtui", "_")) and entry.suffix != ".pth" and entry.name != "sitecustomize.py":
            (vendor / entry.name).symlink_to(entry)
    shutil.copytree(Path(kvtui.__file__).parent, vendor / "kvtui", ignore=shutil.ignore_patterns("__pycache__"))
    init = vendor / "kvtui" / "__init__.py"
    init.write_text(init.read_text().replace(f'"{kvtui.__version__}"', '"0.0.vendored"'))
    program = f"import sys; sys.path.insert(0, {str(vendor)!r})" + SHADOWS
    program += f"shadow({str(vendor)!r}); print(kvtui.__version__, opens(), executed({str(vendor)!r}))"
    base = getattr(sys, "_base_executable", sys.executable)
    said = subprocess.run(
        [base, "-I", "-S", "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert said.stdout == "0.0.vendored b'1' []\n", said.stderr


REFUSED = """
import multiprocessing.spawn, os, stat, sys
import kvtui

real = sys.executable
multiprocessing.set_executable("")

def outcome(**more):
    try:
        with kvtui.connect_sync(**({"memory": True, "nodes": 1} | more)) as store:
            store.put("a", "1")
            return "stored"
    except kvtui.KvtuiError as error:
        return str(error).replace(os.getcwd(), "HERE")

def script(name, text):
    with open(name, "w") as file:
        file.write("#!/bin/sh\\n" + text)
    os.chmod(name, 0o700)
    return os.path.abspath(name)
"""

HINT = "; if that is no Python, name a Python that has kvtui with multiprocessing.set_executable()"


def test_an_interpreter_that_is_none_is_told_in_a_line(ran: Ran) -> None:
    program = ran(
        REFUSED
        + textwrap.dedent("""
        open("text", "w").close()
        others = [None, "", "/bin/true", "/nowhere/python", os.path.abspath("text"), script("server", "echo hello; sleep 1000")]
        for sys.executable in others:
            print(outcome())
        sys.executable = script("mypython", f'exec {real} "$@"')
        print(outcome())
        sys.executable, sys.orig_argv = real, []
        print(outcome())
        sys.executable = "/bin/true"
        multiprocessing.set_executable(script("other", f'exec {real} "$@"'))
        print(outcome())
        """)
    )
    unknown = (
        "no Python is known that could run nodes (sys.executable is empty): name a Python that has kvtui with"
        " multiprocessing.set_executable(), or attach with connect(DIR) to 'kvtui serve --nodes 3 --state DIR'"
    )
    assert program.stdout.splitlines() == [
        unknown,
        unknown,
        f"could not start n1: /bin/true did not become a node: its process ended with status 0{HINT}",
        "could not start n1: /nowhere/python can't be run: no such file or directory",
        "could not start n1: HERE/text can't be run: permission denied",
        f'could not start n1: HERE/server did not become a node: it said "hello"{HINT}',
        "stored",
        unknown.replace("empty", "this program itself, which embeds Python"),
        "stored",
    ], program.stderr
    assert program.stderr == ""


def test_a_frozen_program_never_starts_itself_and_attaches(ran: Ran) -> None:
    """It ran as many copies of itself as the machine could hold. Nothing was made where it is refused."""
    program = ran(
        REFUSED
        + textwrap.dedent("""
        with kvtui.connect_sync("lab", nodes=1) as holder:
            sys.frozen = True
            multiprocessing.set_executable(real)
            print(outcome())
            print(outcome(memory=False, state="other"), os.path.exists("other"))
            print(outcome(memory=False, state="lab"), os.path.exists("lab"))
            print(holder.get("a").value)
        print(outcome(memory=False, state="lab"))
        print(outcome(nodes=0))
        other = script("python", f'exec {real} "$@"')
        multiprocessing.set_executable(other)
        print(outcome(), outcome(memory=False, state="lab"))
        """)
    )
    frozen = (
        "this program is frozen, and can't run nodes with itself: attach with connect(DIR) to"
        " 'kvtui serve --nodes 3 --state DIR', or name a Python that has kvtui with multiprocessing.set_executable()"
    )
    lines = program.stdout.splitlines()
    assert lines[:5] == [frozen, f"{frozen} False", "stored True", "b'1'", frozen], program.stderr
    assert "frozen" not in lines[5]
    assert lines[6:] == ["stored stored"]


def test_an_interpreter_that_is_the_program_again_ends_with_its_first_copy(ran: Ran) -> None:
    """Some embedded Pythons say no more of themselves than any other: what was started says what it is."""
    program = ran(
        REFUSED
        + textwrap.dedent("""
        again = "import sys, kvtui; open('began', 'a').write('.'); kvtui.connect_sync(memory=True, nodes=1)"
        sys.executable = script("embedder", f'cd {os.getcwd()}; exec {real} -c "{again}"')
        print(outcome(), open("began").read())
        """)
    )
    assert program.stdout == (
        'could not start n1: HERE/embedder did not become a node: it said "kvtui.core.cluster.ClusterError: this process was'
        " started to be a node of kvtui, by a program that took it for a Python: it is a copy of a program, and opens no"
        f' cluster"{HINT} .\n'
    ), program.stderr


def test_a_node_of_another_version_says_so() -> None:
    """As where kvtui was replaced by a newer one while a program runs."""
    code = "import kvtui; kvtui.__version__ = '9.9'; from kvtui.node.boot import main; main()"
    said = subprocess.run(
        [sys.executable, "-c", code, "0", "--memory"],
        env={"KVTUI_AS_NODE": kvtui.__version__},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    where = Path(kvtui.__file__).parent.parent
    assert said.returncode == 2
    assert said.stderr == (
        f"kvtui-node: {where} has kvtui 9.9, and who starts this node is kvtui {kvtui.__version__}: start that anew\n"
    )


def test_a_python_that_lacks_a_library_of_a_node_is_told_with_its_version(tmp_path: Path) -> None:
    """It was a defect, to be reported: another Python had been named, for which the libraries are not."""
    broken, none = tmp_path / "broken", tmp_path / "none"
    (broken / "msgspec").mkdir(parents=True)
    none.mkdir()
    (broken / "msgspec" / "__init__.py").write_text("from ._core import Struct")
    real = Path(sysconfig.get_path("purelib"))
    version = ".".join(map(str, sys.version_info[:3]))
    root = Path(kvtui.__file__).parent.parent
    code = f"import sys; sys.path.insert(0, {str(root)!r}); from kvtui.node.boot import main; main()"
    base = getattr(sys, "_base_executable", sys.executable)
    for place, click, reason in (
        (broken, real, f"the msgspec in {broken} is not for it"),
        (none, real, "it has no msgspec"),
        (none, none, "it has no click"),
    ):
        told = str(Told(kvtui.__version__, {"click": str(click), "msgspec": str(place), "xxhash": str(real)}))
        said = subprocess.run(
            [base, "-I", "-S", "-c", code, "0", "--memory"],
            env={VARIABLE: told},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert said.stderr == (
            f"kvtui-node: {base} (Python {version}) can't run a node: {reason}; install kvtui for it, or name a Python that has"
            " kvtui with multiprocessing.set_executable()\n"
        )


SUBINTERPRETER = """
import sys
code = "import kvtui, sys; \\ntry: kvtui.connect\\nexcept ImportError as error: print(error, flush=True)"
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
    assert interpreters.run_string(interpreters.create(), code) is None
else:
    import _xxsubinterpreters as interpreters
    interpreters.run_string(interpreters.create(), code)
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="before Python 3.12 subinterpreters load every library")
def test_a_subinterpreter_that_loads_no_libraries_is_refused_in_a_line(ran: Ran) -> None:
    """asyncio had been imported by then, and Python 3.12.1 aborts the program for that at its end."""
    done = ran(SUBINTERPRETER)
    assert done.stdout.startswith("kvtui can't be used in this subinterpreter, for msgspec can't be loaded in it (")
    assert (done.stdout.count("\n"), done.stderr, done.returncode) == (1, "", 0)
