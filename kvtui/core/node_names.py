"""What may be a node's id and address."""

import re
from typing import Final

from kvtui.core.cluster import ArgumentError, ClusterError
from kvtui.core.loopback import is_loopback
from kvtui.notation import brief

NAME_CHARACTERS: Final = 32
"""Longest node id."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_name(name: str) -> None:
    """Raise ArgumentError unless ``name`` can be a node's id (it names a directory and a place on the screen)."""
    if not _NAME.fullmatch(name) or len(name) > NAME_CHARACTERS:
        raise ArgumentError(
            f"{brief(name)} can't be a node id: use letters, digits, '.', '_' and '-', at most {NAME_CHARACTERS}"
        )


def check_address(host: str, port: int, *, elsewhere: bool = False) -> None:
    """Raise ClusterError unless nodes may be reached there: loopback only, unless they may be ``elsewhere``; ArgumentError for
    what is no port."""
    if not 0 <= port <= 65_535:
        raise ArgumentError(f"{port} is no port: use 1 to 65535")
    if not elsewhere and not is_loopback(host):
        raise ClusterError(
            f"{brief(host)} is not this machine's loopback address: nodes elsewhere need a secret, in a secret file or as"
            " KVTUI_SECRET"
        )
