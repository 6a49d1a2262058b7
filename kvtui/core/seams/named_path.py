"""A path as a person wrote it becomes an absolute one, or words that say why it can't be one."""

from pathlib import Path

from kvtui.core.seams.system_reason import system_reason
from kvtui.notation import PATH_TOLD, brief


class BadPath(ValueError):
    """What was written names no place; the text is one line that says why, without the option's name."""


def named_path(text: str) -> Path:
    """``~`` stands for a home directory, and what does not begin with ``/`` lies below the current directory. Raises BadPath.

    An empty path would be the current directory: nobody who writes one means that.
    """
    if not text:
        raise BadPath("it is empty: name a path, or leave it out")
    if "\0" in text:
        raise BadPath("a path holds no zero bytes")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        user = text.partition("/")[0].removeprefix("~")
        why = f"no user is called {brief(user)}" if user else "this user has no home directory"
        raise BadPath(f"{why}; where ~ is a letter of the name, begin the path with ./") from None
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        why = "was deleted" if gone else f"can't be told ({system_reason(error)})"
        raise BadPath(
            f"{brief(text, PATH_TOLD)} lies below the current directory, which {why}: go to another one, or begin the path with /"
        ) from None
