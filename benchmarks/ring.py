"""Measures the ring beside uhashring, in one run, and says which bars are reached: `python benchmarks/ring.py`.

Placements compared: balanced, classic with 128 virtual nodes a node, and uhashring as it comes (its default
ketama-like 160 points a node). Times are medians of repeats with their least and greatest, in CPU time of
this process, so that other work on the machine doesn't count.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import combinations
from random import Random
from statistics import mean, median

from kvtui.core.ring import SLOTS, Balanced, Classic, Policy, Ring, moves, quotas

try:
    from uhashring import HashRing
except ImportError:
    sys.exit("benchmarks/ring.py compares with uhashring: install it with `pip install uhashring`")

SIZES = (3, 10, 30, 100, 300, 1000)
REPLICAS = 3
VNODES = 128
KEYS = [f"key-{number}" for number in range(50_000)]
ENCODED = [key.encode() for key in KEYS]
LOOKUPS = 20_000
REPEATS = 5

failed: list[str] = []


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """CPU seconds of each run of `work`."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return taken


def spread(values: Iterable[float], unit: float, digits: int = 1) -> str:
    """Median and [least, greatest] in `unit` seconds."""
    scaled = [value / unit for value in values]
    return f"{median(scaled):.{digits}f} [{min(scaled):.{digits}f}, {max(scaled):.{digits}f}]"


def bar(what: str, value: float, limit: float) -> None:
    """Print one bar and whether it is reached."""
    reached = value <= limit
    if not reached:
        failed.append(what)
    print(f"  {'reached' if reached else 'MISSED '}  {what}: {value:.4g} (at most {limit:g})")


def grown(policy: Policy, size: int, replication: int = REPLICAS) -> Ring:
    """A ring of `size` equal nodes that joined one by one; classic ones, whose history doesn't count, at once."""
    if isinstance(policy, Classic):
        weights = [(f"node-{number}", 1) for number in range(size)]
        ring = Ring.empty(policy, replication)
        start = Ring(policy, replication, SLOTS, dict(weights[:-1]), ring.table)
        return start.join(*weights[-1])
    ring = Ring.empty(policy, replication)
    for number in range(size):
        ring = ring.join(f"node-{number}")
    return ring


def uneven(counts: Counter[str], size: int) -> float:
    """The fullest node against the mean."""
    return max(counts.values()) * size / sum(counts.values())


def slot_balance(ring: Ring) -> tuple[float, float]:
    """max/mean of slots held as replica, and as first replica."""
    held = Counter(node for row in ring.table for node in row)
    leading = Counter(row[0] for row in ring.table)
    return uneven(held, len(ring.weights)), uneven(leading, len(ring.weights))


def copied(before: Ring, after: Ring) -> int:
    """Copies of slots that the change makes."""
    return sum((move.stop - move.start) * len(move.added) for move in moves(before.table, after.table))


def arcs(ring: Ring) -> float:
    """Runs of slots with one first replica, a node."""
    heads = [row[0] for row in ring.table]
    return max(1, sum(heads[slot] != heads[slot - 1] for slot in range(SLOTS))) / len(ring.weights)


def busiest_pair(ring: Ring) -> float:
    """Slots of the pair of nodes that shares most, against its even share."""
    shared: Counter[tuple[str, ...]] = Counter()
    for row, slots in Counter(ring.table).items():
        for pair in combinations(sorted(row), 2):
            shared[pair] += slots
    nodes, copies = len(ring.weights), min(ring.replication, len(ring.weights))
    return max(shared.values()) / (SLOTS * copies * (copies - 1) / (nodes * (nodes - 1)))


def balance_and_movement(rings: dict[int, Ring], classics: dict[int, Ring]) -> None:
    """max/mean of the slots, and what one more node moves."""
    print(f"\nBalance, max/mean of slots ({REPLICAS} replicas; uhashring: of {len(KEYS)} keys, one replica)")
    print("Movement of one more node: copies against the newcomer's even share")
    head = (
        "nodes",
        "balanced",
        "as first",
        f"classic {VNODES}",
        "as first",
        "uhashring",
        "moves",
        "classic",
        "uhashring",
    )
    print("  " + "".join(f"{word:>12}" for word in head))
    for size, ring in rings.items():
        classic = classics[size]
        after, after_classic = ring.join("one-more"), classic.join("one-more")
        even = SLOTS * min(REPLICAS, size + 1) / (size + 1)
        other = HashRing([f"node-{number}" for number in range(size)])
        owners = [other.get_node(key) for key in KEYS]
        other.add_node("one-more")
        moved = sum(owner != other.get_node(key) for owner, key in zip(owners, KEYS, strict=True))
        ours, theirs = slot_balance(ring), slot_balance(classic)
        row = [*ours, *theirs, uneven(Counter(owners), size)]
        row += [copied(ring, after) / even, copied(classic, after_classic) / even]
        row += [moved * (size + 1) / len(KEYS)]
        print(f"  {size:>12}" + "".join(f"{value:>12.4f}" for value in row))
        bar(f"max/mean at {size} nodes", max(ours), 1.001 if size <= 10 else 1.04)
        most = max(quotas(after.weights, REPLICAS).replicas.values())
        bar(f"copies of a join at {size} nodes", copied(ring, after), most)


def lookups(rings: dict[int, Ring]) -> None:
    """Cost of a lookup."""
    print(f"\nLookup, ns a key: median [least, greatest] of {REPEATS} x {LOOKUPS}")
    keys, encoded = KEYS[:LOOKUPS], ENCODED[:LOOKUPS]
    for size, ring in rings.items():
        other = HashRing([f"node-{number}" for number in range(size)])

        def ours(find: Callable[[bytes], object] = ring.replicas) -> None:
            for key in encoded:
                find(key)

        def theirs(find: Callable[[str], object] = other.get_node) -> None:
            for key in keys:
                find(key)

        mine, its = seconds(ours), seconds(theirs)
        unit = LOOKUPS * 1e-9
        print(f"  {size:>5} nodes: replicas {spread(mine, unit, 0):>18}   uhashring {spread(its, unit, 0):>20}")
        bar(f"lookup against uhashring at {size} nodes", median(mine) / median(its), 0.5)


def changes(rings: dict[int, Ring], classics: dict[int, Ring]) -> None:
    """Cost of adding a node, and of the other changes on the largest ring."""
    print("\nAdding a node, ms: median [least, greatest]")
    for size, ring in rings.items():

        def add_theirs(size: int = size) -> float:
            other = HashRing([f"node-{number}" for number in range(size)])
            return seconds(lambda: other.add_node("one-more"), 1)[0]

        mine = seconds(lambda ring=ring: ring.join("one-more"), 3)  # type: ignore[misc]
        classic = seconds(lambda ring=classics[size]: ring.join("one-more"), 3)  # type: ignore[misc]
        its = [add_theirs() for _ in range(3)]
        print(
            f"  {size:>5} nodes: balanced {spread(mine, 1e-3):>22}   classic {spread(classic, 1e-3):>22}"
            f"   uhashring {spread(its, 1e-3):>22}"
        )
    size, ring = max(rings.items())
    fewer = ring.replicate(2)
    works: dict[str, Callable[[], object]] = {
        "join": lambda: ring.join("one-more"),
        "join with weight 8": lambda: ring.join("one-more", 8),
        "leave": lambda: ring.leave("node-7"),
        "weight 1 to 8": lambda: ring.reweigh("node-7", 8),
        "3 to 2 replicas": lambda: ring.replicate(2),
        "2 to 3 replicas": lambda: fewer.replicate(3),
    }
    print(f"\nReplanning at {size} nodes, {REPLICAS} replicas, s")
    for name, work in works.items():
        taken = seconds(work, 3)
        print(f"  {name:>20}: {spread(taken, 1, 2)}")
        bar(f"replanning, {name}", median(taken), 1.0)


def drawn_and_recovered() -> None:
    """Arcs a node, and the busiest pair, up to 12 and 24 nodes."""
    print("\nArcs a node up to 12 nodes, and the busiest pair up to 24 (unweighted), worst or mean over states")
    by_joins, pairs = 0.0, 0.0
    for replication in (1, 2, 3):
        ring = Ring.empty(Balanced(), replication)
        for number in range(24):
            ring = ring.join(f"node-{number}")
            if number < 12:
                by_joins = max(by_joins, arcs(ring))
            if number and replication > 1:
                pairs = max(pairs, busiest_pair(ring))
    bar("arcs a node by joins alone, most of any ring", by_joins, 4)
    for heaviest in (1, 8):
        means, most, worst_pair = random_histories(heaviest)
        for size, value in sorted(means.items()):
            print(f"    weights to {heaviest}, {size:>2} nodes: {value:.2f} arcs a node")
        bar(
            f"arcs a node through random histories, weights to {heaviest}, mean at the worst size",
            max(means.values()),
            4.5,
        )
        print(f"    (the worst single ring had {most:.2f})")
        pairs = max(pairs, worst_pair)
    bar("busiest pair, unweighted, by joins to 24 nodes and through random histories to 12", pairs, 1.5)


def random_histories(heaviest: int) -> tuple[dict[int, float], float, float]:
    """Mean arcs a node by ring size, the most of any ring, and (unweighted) the busiest pair of any ring."""
    of_size: dict[int, list[float]] = {}
    pair = 0.0
    for seed in range(6):
        random = Random(100 * heaviest + seed)
        ring = Ring.empty(Balanced(), seed % 3 + 1)
        for _ in range(40):
            nodes = list(ring.weights)
            kind = random.random()
            if len(nodes) < 2 or (kind < 0.45 and len(nodes) < 12):
                ring = ring.join(f"node-{random.randrange(10**9)}", random.randint(1, heaviest))
            elif kind < 0.8:
                ring = ring.leave(random.choice(nodes))
            elif heaviest > 1 and kind < 0.95:
                ring = ring.reweigh(random.choice(nodes), random.randint(1, heaviest))
            else:
                ring = ring.replicate(random.randint(1, 3))
            of_size.setdefault(len(ring.weights), []).append(arcs(ring))
            if heaviest == 1 and ring.replication > 1 and len(ring.weights) > 1:
                pair = max(pair, busiest_pair(ring))
    return {size: mean(v) for size, v in of_size.items()}, max(max(v) for v in of_size.values()), pair


def at_size(size: int) -> Ring:
    """A balanced ring of `size` nodes: joins one by one to 30, beyond that all at once and then one join."""
    if size <= 30:
        return grown(Balanced(), size)
    weights = {f"node-{number}": 1 for number in range(size - 1)}
    return Ring(Balanced(), REPLICAS, SLOTS, weights, ((),) * SLOTS).join(f"node-{size - 1}")


def main() -> None:
    """Run all parts; exit status 1 if a bar is missed."""
    rings = {size: at_size(size) for size in SIZES}
    classics = {size: grown(Classic(VNODES), size) for size in SIZES}
    balance_and_movement(rings, classics)
    lookups(rings)
    changes(rings, classics)
    drawn_and_recovered()
    print(f"\n{'All bars reached.' if not failed else 'Missed: ' + '; '.join(failed)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
