"""What is written where a directory is wanted, and is none: the address of a server, or a URL, as other clients take them."""

import ipaddress
import os
import re
from contextlib import suppress
from typing import Final

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""A path that was made of one has but one slash left."""
_WITH_PORT: Final = re.compile(r"[^/]*:\d{1,5}/?")

IT_IS: Final = "it is a directory on this machine, and what was given looks like"


def looks_elsewhere(text: str) -> str:
    """What the text is instead of a directory's name, in words; empty where it is a path, or a directory that is there.

    What begins with ``/``, ``./`` or ``~`` is a path, whatever follows.
    """
    if text.startswith(("/", "./", "../", "~")) or os.path.isdir(text):
        return ""
    if _URL.match(text):
        return "a URL"
    if _WITH_PORT.fullmatch(text):
        return "an address"
    with suppress(ValueError):
        ipaddress.ip_address(text.strip("[]"))
        return "an address"
    return ""
