"""The keys that commands named lately, for completion."""

from __future__ import annotations

from kvtui.commands.command import Invocation, Kind

KEPT_KEYS = 200
LONGEST_KEY = 200
"""Longer keys are not offered."""


class RecentKeys:
    """The last ``KEPT_KEYS`` different keys, newest first."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}

    def note(self, invocation: Invocation) -> None:
        """Remember the key that the invocation names, if it names one."""
        for argument in invocation.command.arguments:
            key = invocation.values.get(argument.name, "")
            if argument.kind is Kind.KEY and not argument.optional and 0 < len(key) <= LONGEST_KEY:
                self._keys.pop(key, None)
                self._keys[key] = None
        while len(self._keys) > KEPT_KEYS:
            del self._keys[next(iter(self._keys))]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(reversed(self._keys))
