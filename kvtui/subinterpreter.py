"""Subinterpreters: whether kvtui's libraries can be loaded in the one that runs here.

It is found out before anything else is imported: asyncio is harmed there by some releases of Python, which abort the whole
program at its end.
"""

import importlib

LIBRARIES = ("msgspec", "rocksdict")
"""What may refuse a subinterpreter."""


def check_interpreter() -> None:
    """Raises ImportError, in one line, in a subinterpreter in which a library can't be loaded."""
    if _is_main():
        return
    for library in LIBRARIES:
        try:
            importlib.import_module(library)
        except ModuleNotFoundError:
            return  # whose import comes next is told
        except ImportError as error:
            raise ImportError(
                f"kvtui can't be used in this subinterpreter, for {library} can't be loaded in it"
                f" ({' '.join(str(error).split())}): connect in the main interpreter"
                " (mod_wsgi: WSGIApplicationGroup %{GLOBAL})"
            ) from None


def _is_main() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # from Python 3.13 on, and before
        try:
            interpreters = importlib.import_module(name)
        except ImportError:
            continue
        # From 3.13 on they come with what made them.
        here, main = (
            each[0] if isinstance(each, tuple) else each
            for each in (interpreters.get_current(), interpreters.get_main())
        )
        return bool(here == main)
    return True
