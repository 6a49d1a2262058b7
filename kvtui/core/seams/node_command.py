"""How a node is started: its arguments, its directory and its environment."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import kvtui
from kvtui.core.authentication import Secret
from kvtui.core.seams import secret_source, started_as_node
from kvtui.core.seams.launcher import SAID_MOST, LaunchFailed, LaunchRefused, NodeSpec
from kvtui.core.seams.system_reason import system_reason
from kvtui.core.seams.this_program import Program
from kvtui.core.seams.tls import TlsFiles
from kvtui.notation import as_rest, in_quotes

PROGRAM: Final = "kvtui-node"
DIRECTORY: Final = Path("/")
"""Nodes work here: it holds no module of anybody, keeps nothing from being deleted or unmounted, and is there for ever."""

_BOOT: Final = (
    "import sys, typing; sys.path.insert(0, sys.argv[1]); import kvtui; del sys.path[0], sys.argv[:2];"
    " from kvtui.node.boot import main; main()"
)
"""Takes the package ``kvtui`` from the directory that is named first, and nothing else from there: ``typing`` is all that it
imports in turn. One short line, for who lists processes."""

_ATTACH: Final = "attach with connect(DIR) to 'kvtui serve --nodes 3 --state DIR'"
_NAME_ONE: Final = "name a Python that has kvtui with multiprocessing.set_executable()"

_USAGE: Final = "Try `python -h"
"""What a Python says last that does not know the option -P."""

_NEEDED: Final = frozenset(
    {
        "PYTHONCOERCECLOCALE",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONEXECUTABLE",
        "PYTHONFAULTHANDLER",
        "PYTHONHASHSEED",
        "PYTHONHOME",
        "PYTHONMALLOC",
        "PYTHONNOUSERSITE",
        "PYTHONPLATLIBDIR",
        "PYTHONUSERBASE",
        "PYTHONUTF8",
    }
)
"""What is said to a Python in its environment is meant for the program that the user runs. Of that a node gets what its interpreter
may need to run at all; the rest could add modules, have it stay when it has ended, say more than its line, or be slow."""

_LIBRARY_PATHS: Final = ("LD_LIBRARY_PATH", "LIBPATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Command:
    """What is started."""

    arguments: Sequence[str]
    directory: Path | None
    """Where it runs; None: where this process does."""
    environment: Mapping[str, str]


def refusal(program: Program) -> str:
    """Why this program can start no node at all, and what to do; empty: it can."""
    if started_as_node.VARIABLE in program.environment:
        return started_as_node.A_COPY
    if program.frozen and not program.python:
        made = "" if program.frozen == "sys.frozen" else f" by {program.frozen}"
        return f"this program is frozen{made}, and can't run nodes with itself: {_ATTACH}, or {_NAME_ONE}"
    if not program.python:
        what = "this program itself, which embeds Python" if program.embeds else "empty"
        return f"no Python is known that could run nodes (sys.executable is {what}): {_NAME_ONE}, or {_ATTACH}"
    if program.kvtui_gone:
        return f"kvtui is not in {as_rest(program.kvtui)} any more, where this program found it: start the program anew"
    return ""


def node_command(spec: NodeSpec, tls: TlsFiles | None, program: Program) -> Command:
    """How a program starts a node. Raises LaunchFailed."""
    if reason := refusal(program):
        raise LaunchRefused(reason)
    keep = ["--memory"] if spec.data is None else ["--data", _absolute(spec.data, program)]
    # -P: nothing is imported from where it runs, be it called random.py.
    arguments = [program.python, *program.flags, "-P"]
    arguments += ["-c", _BOOT, program.kvtui, PROGRAM] if program.kvtui else ["-m", "kvtui.node"]
    arguments += [str(spec.port), "--host", spec.host, "--parent-pipe", *keep, *_certificate(spec, tls, program)]
    return Command(tuple(arguments), DIRECTORY, _environment(spec.secret, program))


def not_started(command: Command, error: OSError) -> str:
    """Why a start failed, in words: the system started nothing."""
    return f"{_python(command)} can't be run: {system_reason(error)}"


def not_begun(command: Command, said: str, ended: str = "") -> str:
    """Why a start failed, in words. ``said`` is the line that was said, and not what a node says that accepts; ``ended`` how the
    process ended where it said none. A node's own reason stays as it is."""
    if said.startswith(f"{PROGRAM}: "):
        return said
    if said.startswith(_USAGE):
        return f"{_python(command)} is a Python older than 3.11, which kvtui needs: {_NAME_ONE}"
    what = f"it said {in_quotes(said.strip()[:SAID_MOST])}" if said.strip() else ended
    return f"{_python(command)} did not become a node: {what}{_hint(command)}"


def too_late(spec: NodeSpec, command: Command, seconds: float) -> str:
    """Why a start was given up, in words."""
    return f"node {spec.node} did not start within {seconds:g} s with {_python(command)}{_hint(command)}"


def _python(command: Command) -> str:
    return as_rest(command.arguments[0])


def _hint(command: Command) -> str:
    called = os.path.basename(command.arguments[0]).lower()
    known = any(name in called for name in ("python", "pypy", "graalpy"))
    return "" if known else f"; if that is no Python, {_NAME_ONE}"


def _absolute(path: Path, program: Program) -> str:
    if path.is_absolute():
        return str(path)
    if not program.directory:
        raise LaunchFailed(f"{as_rest(str(path))} lies below the current directory, which was deleted")
    return os.path.join(program.directory, path)


def _certificate(spec: NodeSpec, tls: TlsFiles | None, program: Program) -> list[str]:
    if tls is None:
        return []
    if tls.certificate is None:
        raise LaunchFailed(
            f"node {spec.node} needs a certificate of its own for TLS: give that (and its key), or start it yourself with them"
        )
    key = [] if tls.key is None else ["--tls-key", _absolute(tls.key, program)]
    return ["--tls-cert", _absolute(tls.certificate, program), *key]


def _environment(secret: Secret | None, program: Program) -> dict[str, str]:
    environment = {
        name: value
        for name, value in program.environment.items()
        if not name.startswith("PYTHON") or (name in _NEEDED and not (program.frozen and name == "PYTHONHOME"))
    }
    if program.frozen == "PyInstaller":
        # Its own libraries are no other program's; what the user had is kept under this name.
        for name in _LIBRARY_PATHS:
            environment.pop(name, None)
            if (before := environment.pop(f"{name}_ORIG", None)) is not None:
                environment[name] = before
    environment.pop(secret_source.VARIABLE, None)
    if secret is not None:
        environment[secret_source.VARIABLE] = os.fsdecode(secret.reveal())
    environment[started_as_node.VARIABLE] = str(started_as_node.Told(kvtui.__version__, program.libraries))
    return environment
