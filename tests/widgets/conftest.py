from tests.widgets.everywhere import same_everywhere

__all__ = ["same_everywhere"]
