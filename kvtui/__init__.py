"""kvtui: a distributed key-value store you can watch.

``async with kvtui.connect("lab") as store`` opens one, or attaches to the one that runs there; ``kvtui.connect_sync`` is the
same without async. What is named here is loaded when it is first used: ``import kvtui`` alone costs nothing.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvtui.api import (
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
        OperationError,
        OperationFailed,
        Outcome,
        OutcomeUnknown,
        OwnData,
        Policies,
        Read,
        ReadMode,
        Shared,
        Store,
        SyncStore,
        Throttles,
        Version,
        Written,
        WrittenMany,
        connect,
        connect_sync,
        open_stores,
    )

__version__ = "0.1.0"

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
    "__version__",
    "connect",
    "connect_sync",
    "open_stores",
]


if not TYPE_CHECKING:  # to a type checker the names above are all there are

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if "kvtui.api" not in sys.modules:
            from kvtui.subinterpreter import check_interpreter

            check_interpreter()
        try:
            from kvtui import api
        except ModuleNotFoundError as error:
            why = f"{error.msg}: kvtui is here, but not installed in this Python ({sys.executable}): pip install its directory"
            raise ModuleNotFoundError(why, name=error.name) from None

        value = globals()[name] = getattr(api, name)
        return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | set(__all__))
