"""The Python interface: ``kvtui.connect`` and what it gives. Its names are those of ``kvtui``, which loads them when first used."""

import logging

from kvtui.api.connecting import connect
from kvtui.api.failures import OperationError, OperationFailed, OutcomeUnknown
from kvtui.api.opened import open_stores
from kvtui.api.store import Store
from kvtui.api.sync_store import SyncStore, connect_sync
from kvtui.core.cluster import (
    ArgumentError,
    Cluster,
    ClusterError,
    Compacts,
    Explains,
    Faults,
    Guarantees,
    Item,
    KvtuiError,
    LocalNodes,
    Losses,
    Outcome,
    OwnData,
    Policies,
    Read,
    ReadMode,
    Shared,
    Throttles,
    Written,
    WrittenMany,
)
from kvtui.core.version import Version

__all__ = [
    "ArgumentError",
    "Cluster",
    "ClusterError",
    "Compacts",
    "Explains",
    "Faults",
    "Guarantees",
    "Item",
    "KvtuiError",
    "LocalNodes",
    "Losses",
    "OperationError",
    "OperationFailed",
    "Outcome",
    "OutcomeUnknown",
    "OwnData",
    "Policies",
    "Read",
    "ReadMode",
    "Shared",
    "Store",
    "SyncStore",
    "Throttles",
    "Version",
    "Written",
    "WrittenMany",
    "connect",
    "connect_sync",
    "open_stores",
]

# As libraries do: what is logged goes where the program says, and nowhere if it says nothing.
logging.getLogger("kvtui").addHandler(logging.NullHandler())
