"""What starts fast and runs anywhere never imports what only a screen needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCREEN = {"textual", "rich"}


def imported(code: str) -> set[str]:
    """The top-level packages, and kvtui's own, in memory after ``code`` ran in an interpreter of its own."""
    report = "\nimport sys, json\nsys.stderr.write('MODULES' + json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    modules = json.loads(done.stderr.rpartition("MODULES")[2])
    return {name if name.startswith("kvtui") else name.partition(".")[0] for name in modules}


def modules_of(package: str) -> list[str]:
    folder = ROOT / package.replace(".", "/")
    paths = [path.relative_to(ROOT).with_suffix("") for path in sorted(folder.rglob("*.py"))]
    return [".".join(path.parts).removesuffix(".__init__") for path in paths if path.name != "__main__"]


def importing(package: str) -> str:
    return "\n".join(f"import {module}" for module in modules_of(package))


def running(module: str, *arguments: str) -> str:
    """A program's own run. It may end its process by force, where a thread of it is not over yet: here it goes on to the report."""
    return (
        f"import os, sys\nos._exit = sys.exit\nfrom {module} import main\nsys.argv = {['program', *arguments]!r}\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )


def test_core_imports_neither_screen_nor_node() -> None:
    names = imported(importing("kvtui.core"))
    assert "kvtui.core.opening" in names
    assert not names & SCREEN
    assert not any(name.startswith("kvtui.node") for name in names)


def test_the_node_imports_no_screen_and_nothing_of_the_coordinator() -> None:
    names = imported(importing("kvtui.node"))
    assert "kvtui.node.cli" in names
    assert not names & SCREEN
    assert not {"kvtui.core.coordinator", "kvtui.core.opening", "kvtui.core.membership"} & names


def test_commands_and_shell_import_no_screen() -> None:
    names = imported(importing("kvtui.commands") + "\n" + importing("kvtui.shell") + "\nimport kvtui.lifetime")
    assert "kvtui.commands.transfer" in names
    assert not names & SCREEN


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_neither_screen_nor_coordinator(option: str) -> None:
    names = imported(running("kvtui.cli", option))
    assert "click" in names
    assert not names & (SCREEN | {"anyio", "rocksdict"})


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_of_the_node_import_no_screen(option: str) -> None:
    assert not imported(running("kvtui.node.cli", option)) & SCREEN


def test_a_headless_run_imports_no_screen() -> None:
    assert not imported(running("kvtui.cli", "--memory", "-c", "help")) & SCREEN


def test_the_dashboard_waits_for_no_other_screen() -> None:
    names = imported("import kvtui.app, kvtui.screens.dashboard")
    assert "kvtui.widgets.ring" in names
    others = {"bench", "check", "confirm", "explain", "help", "keys", "palette", "plan"}
    assert not {f"kvtui.screens.{name}" for name in others} & names
