from tests.widgets.conftest import anyio_backend, same_everywhere

__all__ = ["anyio_backend", "same_everywhere"]
