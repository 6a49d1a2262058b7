"""Whether a terminal can show the dashboard, as far as its name (``TERM``) tells: it must place the cursor, in the way of ECMA-48.

A terminal that nobody has described here gets the benefit of the doubt: the newest are, on most other machines.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from kvtui.notation import brief

NAME_MOST: Final = 40
_UNABLE: Final = re.compile(
    r"(dumb|unknown|emacs|network|dialup|arpanet|switch|ethernet|patch|plugboard|lpr|printer|teletype|tty\d|vt5\d|adm\d|wy\d|tvi|hp)",
    re.IGNORECASE,
)
"""How names begin of what has no cursor to place, or another way of placing it."""
_PLACES: Final = re.compile(rb"\x1b\[.*H")

Placing = Callable[[str], bytes | None]
"""How a terminal of that name places its cursor, empty for one that can't; None where no such terminal is described."""


def why_unfit(name: str | None, placing: Placing | None = None) -> str:
    """Why a terminal of this name can't show the dashboard, in one line; empty for one that can. ``placing``: the system's own
    description of terminals, by default."""
    hint = 'use "kvtui shell", or say what it is better known as: TERM=xterm-256color kvtui'
    if not name:
        return (
            f"TERM is not set: whether this terminal can place its cursor, as the dashboard must, is not known; {hint}"
        )
    known = (placing or described)(name)
    fit = _PLACES.match(known) is not None if known is not None else _UNABLE.match(name) is None
    # To what draws, these two are no terminals, whatever the system says of them.
    if fit and name.lower() not in ("dumb", "unknown"):
        return ""
    return f"this terminal (TERM={brief(name, NAME_MOST)}) can't place its cursor, as the dashboard must; {hint}"


def described(name: str) -> bytes | None:
    """How the system's descriptions of terminals place the cursor; None where there is none of this name, or no descriptions."""
    try:
        import curses
    except ImportError:
        return None
    try:
        curses.setupterm(name, 1)
        return curses.tigetstr("cup") or b""
    except (curses.error, ValueError, OSError):
        return None
