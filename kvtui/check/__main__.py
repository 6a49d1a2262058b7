"""``python -m kvtui.check FILE...``: the verdict on recorded histories; the exit status is 0 when all are linearizable."""

import sys
from typing import NoReturn

from kvtui.check.checking import check
from kvtui.check.files import HistoryError, read_history
from kvtui.check.verdict import Verdict
from kvtui.core.seams.standard_streams import (
    OutputLost,
    leave,
    open_missing_streams,
    say_aside,
    without_output,
)

PROGRAM = "kvtui.check"


def verdicts(paths: list[str]) -> int:
    """The exit status: 0 all linearizable, 1 one is not (or undecided), 2 wrong use or no history. Raises OutputLost."""
    if not paths or paths[0].startswith("-"):
        say_aside("usage: python -m kvtui.check FILE...")
        return 2
    status = 0
    for path in paths:
        try:
            report = check(read_history(path))
        except HistoryError as error:
            say_aside(str(error))
            return 2
        except OSError as error:
            say_aside(f"{path}: {error.strerror or error}")
            return 2
        print(*([f"{path}:"] if len(paths) > 1 else []), *report.lines(), sep="\n")
        if report.verdict is not Verdict.LINEARIZABLE:
            status = 1
    return status


def main(paths: list[str]) -> NoReturn:
    """Print verdicts and exit."""
    open_missing_streams()
    try:
        status = verdicts(paths)
    except KeyboardInterrupt:
        status = 130
    except OutputLost as lost:
        status = without_output(PROGRAM, lost)
    leave(PROGRAM, status)


if __name__ == "__main__":
    main(sys.argv[1:])
