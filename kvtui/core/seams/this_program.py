"""Facts about the Python program that this process runs, as far as they matter to programs that it starts."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import FrozenImporter, PathFinder
from types import ModuleType
from typing import Final

import kvtui

LIBRARIES: Final = ("click", "msgspec", "platformdirs", "rocksdict", "xxhash")
"""What a node imports besides the standard library."""
FASTER: Final = "uvloop"
"""What it imports where it is there. Not every file of that name is the library: this is the package that lies beside msgspec."""


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program."""

    python: str
    """The interpreter that it starts Python programs with; empty: there is none."""
    frozen: str = ""
    """What made one file of program and interpreter; empty: nothing did."""
    embeds: bool = False
    """It is no interpreter, but has one in it: to start its own file would start a copy of it."""
    flags: tuple[str, ...] = ()
    """Options of its interpreter that say where modules are found, and how names of files are read."""
    kvtui: str = ""
    """The directory (or archive) that the package ``kvtui`` lies in; empty: its files are not on any disk."""
    kvtui_gone: bool = False
    """It lay there when it was imported, and does not any more."""
    libraries: Mapping[str, str] = field(default_factory=dict[str, str])
    """The directories that libraries of a node lie in."""
    directory: str = ""
    """The current directory; empty: it was deleted."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


def this_program() -> Program:
    """The program that this process runs."""
    frozen = _frozen()
    embeds = embeds_python(sys.argv, sys.orig_argv)
    here = _current_directory()
    root = "" if frozen else _KVTUI
    there = bool(root) and PathFinder.find_spec("kvtui", [root]) is not None
    return Program(
        python=_python(bool(frozen), embeds, here),
        frozen=frozen,
        embeds=embeds,
        flags=() if frozen else _flags(),
        kvtui=root,
        kvtui_gone=bool(root) and not there,
        libraries={} if frozen else _libraries(),
        directory=here,
        environment=dict(os.environ),
    )


def embeds_python(arguments: Sequence[str], command: Sequence[str]) -> bool:
    """Whether a program has Python in it, told from ``sys.argv`` and ``sys.orig_argv``: an interpreter keeps its own name and
    options from the program that it runs. Other programs begin one without arguments, or with all of their own."""
    return not command or list(arguments) == list(command)


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _kvtui_root() -> str:
    spec = kvtui.__spec__
    places = spec.submodule_search_locations if spec is not None else None
    if not places or PathFinder.find_spec("kvtui", [os.path.dirname(places[0])]) is None:
        return ""
    try:
        # An archive may be in the search path as it was typed.
        return os.path.abspath(os.path.dirname(places[0]))
    except OSError:
        return os.path.dirname(places[0])


_KVTUI: Final = _kvtui_root()
"""Where kvtui was found. The current directory may be another one later."""


def _frozen() -> str:
    main = sys.modules.get("__main__")
    if hasattr(sys, "_MEIPASS"):
        return "PyInstaller"
    if getattr(sys, "oxidized", False):
        return "PyOxidizer"
    if hasattr(main, "__compiled__"):
        return "Nuitka"
    # cx_Freeze, py2exe and py2app, and what Python itself comes with.
    if getattr(sys, "frozen", False) or FrozenImporter.find_spec("__main__") is not None:
        return "sys.frozen"
    return ""


def _python(frozen: bool, embeds: bool, here: str) -> str:
    # Programs that embed Python name an interpreter so; in all others it is sys.executable. Who has not imported it has named none.
    spawning: ModuleType | None = sys.modules.get("multiprocessing.spawn")
    named = os.fsdecode(spawning.get_executable() or "") if spawning is not None else ""
    own = os.fsdecode(sys.executable or "")
    python = named or own
    if python and not os.path.dirname(python):
        python = shutil.which(python) or python
    if here and os.path.dirname(python):
        python = os.path.join(here, python)
    # What embeds Python may have found one for itself, in PATH for example; what is frozen has none.
    copies = ["/proc/self/exe", *sys.orig_argv[:1]] if frozen or embeds else []
    copies += [own] if frozen else []
    return "" if any(_is_same(python, copy) for copy in copies) else python


def _is_same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _flags() -> tuple[str, ...]:
    given = {
        "-E": sys.flags.ignore_environment,
        "-s": sys.flags.no_user_site,
        "-S": sys.flags.no_site,
        "-B": sys.dont_write_bytecode,
    }
    flags = [flag for flag, is_given in given.items() if is_given]
    if sys.flags.utf8_mode:
        flags += ["-X", "utf8"]
    if sys.pycache_prefix and os.path.isabs(sys.pycache_prefix):
        flags += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return tuple(flags)


def _libraries() -> dict[str, str]:
    found = {name: place for name in LIBRARIES if (place := _place(name))}
    faster = _place(FASTER, package=True)
    return found | {FASTER: faster} if faster and faster == found.get("msgspec") else found


def _place(name: str, *, package: bool = False) -> str:
    """The directory that a module lies in; empty: there is none. It is looked for, not imported; what was imported already is what
    counts."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is None:
            return ""
        within = spec.submodule_search_locations
        file = next(iter(within), "") if within is not None else "" if package else spec.origin
        return os.path.abspath(os.path.dirname(file)) if file else ""
    except Exception:  # programs put finders of their own there
        return ""
