"""Keys and values as people write them: text is its UTF-8."""


def to_bytes(given: str | bytes, what: str) -> bytes:
    """The bytes of a ``what`` (a key, a value, a prefix). Raises TypeError for anything but str and bytes."""
    if isinstance(given, bytes):
        return given
    if isinstance(given, str):
        return given.encode()
    raise TypeError(f"a {what} is str or bytes, not {type(given).__name__}: encode it first")


def check_several(given: object, what: str) -> None:
    """Raises TypeError for a single str or bytes where several were meant: they are iterable too, a letter at a time."""
    if isinstance(given, str | bytes):
        raise TypeError(f"several {what} are wanted, not one {type(given).__name__}: put it into a list")
