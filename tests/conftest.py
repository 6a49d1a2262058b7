import pytest


@pytest.fixture
def anyio_backend() -> str:
    """What kvtui runs on; else releases of anyio differ in whether they try every event loop, or those that are installed."""
    return "asyncio"
