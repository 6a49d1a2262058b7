"""What belongs to one process, and to the event loop that it lives in: a copy of it would be none."""


def uncopied(what: str, instead: str) -> TypeError:
    """What ``__reduce__`` raises, which pickling and copying ask: ``instead`` is what to call."""
    return TypeError(
        f"a {what} can't be pickled or copied, it belongs to its process: call {instead} where another is wanted"
    )
