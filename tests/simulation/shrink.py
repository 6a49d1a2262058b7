"""Makes a failing plan small: leaves out the faults and the clients that its failure does not need."""

from collections.abc import Callable

from tests.simulation.plan import Plan


def shrink(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """A plan that fails with less in it: no fault and no client can be left out of it by itself any more.

    ``fails`` says whether a plan fails; another failure than the first is as good.
    """
    smaller = True
    while smaller:
        smaller = False
        for number in reversed(range(len(plan.faults))):
            candidate = plan.without_fault(number)
            if fails(candidate):
                plan, smaller = candidate, True
        for number, steps in enumerate(plan.clients):
            candidate = plan.without_client(number)
            if steps and fails(candidate):
                plan, smaller = candidate, True
    return plan
