"""Nodes that join a ring together: planned once, as even as if they had come one by one."""

from collections import Counter

import pytest

from kvtui.core.ring import Balanced, Classic, Policy, Ring


@pytest.mark.parametrize("policy", [Balanced(), Classic(16)])
@pytest.mark.parametrize("replication", [1, 2, 3])
def test_nodes_that_join_at_once_get_what_each_would_get_alone(policy: Policy, replication: int) -> None:
    names = [f"n{number}" for number in range(1, 6)]
    together = Ring.empty(policy, replication, 1024).join_all(names)
    one_by_one = Ring.empty(policy, replication, 1024)
    for name in names:
        one_by_one = one_by_one.join(name)
    assert dict(together.weights) == dict(one_by_one.weights)
    if policy == Balanced():
        held = [Counter(node for row in ring.table for node in row) for ring in (together, one_by_one)]
        assert max(held[0].values()) == max(held[1].values())
        assert min(held[0].values()) == min(held[1].values())
    else:
        assert together == one_by_one


def test_joining_nobody_changes_nothing_and_a_bad_name_spoils_all() -> None:
    ring = Ring.empty(Balanced(), 1, 8).join("n1")
    assert ring.join_all([]) is ring
    for names in (["n2", "n1"], ["n2", "n2"], [""]):
        with pytest.raises(ValueError, match=r"already in the ring|not empty"):
            ring.join_all(names)
