"""A run as tables in Markdown, for the terminal and for ``docs/``."""

from collections.abc import Iterable, Sequence
from statistics import median

from contenders.bars import MEMORY_MOST, Bar, Reached, reached
from contenders.cases import CASES
from contenders.results import Results, Spread
from contenders.roster import CONTENDERS

_RATES = ("put-1", "get-1", "put-64", "get-64", "put-256", "get-256", "put-many", "mset")
_COSTS = ("put-1", "put-64", "get-64", "put-256", "put-many")

_BEGIN, _END = "<!-- measured -->\n", "<!-- /measured -->\n"


def with_tables(text: str, tables: str) -> str:
    """A document in which these tables take the place of those of the run before; the rest of it stays as it is."""
    before, _, rest = text.partition(_BEGIN)
    return f"{before}{_BEGIN}\n{tables}\n{_END}{rest.partition(_END)[2]}"


def report(results: Results) -> str:
    """The machine, the bars, all rates, processor time, memory."""
    parts = [
        "\n".join(f"- {name}: {value}" for name, value in results.machine.items()),
        "## Bars",
        "Ratios of medians; in brackets the least and the greatest ratio of a round. Theirs is the faster of redis-py's "
        "two event loops, without hiredis; `to hiredis` is the ratio to redis-py with it, `by processor time` what the client's "
        "process spends an operation, theirs over ours.",
        _bars(reached(results)),
        _memory(results),
        "## Operations a second",
        "Thousands: median [least, greatest] of the rounds.",
        _rates(results),
        "## Processor time an operation",
        "Microseconds, client + all servers, medians.",
        _costs(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def missed(results: Results) -> list[str]:
    """Bars that this run did not reach, for people."""
    found = [
        f"{_case(one.bar)}, {CONTENDERS[one.bar.ours].says}: {one.ratio:.2f} x {_theirs(one)}, at least {one.bar.least:g}"
        for one in reached(results)
        if not one.met
    ]
    ratio = memory_ratio(results)
    return found + ([f"memory a key: {ratio:.2f}, at most {MEMORY_MOST:g}"] if ratio and ratio > MEMORY_MOST else [])


def memory_ratio(results: Results) -> float | None:
    """A key's bytes in kvtui's memory node over valkey's ``used_memory``; None: not measured."""
    ours, theirs = results.of("kvtui-uvloop-1", "memory"), results.of("redis-py-uvloop", "memory")
    if not ours or not theirs:
        return None
    return _middle(ours.values(), "resident") / _middle(theirs.values(), "used")


def _bars(found: Sequence[Reached]) -> str:
    rows = []
    for one in found:
        bar = one.bar
        rows.append(
            (
                _case(bar),
                CONTENDERS[bar.ours].says,
                _thousands(one.ours.median),
                _theirs(one),
                _thousands(one.theirs.median),
                f"{one.ratio:.2f} [{one.rounds.least:.2f}, {one.rounds.greatest:.2f}]",
                f"{bar.least:g}",
                "yes" if one.met else "**no**",
                _ratio(one.stronger),
                _ratio(one.processor),
            )
        )
    head = ("case", "ours", "k/s", "theirs", "k/s", "ratio", "bar", "met", "to hiredis", "by processor time")
    return _table(head, rows) if rows else ""


def _case(bar: Bar) -> str:
    return CASES[bar.case].says.removesuffix(" or pipeline")


def _theirs(one: Reached) -> str:
    how = {"mset": ", MSET", "many": ", pipeline"}.get(CASES[one.bar.their_case].kind, "")
    return CONTENDERS[one.best].says + how


def _memory(results: Results) -> str:
    ratio = memory_ratio(results)
    if ratio is None:
        return ""
    ours = results.of("kvtui-uvloop-1", "memory").values()
    theirs = results.of("redis-py-uvloop", "memory").values()
    met = "met" if ratio <= MEMORY_MOST else "**not met**"
    return (
        f"Memory a key, {next(iter(ours))['keys']:,} keys: a kvtui memory node {_middle(ours, 'resident'):.0f} bytes "
        f"(growth of its process), valkey {_middle(theirs, 'used'):.0f} bytes of `used_memory`, "
        f"{_middle(theirs, 'resident'):.0f} of its process: {ratio:.2f}, at most {MEMORY_MOST:g}, {met}."
    )


def _rates(results: Results) -> str:
    rows = []
    for name, contender in CONTENDERS.items():
        cells = [_spread(list(results.rates(name, case).values())) for case in _RATES]
        if any(cells):
            rows.append((contender.says, *cells))
    return _table(("", *(CASES[case].says for case in _RATES)), rows)


def _costs(results: Results) -> str:
    rows = []
    for name, contender in CONTENDERS.items():
        cells = []
        for case in _COSTS:
            client = results.microseconds(name, case, "client")
            server = results.microseconds(name, case, "server")
            cells.append(f"{client.median:.1f} + {server.median:.1f}" if client and server else "")
        if any(cells):
            rows.append((contender.says, *cells))
    return _table(("", *(CASES[case].says for case in _COSTS)), rows)


def _spread(values: list[float]) -> str:
    if not values:
        return ""
    spread = Spread.of(values)
    return f"{_thousands(spread.median)} [{_thousands(spread.least)}, {_thousands(spread.greatest)}]"


def _thousands(rate: float) -> str:
    return f"{rate / 1000:.1f}" if rate < 100_000 else f"{rate / 1000:.0f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _middle(lines: Iterable[dict[str, float]], name: str) -> float:
    return median(line[name] for line in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
