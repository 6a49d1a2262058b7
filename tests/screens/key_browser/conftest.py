from tests.widgets.conftest import same_everywhere

__all__ = ["same_everywhere"]
