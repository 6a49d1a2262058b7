"""What a program, or a person, is told of a request that the holder did not answer: why, and what to do."""

from typing import Final

from kvtui.control.channel import Unanswered, Unsendable
from kvtui.core.cluster import ClusterError

CLOSED: Final = "the store is closed: open another with kvtui.connect"
CLOSED_MEANWHILE: Final = "the store was closed meanwhile"
INCOMPLETE: Final = "not all of the scan has come"
AGAIN: Final = "ask again"


def plainly(error: Unanswered, *, then: str, what: str = "") -> ClusterError:
    """The same in public. ``then``: what follows, or is to be done; ``what``: what has become of the request, where the error does
    not say so."""
    text = f"{error}; {what}" if what else str(error)
    if isinstance(error, Unsendable) or text.startswith(CLOSED_MEANWHILE):
        return ClusterError(text)
    return ClusterError(f"{text}: {then}")
