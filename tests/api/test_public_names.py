"""``import kvtui`` costs nothing, and has all its names."""

import subprocess
import sys

import pytest

import kvtui
from kvtui import api
from tests.api.test_documents import ROOT
from tests.test_imports import SCREEN, imported


def test_importing_the_package_loads_nothing() -> None:
    names = imported("import kvtui; assert 'connect' in dir(kvtui)")
    assert {name for name in names if name.startswith("kvtui")} == {"kvtui"}
    assert not names & (SCREEN | {"anyio", "msgspec", "rocksdict", "asyncio"})


def test_a_store_imports_no_screen() -> None:
    names = imported("import kvtui; kvtui.connect, kvtui.connect_sync")
    assert "kvtui.api.store" in names
    assert not names & SCREEN


def test_all_public_names_are_there_and_are_those_of_the_interface() -> None:
    assert set(kvtui.__all__) - {"__version__"} == set(api.__all__)
    assert all(getattr(kvtui, name) is getattr(api, name) for name in api.__all__)
    assert set(dir(kvtui)) >= set(kvtui.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'kvtui' has no attribute 'conect'"):
        _ = kvtui.conect  # type: ignore[attr-defined]


def test_all_names_come_with_a_star() -> None:
    code = "from kvtui import *; print(connect.__name__, Store.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "connect Store\n"


def test_a_clone_whose_libraries_are_not_installed_says_what_to_do() -> None:
    """Python named a library that nobody had asked for."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import kvtui; kvtui.connect"
    bare = [sys.executable, "-I", "-S", "-c", code]  # without what is installed
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    said = done.stderr.splitlines()[-1]
    assert said.startswith("ModuleNotFoundError: No module named")
    assert said.endswith(f"not installed in this Python ({sys.executable}): pip install its directory")
