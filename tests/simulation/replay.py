"""``python -m tests.simulation.replay SEED [--shrink]``: one run again, and what of it the failure needs."""

import argparse
import sys

from tests.simulation.plan import Plan, plan
from tests.simulation.shrink import shrink
from tests.simulation.story import failure_of, quicken


def main() -> int:
    """Exit status 1 if the run fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.replay", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--shrink", action="store_true", help="leave out the faults and clients that aren't needed")
    asked = parser.parse_args()
    quicken()
    wanted = plan(asked.seed)
    failure = failure_of(wanted)
    if failure and asked.shrink:
        wanted = shrink(wanted, lambda smaller: bool(failure_of(smaller)))
        failure = failure_of(wanted)
    print(*described(wanted), sep="\n")
    print(failure or "nothing is wrong")
    return 1 if failure else 0


def described(wanted: Plan) -> list[str]:
    """The plan in lines."""
    clients = [str(number) for number, steps in enumerate(wanted.clients) if steps]
    shape = f"{wanted.nodes} nodes, {wanted.replication} copies, {wanted.slots} slots, {wanted.policy}"
    return [
        f"seed {wanted.seed}: {shape}, quorum {wanted.quorum}, {wanted.reads} reads, clients {', '.join(clients)}",
        *(str(fault) for fault in wanted.faults),
    ]


if __name__ == "__main__":
    sys.exit(main())
