"""The stores that this process opened and did not close: also those that no variable names any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kvtui.api.store import Store
    from kvtui.api.sync_store import SyncStore

_opened: Final[dict[int, Store | SyncStore]] = {}
"""In the order in which they were opened. It keeps none alive that would not live anyway: an open one has a task, or a thread."""


def open_stores() -> list[Store | SyncStore]:
    """The stores that are open in this process: ``for store in kvtui.open_stores(): await store.close()``, or ``store.close()``
    where it is a ``SyncStore``. The newest is the first one, as what holds a ring is older than what is attached to it there.

    A ``Store`` is for the event loop in which it was opened, as ever.
    """
    for number, store in list(_opened.items()):
        if store.closed or store._of_parent:
            _opened.pop(number, None)
    return list(_opened.values())[::-1]


def opened(store: Store | SyncStore) -> None:
    """It is one of them from now on, until it is closed."""
    open_stores()  # what ended with its loop is forgotten
    _opened[id(store)] = store


def closed(store: Store | SyncStore) -> None:
    """It is none of them any more."""
    _opened.pop(id(store), None)
