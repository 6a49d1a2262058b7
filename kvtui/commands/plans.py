"""plan: what a change would do, before it is made."""

from __future__ import annotations

from kvtui.commands.command import Argument, Command, CommandError, Invocation, Kind
from kvtui.commands.context import Context, Line
from kvtui.commands.sizes import size
from kvtui.commands.wording import counted, harmless, quoted, wrapped
from kvtui.core.change import AddNode, Change, RemoveNode, SetPolicy, SetReplication, SetWeight
from kvtui.core.cluster import ClusterError, Plans
from kvtui.core.events import Level
from kvtui.core.plan import Both, Flow, NodePlan, Plan

WIDTH_LEAST, WIDTH_MOST = 36, 80
"""Columns that a line is made for."""
NODES_NAMED = 20
"""Nodes that get a line each; those that change most."""
FLOWS_NAMED = 8
"""Copies from node to node that get a line each."""
NAME_MOST = 12
LABEL = 9
POLICIES = ("balanced", "classic")
_NODE = Argument("id", "the node's id", Kind.NODE)
ARGUMENTS: dict[str, tuple[Argument, ...]] = {
    "add": (
        Argument("id", "the new node's id", Kind.NEW_NODE),
        Argument("weight", "its share", Kind.COUNT, optional=True),
    ),
    "remove": (_NODE,),
    "setreplica": (Argument("N", "the number of copies", Kind.COUNT),),
    "policy": (
        Argument("policy", "how slots are placed", Kind.CHOICE, choices=POLICIES),
        Argument("vnodes", "virtual nodes, of classic", Kind.COUNT, optional=True),
    ),
    "weight": (_NODE, Argument("weight", "its share", Kind.COUNT)),
}
"""What follows each kind of change."""
KINDS = tuple(ARGUMENTS)
USAGES = {
    kind: " ".join(("plan", kind, *(argument.placeholder for argument in arguments)))
    for kind, arguments in ARGUMENTS.items()
}


async def plan(invocation: Invocation, context: Context) -> bool:
    """``plan``. Succeeds when the change could be made."""
    cluster = context.cluster
    change = change_of(invocation)
    if not isinstance(cluster, Plans):
        raise ClusterError("this cluster can't tell what a change would do")
    made = await cluster.plan(change)
    for line in plan_lines(made, context.columns):
        context.say(line)
    if made.refused:
        return False
    context.planned(made)
    return True


def change_of(invocation: Invocation) -> Change:
    """The change that was typed. Raises CommandError."""
    kind, what, number = (invocation.values.get(name) for name in ("change", "what", "number"))
    usage = f"Usage: {USAGES[kind or 'add']}"
    if what is None:
        raise CommandError(f"what: missing. {usage}", "what")
    amount = int(number or 0)
    if number is not None and (kind in ("remove", "setreplica") or (kind == "policy" and what.lower() != "classic")):
        raise CommandError(f"number: {what} takes none here. {usage}", "number")
    match kind:
        case "add":
            return AddNode(what, amount or 1)
        case "remove":
            return RemoveNode(what)
        case "setreplica":
            if not (what.isascii() and what.isdigit() and 0 < len(what) < 4):
                raise CommandError(f"what: a number of copies, not {quoted(what)}. {usage}", "what")
            return SetReplication(int(what))
        case "policy":
            if what.lower() not in POLICIES:
                raise CommandError(f"what: {' or '.join(POLICIES)}, not {quoted(what)}. {usage}", "what")
            return SetPolicy(what.lower(), amount)
        case _:
            if number is None:
                raise CommandError(f"number: missing. {usage}", "number")
            return SetWeight(what, amount)


def plan_lines(made: Plan, columns: int = WIDTH_MOST) -> list[Line]:
    """A plan in lines: what moves, each node before and after, who gives to whom, what to know."""
    width = min(WIDTH_MOST, max(WIDTH_LEAST, columns))
    lines = [Line(f"Plan: {made.change} (nothing is changed)")]
    if made.refused:
        return [*lines, *_step("refused", made.refused, width, Level.BAD)]
    lines += _step("moves", moves_words(made), width)
    lines += _step("copies", copies_words(made), width)
    lines += _step("balance", balance_words(made), width)
    lines += _node_lines(made, width)
    lines += _flow_lines(made, width)
    for risk in made.risks:
        lines += _step("note", risk.text, width, risk.level)
    return lines


def moves_words(made: Plan) -> str:
    """How much is copied, and how long that takes."""
    if not made.moved:
        return "nothing: no slot gets another replica" if made.changed else "nothing: all stays where it is"
    copies = counted(made.moved, "copy of a slot", "copies of slots")
    words = [f"{copies} ({_part(made)}), about {counted(made.moved_keys, 'copy of a key', 'copies of keys')}"]
    if made.bytes:
        words.append(size(made.bytes))
    if made.seconds is not None:
        words.append(f"about {seconds_words(made.seconds)} at the rate of the last moves")
    return ", ".join(words)


def _part(made: Plan) -> str:
    """What is copied, of all there is then."""
    return f"{made.moved / (made.slots * max(1, made.copies.after)):.1%} of all"


def copies_words(made: Plan) -> str:
    """Copies of every key, and the write quorum."""
    return f"{change_words(made.copies)} of every key; a write needs {change_words(made.quorum)} (W)"


def balance_words(made: Plan) -> str:
    """The fullest node over the mean."""
    replicas, firsts = (Both(f"{one.before:.2f}", f"{one.after:.2f}") for one in (made.balance, made.first_balance))
    return f"{change_words(replicas)} of replicas, {change_words(firsts)} of first replicas (max/mean)"


def change_words(both: Both[int] | Both[str]) -> str:
    """``2 -> 3``; once where nothing changes."""
    return str(both.before) if both.before == both.after else f"{both.before} -> {both.after}"


def seconds_words(seconds: float) -> str:
    """``8 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def share_of(node: NodePlan, made: Plan) -> Both[float]:
    """A node's part of all copies of slots, before and after."""
    total = [max(1, sum(other.slots[side] for other in made.nodes)) for side in (0, 1)]
    return Both(node.slots.before / total[0], node.slots.after / total[1])


def most_changed(made: Plan, most: int) -> list[NodePlan]:
    """The nodes to show, in their order: all, or those that give or get most."""
    if len(made.nodes) <= most:
        return list(made.nodes)
    chosen = sorted(made.nodes, key=lambda node: node.gains + node.drops, reverse=True)[:most]
    return [node for node in made.nodes if node in chosen]


def _node_lines(made: Plan, width: int) -> list[Line]:
    shown = most_changed(made, NODES_NAMED)
    if not shown:
        return []
    shares = [share_of(node, made) for node in shown]
    names = _column("node", [_name(node.node, NAME_MOST) for node in shown], left=True)
    digits = max(len(f"{node.slots.after:,}") for node in shown)
    columns = [
        _column("share", [f"{share.before:.1%} -> {share.after:>6.1%}" for share in shares]),
        _column("gets", [_signed(node.gains, "+") for node in shown]),
        _column("gives up", [_signed(node.drops, "-") for node in shown]),
        _column("slots", [f"{node.slots.before:,} -> {node.slots.after:>{digits},}" for node in shown]),
        _column("sends", [_signed(node.sends) for node in shown]),
    ]
    # The last ones are missed least.
    while len(columns) > 1 and 2 + len(names[0]) + sum(2 + len(column[0]) for column in columns) > width:
        columns.pop()
    lines = [Line("  " + "  ".join(cells).rstrip()) for cells in zip(names, *columns, strict=True)]
    if len(shown) < len(made.nodes):
        lines.append(Line(f"  … and {counted(len(made.nodes) - len(shown), 'node')} that change less"))
    return lines


def _column(title: str, cells: list[str], left: bool = False) -> list[str]:
    """A column with its title, every cell as wide as the widest."""
    width = max(map(len, [title, *cells]))
    return [cell.ljust(width) if left else cell.rjust(width) for cell in [title, *cells]]


def _signed(number: int, sign: str = "") -> str:
    return f"{sign}{number:,}" if number else ""


def _flow_lines(made: Plan, width: int) -> list[Line]:
    lines: list[Line] = []
    for flow in made.flows[:FLOWS_NAMED]:
        lines += _step("copy", flow_words(flow), width)
    rest = made.flows[FLOWS_NAMED:]
    if rest:
        slots = counted(sum(flow.slots for flow in rest), "slot")
        lines += _step("copy", f"… and {slots} between {len(rest):,} more pairs", width)
    return lines


def flow_words(flow: Flow) -> str:
    """Who copies how much to whom."""
    pair = f"{_name(flow.source or 'nobody', NAME_MOST)} -> {_name(flow.receiver, NAME_MOST)}"
    return f"{pair}  {counted(flow.slots, 'slot')}, about {counted(flow.keys, 'key')}"


def _name(node: str, width: int) -> str:
    return node if len(node) <= width else f"{node[: width - 1]}…"


def _step(name: str, words: str, width: int, level: Level = Level.INFO) -> list[Line]:
    first, *rest = wrapped(harmless(words), width - LABEL - 2)
    return [Line(f"  {name:<{LABEL}}{first}", level), *(Line(f"  {'':<{LABEL}}{part}", level) for part in rest)]


COMMANDS: tuple[Command, ...] = (
    Command(
        "plan",
        (
            Argument("change", ", ".join(KINDS), Kind.CHOICE, choices=KINDS, then=tuple(ARGUMENTS.items())),
            Argument("what", "the node's id, the number of copies, or the policy", Kind.NODE),
            Argument("number", "the weight, or the virtual nodes", Kind.COUNT, optional=True),
        ),
        "Show what a change would do first",
        f"{'; '.join(USAGES.values())}. Changes nothing. Says what would move from whom to whom, each node's share before"
        " and after, the balance, and what to know before: slots with fewer copies meanwhile, nodes that can't give.",
        plan,
        capability=Plans,
        changes=False,
    ),
)
