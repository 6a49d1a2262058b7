"""Random histories of one register: right ones, made by a register that exists, and the same with something wrong."""

import random
from dataclasses import replace

from kvtui.check import Kind, Operation, Outcome


def random_history(dice: random.Random, *, deletes: bool, versions: bool, operations: int) -> list[Operation]:
    """What clients of one right register may see: each operation takes effect at one moment within its time."""
    history: list[tuple[float, Operation]] = []
    busy_until = dict.fromkeys(range(dice.randint(1, 4)), 0.0)
    for number in range(operations):
        process = dice.choice(list(busy_until))
        start = round(busy_until[process] + dice.uniform(0.0, 1.0), 3)
        end = round(start + dice.uniform(0.0, 3.0), 3)
        busy_until[process] = end + 0.001
        kind = dice.choice([Kind.PUT, Kind.GET, Kind.GET, Kind.DELETE if deletes else Kind.PUT])
        moment = dice.uniform(start, end)
        outcome = Outcome.OK
        if kind is not Kind.GET and dice.random() < 0.25:
            outcome = dice.choice([Outcome.FAILED, Outcome.UNKNOWN])
            # What is unknown may take effect much later than its client waited, or never.
            moment = -1.0 if outcome is Outcome.FAILED or dice.random() < 0.4 else moment + dice.uniform(0.0, 5.0)
        value = f"{number}" if kind is Kind.PUT else None
        history.append((moment, Operation(process, kind, "k", value, start, end, outcome)))
    return _as_seen(history, versions)


def _as_seen(history: list[tuple[float, Operation]], versions: bool) -> list[Operation]:
    held: str | None = None
    number = 0
    seen = []
    for moment, operation in sorted(history, key=lambda item: item[0]):
        if operation.kind is Kind.GET:
            seen.append(replace(operation, value=held, version=(1, number) if versions and number else None))
            if versions and not number:
                seen[-1] = replace(seen[-1], version=(0, 0))
        elif moment >= 0:
            held = operation.value
            number += 1
            seen.append(replace(operation, version=(1, number) if versions else None))
        else:
            seen.append(replace(operation, version=(1, 10**9 + len(seen)) if versions else None))
    return sorted(seen, key=lambda operation: operation.start)


def with_a_fault(dice: random.Random, history: list[Operation]) -> list[Operation]:
    """The same, where one read answers something else, or one operation took place at another time."""
    broken = list(history)
    place = dice.randrange(len(broken))
    operation = broken[place]
    values = [other.value for other in broken if other.kind is Kind.PUT] + [None]
    if operation.kind is Kind.GET and dice.random() < 0.7:
        broken[place] = replace(operation, value=dice.choice(values))
    else:
        shift = dice.uniform(-6.0, 6.0)
        end = None if operation.end is None else operation.end + shift
        broken[place] = replace(operation, start=operation.start + shift, end=end)
    return sorted(broken, key=lambda other: other.start)
