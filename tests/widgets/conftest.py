import pytest

from tests.widgets.everywhere import same_everywhere

__all__ = ["anyio_backend", "same_everywhere"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
