"""Why the operating system refused something, as a part of a line for people."""


def system_reason(error: Exception) -> str:
    """Its own words, without the file's name, which the line around them says."""
    return (getattr(error, "strerror", None) or str(error)).lower()
