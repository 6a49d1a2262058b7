"""Libraries that replace Python's own threads, sockets and processes in a whole program (monkey patching)."""

import sys
from typing import Final

PATCHERS: Final = (("gevent.monkey", "is_module_patched"), ("eventlet.patcher", "is_monkey_patched"))
"""What patches, and what of it tells what it patched. None of them is imported here."""
NEEDED: Final = ("os", "queue", "select", "signal", "socket", "subprocess", "thread", "threading", "time")
"""What event loops, their threads and processes are made of, as those two call it."""


def patched() -> str:
    """What one of them has replaced that an event loop needs, which would hang, in words for people; empty: nothing."""
    for module, telling in PATCHERS:
        tell = getattr(sys.modules.get(module), telling, None)
        replaced = [name for name in NEEDED if tell is not None and tell(name)]
        if replaced:
            return (
                f"{module} has replaced Python's own {', '.join(replaced)}, and kvtui would hang on what it put there: connect in"
                " a process that is not patched (under gunicorn: --worker-class gthread)"
            )
    return ""
