"""What a Python lacks that was to run a node: it has none of a library, or gets one that was built for another Python.

Nothing but the standard library is imported here: that may be all there is.
"""

import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

from kvtui.core.seams.this_program import FASTER, LIBRARIES


def lacking(error: ImportError) -> str:
    """Why it can run no node, in words for people; empty: the error is of another kind."""
    library, _, inner = (error.name or "").partition(".")
    if library not in LIBRARIES and library != FASTER:
        return ""
    place = _place(library)
    reason = f"the {library} in {place} is not for it" if place else f"it has no {library}"
    if not isinstance(error, ModuleNotFoundError) or not (inner or not place):
        reason += f" ({' '.join(str(error).split())})"
    version = ".".join(str(part) for part in sys.version_info[:3])
    name = "PyPy, Python" if sys.implementation.name == "pypy" else "Python"
    return (
        f"{sys.executable or 'this interpreter'} ({name} {version}) can't run a node: {reason}; install kvtui for it, or name"
        " a Python that has kvtui with multiprocessing.set_executable()"
    )


def _place(library: str) -> str:
    try:
        spec: ModuleSpec | None = find_spec(library)
    except (ImportError, ValueError):
        return ""
    return "" if spec is None or not spec.origin else os.path.dirname(os.path.dirname(spec.origin))
