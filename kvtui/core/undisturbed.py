"""Several who are told one after the other: a defect in one of them keeps nobody else from being told."""

import logging
from collections.abc import Callable
from typing import ParamSpec

from kvtui.core.defect_place import kind_and_place

P = ParamSpec("P")

_log = logging.getLogger(__name__)


def undisturbed(tell: Callable[P, object], *arguments: P.args, **options: P.kwargs) -> None:
    """Call it. What it raises goes to the log, and no further."""
    try:
        tell(*arguments, **options)
    except Exception as error:
        _log.error("a defect of kvtui, which disturbs nobody else: %s", kind_and_place(error))
