"""Reading one key for a person: its value, and what each replica holds."""

from dataclasses import dataclass

from kvtui.core.cluster import Location, Read
from kvtui.screens.key_browser.port import KeyStore


@dataclass(frozen=True, slots=True)
class Inspected:
    """A key as it was found."""

    key: bytes
    read: Read
    location: Location


async def inspect(keys: KeyStore, key: bytes) -> Inspected:
    """The key's value, and then what each replica holds. Raises ClusterError."""
    read = await keys.get(key)
    return Inspected(key, read, await keys.locate(key))
