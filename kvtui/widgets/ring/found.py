"""What the middle of the ring says of the key that was looked up: its token, who holds it, and why they do."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby

from rich.cells import cell_len

from kvtui.commands.legend import Sign
from kvtui.commands.placed import chosen_for_balance
from kvtui.commands.wording import harmless, shown
from kvtui.core.ring_walk import Met, Step
from kvtui.core.snapshot import NodeState
from kvtui.widgets.picture import Picture
from kvtui.widgets.tints import Line, Span
from kvtui.widgets.words import short

NAME_LONGEST = 8
SKIPPED = Sign.SKIPPED.value.sample
TOKEN_WIDTH = 18
"""Cells from which on the token stands behind the key."""


def found_lines(picture: Picture, width: int, reached: AbstractSet[str], steps: Sequence[Step]) -> list[Line]:
    """The key, and its holders where there are any; nothing without a key. Those that are not ``reached`` yet have their room."""
    if picture.located is None:
        return []
    token = f"0x{picture.located.token:016x}"
    key = shown(picture.located.key)
    if width >= TOKEN_WIDTH:
        first: Line = ((short(key, width - len(" → 0x0000…")), "bold"), (" → ", "dim"), (token[:6] + "…", "text"))
    else:
        first = ((short(key, width), "bold"),)
    who = next((line for line in _who(picture, reached, steps) if line and line_width(line) <= width), ())
    return [first, who] if who else [first]


def why_line(picture: Picture, width: int, steps: Sequence[Step]) -> Line:
    """Why these nodes hold it, in at most ``width`` cells; empty where there is nothing to say."""
    ways: tuple[str, ...] = ()
    if any(step.met is Met.SKIPPED for step in steps):
        ways = f"next nodes clockwise, {SKIPPED} skipped", f"clockwise, {SKIPPED} skipped", "clockwise"
    elif steps:
        ways = "next nodes clockwise" if len(picture.holders) > 1 else "next node clockwise", "clockwise"
    elif len(picture.holders) > 1 and chosen_for_balance(picture.snapshot):
        ways = (Sign.CHOSEN.value.brief,)
    return next((((text, "dim"),) for text in ways if cell_len(text) <= width), ())


def _who(picture: Picture, reached: AbstractSet[str], steps: Sequence[Step]) -> Iterator[Line]:
    """The virtual nodes that are met, with each that is skipped, or with their number; then the holders alone, ever fewer."""
    if steps:
        yield _spaced([_named(picture, step.node, step.met, reached) for step in steps])
        spans: list[Span] = []
        for skipped, group in groupby(steps, key=lambda step: step.met is Met.SKIPPED):
            run = list(group)
            if skipped:
                spans.append((f"{SKIPPED}{len(run)}", "dim"))
            else:
                spans += [_named(picture, step.node, step.met, reached) for step in run]
        yield _spaced(spans)
    nodes = [(node, Met.REPLICA) for node in picture.holders] + [(node, Met.COMING) for node in picture.newcomers]
    named = [_named(picture, node, met, reached) for node, met in nodes]
    for most in range(len(named), 0, -1):
        yield _spaced(named[:most])


def _spaced(spans: Sequence[Span]) -> Line:
    return tuple(each for span in spans for each in ((" ", "text"), span))[1:]


def _named(picture: Picture, node: str, met: Met, reached: AbstractSet[str]) -> Span:
    sign = SKIPPED if met is Met.SKIPPED else f"{_sign(picture, node, met).value.sample} "
    text = sign + short(harmless(node), NAME_LONGEST)
    if node not in reached:  # its room is kept, so that nothing jumps
        return " " * cell_len(text), "text"
    return text, "dim" if met is Met.SKIPPED else f"bold node:{picture.colours.get(node, 0)}"


def _sign(picture: Picture, node: str, met: Met) -> Sign:
    view = picture.snapshot.node(node)
    if met is Met.COMING:
        return Sign.FILLING
    if view is not None and view.state is NodeState.DOWN:
        return Sign.DOWN
    return Sign.KEY if node == picture.holders[0] else Sign.COPY


def line_width(line: Line) -> int:
    """Cells of a line."""
    return sum(cell_len(text) for text, _ in line)
