"""Smaller limits for the length of a scenario."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def lowered(module: ModuleType, **values: object) -> Iterator[None]:
    """A module's constants have those values within, and their own afterwards: other scenarios run in the same process."""
    before = {name: getattr(module, name) for name in values}
    vars(module).update(values)
    try:
        yield
    finally:
        vars(module).update(before)
