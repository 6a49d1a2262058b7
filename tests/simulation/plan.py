"""What happens in one run, as plain data that a seed decides: the cluster's shape, its clients' steps, and the faults."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from kvtui.check import Kind
from kvtui.core.read_mode import ReadMode
from tests.simulation import contested, stormy
from tests.simulation.limits import SOMETIMES

CLIENTS: Final = 4
STEPS: Final = 14
"""Operations of each client."""
KEYS: Final = 5
FURTHER_KEYS: Final = 20
"""Keys that are only put, read and deleted many at a time, and found by scans."""
FAULTS: Final = (12, 16)
"""Least and most faults of a run."""
CALM_SHARE: Final = 0.5
CALM_FAULTS: Final = 12
CALM: Final = 0.3
"""Runs with so few faults, besides the rare ones, and by what part they are shorter."""
FAULT_SECONDS: Final = 6.0
"""The faults begin within this time, in which the clients' steps are taken as well."""
SECRET_SHARE: Final = 0.25
"""Clusters whose person gave a secret."""
SHORT_SECONDS: Final = (0.05, 3.0)
LONG_SECONDS: Final = (3.0, 9.0)
"""Least and most that a fault lasts, commonly and now and then."""
LONG_SHARE: Final = 0.1
READDRESS_SHARE: Final = 0.95
"""Clusters of nodes that run by themselves of which some come back at other addresses."""
READDRESS: Final = (2, 5)
"""How many, least and most."""
HAND_OVER_SHARE: Final = 0.3
"""Clusters whose coordinators hand the directory over."""
HAND_OVER_MOST: Final = 2
NODES: Final = (1, 2, 2, 2, 3, 4)
MANY_COPIES_SHARE: Final = 0.07
"""Clusters of more than three copies."""
LOW_SHARE: Final = 0.35
"""Plans for which each further limit is low."""
HALVES: Final = (0, 1, 1, 1)
"""Times that links break amid writes, one of these."""
TAILS_SHARE: Final = 0.9
"""Clusters whose nodes lose the ends of their disks, where no stored record is damaged."""
TAILS: Final = (2, 2, 2, 3)
"""Times that they do, one of these."""
TAIL_WEIGHTS: Final = (4, 5.5, 5)
"""How often one node does, several do, or any with the coordinator dead."""
TAILS_SECONDS: Final = 9.0
"""They begin within this time: some when nothing is written any more."""
REVIVE_SHARE: Final = 0.3
"""Clusters that start their nodes again."""
LARGE_SHARE: Final = 0.1
"""Puts whose value travels in pieces."""
BATCH_SHARE: Final = 0.12
BATCH_MOST: Final = 5
REPEAT_SHARE: Final = 0.4
"""Batches in which a key comes twice."""
WIDE_SHARE: Final = 0.04
WIDE: Final = (2, 16)
"""Batches with further keys in them, and least and most of those."""
SCAN_SHARE: Final = 0.02
ATTACHED_SHARE: Final = 0.2
"""Clients in other processes, attached through the control socket."""
IMPATIENT_SHARE: Final = 0.06
PATIENCE: Final = (0.0, 0.008)
"""Operations whose client does not wait for the end, and how many seconds it waits."""
SEVERED_SHARE: Final = 0.065
"""Operations of attached clients amid which their connection breaks."""


class FaultKind(StrEnum):
    """Everything that is done to a cluster while it is used."""

    KILL = "kill a node"
    PAUSE = "pause a node"
    CUT = "break a node's connections"
    PARTITION = "partition a node"
    DEAF = "lose what is sent to a node"
    MUTE = "lose what a node answers"
    SLOW = "slow a node"
    NODE_CRASH = "crash a node at a write"
    FULL_DISK = "fill a node's disk"
    FAILED_SYNC = "fail a node's sync"
    COMPACT = "compact a node's store, and kill it meanwhile"
    WIPE = "wipe a node"
    FLIP = "flip a bit of a stored record"
    COORDINATOR_KILL = "kill the coordinator"
    COORDINATOR_CRASH = "crash the coordinator at a record"
    SECOND = "start a second coordinator on the same directory"
    STALE_COPY = "start a second coordinator on a copy"
    TAKEOVER = "let another coordinator take over from one that sleeps"
    JOIN = "add a node"
    LEAVE = "remove a node"
    COPIES = "change the number of copies"
    QUORUM = "change the write quorum"
    READS = "change the read mode"
    REBALANCE = "rebalance"
    POLICY = "change the placement policy"
    WEIGHT = "change a node's weight"
    FORCE = "remove a node that is down by force"
    INTRUDER = "ask a node without the secret"
    LOST_STATE = "lose the coordinator's log, and rebuild it from the nodes"
    BURST = "kill the coordinator amid a burst of writes, then a node"
    FULL_LOG = "fill the coordinator's disk"
    STUCK = "remove a node whose directory can't be deleted, and add it again"
    READDRESS = "start a node at another address, and take it back there"
    HAND_OVER = "let a coordinator leave while the next one opens"
    HALVES = "break links amid writes, and read what was written half"
    FORGET = "lose the coordinator's log right after a node fell behind"
    THROTTLE = "move slots while few keys a second may be copied"
    JOIN_WITH_KEYS = "add a node that has keys of its own"
    LEAVE_TO_THE_LAST = "remove all nodes, and add one again"
    TWICE = "write keys twice at once while a node is late, and read them"
    OVERDUE = "kill a node while the others have no room for a note, and write"
    LOST_TAIL = "lose the end of a node's disk"
    LOST_TAILS = "lose the ends of several nodes' disks"
    DARK_TAILS = "lose the ends of nodes' disks while the coordinator is dead"
    UNNAMED = "lose the coordinator's log, and rebuild it without naming a node"
    SLEEPER = "rebuild the log after a sleeper noted more on a node that its successor never reached"
    IN_A_ROW = "let several coordinators take over in a row, and rebuild the log"
    STRANDED = "let requests of a broken connection arrive after the next hello"
    OLD_COPY = "open an old copy of the log while those who know better are out of reach"
    AT_ONCE = "kill several nodes at once amid writes"
    UNSPARED = "change this and that while a node is away that no slot may go on without"
    BURIED = "delete keys while a node is away that holds what they had"
    STORM = "delay and refuse at random while few keys are used much"


TAIL_KINDS: Final = (FaultKind.LOST_TAIL, FaultKind.LOST_TAILS, FaultKind.DARK_TAILS)
WEIGHTS: Final = {
    FaultKind.TAKEOVER: 3.5,
    FaultKind.WIPE: 2,
    FaultKind.FLIP: 3.5,
    FaultKind.KILL: 1.2,
    FaultKind.PAUSE: 1.4,
    FaultKind.CUT: 1.4,
    FaultKind.MUTE: 1.2,
    FaultKind.NODE_CRASH: 1.3,
    FaultKind.COORDINATOR_KILL: 1.3,
    FaultKind.BURST: 1.5,
    FaultKind.SECOND: 1.4,
    FaultKind.LEAVE: 5.2,
    FaultKind.FORCE: 8,
    FaultKind.STUCK: 8.8,
    FaultKind.JOIN: 1.4,
    FaultKind.COPIES: 1.4,
    FaultKind.READS: 1.5,
    FaultKind.REBALANCE: 2.2,
    FaultKind.WEIGHT: 1.4,
    FaultKind.INTRUDER: 2.3,
    FaultKind.STALE_COPY: 2.2,
    FaultKind.FULL_LOG: 1.3,
    FaultKind.COMPACT: 2.1,
    FaultKind.FAILED_SYNC: 1.2,
    FaultKind.COORDINATOR_CRASH: 1.2,
    FaultKind.POLICY: 1.2,
    FaultKind.QUORUM: 1.1,
    FaultKind.LOST_STATE: 1.1,
}
"""How often a kind is chosen beside the others: those that need something to be true, or find much, more often."""


HANGS: Final = frozenset({FaultKind.PAUSE, FaultKind.PARTITION, FaultKind.DEAF, FaultKind.MUTE, FaultKind.SLOW})
"""Kinds that last as long in calm runs: they show who waits for whom."""
RARE: Final = {
    FaultKind.FORGET: 0.62,
    FaultKind.THROTTLE: 0.39,
    FaultKind.JOIN_WITH_KEYS: 1.0,
    FaultKind.LEAVE_TO_THE_LAST: 0.33,
    FaultKind.TWICE: 0.7,
    FaultKind.OVERDUE: 0.7,
    FaultKind.AT_ONCE: 0.36,
    FaultKind.UNSPARED: 0.3,
    FaultKind.BURIED: 0.45,
}
"""Kinds that come besides the others, and the share of plans (where it can be done) that have one."""
SOON: Final = frozenset({FaultKind.TWICE, FaultKind.OVERDUE})
EARLY: Final = 0.2
"""Kinds that need a cluster in which all is well, and within what part of the time they begin."""
STORMS_SHARE: Final = 0.4
"""Plans that begin with storms, while all is well still."""
STORMS: Final = (1, 2, 3)
STORMS_SECONDS: Final = 1.0
"""How many of them, and within what time they begin."""
REBUILT: Final = (FaultKind.UNNAMED, FaultKind.SLEEPER, FaultKind.IN_A_ROW)
REBUILT_SHARE: Final = 0.65
"""Clusters of nodes that run by themselves whose log is rebuilt, in each of these ways."""
OLD_COPY_SHARE: Final = 0.8
"""Of the same clusters, those of which an old copy of the log is opened."""
REBUILT_SECONDS: Final = (FAULT_SECONDS / 2, 1.3 * FAULT_SECONDS)
"""When that begins."""
STRANDED: Final = (0, 0, 1)
"""Connections of a run whose last requests are late."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``at`` seconds from the start, for ``seconds``. ``node`` counts the members of that moment round; ``amount``
    (0..1) is how much of it, ``flag`` one of two ways."""

    kind: FaultKind
    at: float
    seconds: float
    node: int
    amount: float
    flag: bool

    def __str__(self) -> str:
        return f"{self.at:5.2f} s  {self.kind} (node {self.node}, {self.seconds:.2f} s, {self.amount:.2f}, {self.flag})"


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a client, ``pause`` seconds after its last one ended."""

    pause: float
    kind: Kind
    key: int
    large: bool
    more: int = 0
    """So many keys that follow are put, read or deleted with it, as one batch."""
    wide: int = 0
    """So many of the further keys as well."""
    twice: bool = False
    """One of a batch's keys comes twice."""
    scan: bool = False
    """Instead of all this every key is read, page by page."""
    patience: float | None = None
    """Seconds after which the client gives up, whether it was done or not; None: it waits for the end."""
    attached: bool = False
    """The client is in another process, attached to the coordinator's."""
    severed: float | None = None
    """Seconds after which its connection breaks."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run."""

    seed: int
    attached: bool
    """The nodes run by themselves, and outlive coordinators."""
    nodes: int
    replication: int
    slots: int
    policy: str
    quorum: int
    reads: ReadMode
    secret: bool
    """Nodes that run by themselves have one. Strangers come by where nodes have any: those that kvtui starts always do."""
    grace: float
    """Seconds after which a node that is away is replaced; 0: never."""
    revive: bool
    """Nodes that die by themselves are started again, as under ``kvtui serve``."""
    faults: tuple[Fault, ...]
    clients: tuple[tuple[Step, ...], ...]
    low: tuple[str, ...] = ()
    """Further limits that are low, by their names in ``limits.SOMETIMES``."""

    def without_fault(self, number: int) -> "Plan":
        """The same run less one fault."""
        return replace(self, faults=self.faults[:number] + self.faults[number + 1 :])

    def without_client(self, number: int) -> "Plan":
        """The same run with one client idle; the others keep their numbers."""
        return replace(self, clients=(*self.clients[:number], (), *self.clients[number + 1 :]))


def plan(seed: int) -> Plan:
    """The run of a seed."""
    one = _with_tails(_with_rare_ones(_calmed(_with_many_copies(replace(_plan(seed), low=_low(seed))))))
    one = _with_storms(one)
    return _contested(_stormy(replace(one, faults=_with_old_copy(one, _with_stranded(seed, _with_rebuilt(one))))))


def _with_storms(one: Plan) -> Plan:
    """Those, and much at once before much has happened."""
    dice = random.Random(f"storms:{one.seed}")
    if one.nodes < 2 or one.replication < 2 or dice.random() >= STORMS_SHARE:
        return one
    more = [_fault(dice, FaultKind.STORM) for _ in range(dice.choice(STORMS))]
    more = [replace(fault, at=round(fault.at * STORMS_SECONDS / FAULT_SECONDS, 3)) for fault in more]
    return replace(one, faults=_in_order((*one.faults, *more)))


def _stormy(one: Plan) -> Plan:
    """Some have much at once, and few faults, instead of their own."""
    dice = random.Random(f"stormy:{one.seed}")
    if dice.random() >= stormy.SHARE:
        return one
    faults = [_fault(dice, FaultKind[kind]) for kind in stormy.kinds(dice)]
    return replace(
        one,
        nodes=dice.choice(stormy.NODES),
        replication=dice.choice(stormy.COPIES),
        quorum=dice.choice([0, 0, 1, 2]),
        faults=_in_order(replace(fault, seconds=round(stormy.SHORTER * fault.seconds, 3)) for fault in faults),
    )


def _contested(one: Plan) -> Plan:
    """Some have coordinators that contend for the same nodes, which run by themselves, instead of their own faults."""
    dice = random.Random(f"contested:{one.seed}")
    if dice.random() >= contested.SHARE:
        return one
    faults = [_fault(dice, FaultKind[kind]) for kind in contested.kinds(dice)]
    return replace(
        one,
        attached=True,
        revive=False,
        nodes=dice.choice(contested.NODES),
        replication=dice.choice(contested.COPIES),
        quorum=dice.choice([0, 0, 1]),
        faults=_in_order(faults),
    )


def _with_tails(one: Plan) -> Plan:
    """Some lose what they had synced last."""
    dice = random.Random(f"tails:{one.seed}")
    if dice.random() >= TAILS_SHARE or any(fault.kind is FaultKind.FLIP for fault in one.faults):
        return one
    more = [_fault(dice, dice.choices(TAIL_KINDS, TAIL_WEIGHTS)[0]) for _ in range(dice.choice(TAILS))]
    more = [replace(fault, at=round(fault.at * TAILS_SECONDS / FAULT_SECONDS, 3)) for fault in more]
    return replace(one, faults=_in_order((*one.faults, *more)))


def _low(seed: int) -> tuple[str, ...]:
    dice = random.Random(f"low:{seed}")
    return tuple(name for name in SOMETIMES if dice.random() < LOW_SHARE)


def _with_many_copies(one: Plan) -> Plan:
    """Some have more copies than are usual, and nodes for them."""
    dice = random.Random(f"copies:{one.seed}")
    if dice.random() >= MANY_COPIES_SHARE:
        return one
    return replace(one, replication=dice.choice([4, 5]), nodes=5, quorum=dice.choice([0, 0, 1, 3, 4]))


def _plan(seed: int) -> Plan:
    dice = random.Random(f"plan:{seed}")
    replication = dice.choice([1, 2, 2, 3, 3])
    attached = dice.random() < 0.4
    secret = dice.random() < SECRET_SHARE
    # Who runs by itself is taken over, not copied.
    left_out = {
        *([FaultKind.STALE_COPY] if attached else [FaultKind.TAKEOVER]),
        *([] if secret or not attached else [FaultKind.INTRUDER]),
        # They come besides, so that the other faults of a seed stay as they are.
        FaultKind.READDRESS,
        FaultKind.HAND_OVER,
        FaultKind.HALVES,
        *RARE,
        *TAIL_KINDS,
        *REBUILT,
        FaultKind.STRANDED,
        FaultKind.OLD_COPY,
        FaultKind.STORM,
    }
    return Plan(
        seed=seed,
        attached=attached,
        nodes=dice.choice(NODES),
        replication=replication,
        slots=dice.choice([4, 8, 8]),
        policy=dice.choice(["balanced", "balanced", "classic"]),
        quorum=dice.choice([0, 0, 0, dice.randint(1, replication)]),
        reads=dice.choice([ReadMode.STRICT, ReadMode.STRICT, ReadMode.AVAILABLE]),
        secret=secret,
        grace=dice.choice([0.0, 0.0, 2.0]),
        # Of dice of its own, so that all else of a seed stays as it is.
        revive=not attached and random.Random(f"revive:{seed}").random() < REVIVE_SHARE,
        faults=_with_halves(
            seed,
            _with_hand_overs(
                seed, _with_moves(seed, attached, _faults(dice, [kind for kind in FaultKind if kind not in left_out]))
            ),
        ),
        clients=_with_repeats(
            seed,
            _with_habits(
                seed, [_with_batches(seed, client, [_step(dice) for _ in range(STEPS)]) for client in range(CLIENTS)]
            ),
        ),
    )


def _faults(dice: random.Random, kinds: Sequence[FaultKind]) -> tuple[Fault, ...]:
    weights = [WEIGHTS.get(kind, 1) for kind in kinds]
    faults = [_fault(dice, dice.choices(kinds, weights)[0]) for _ in range(dice.randint(*FAULTS))]
    return _in_order(faults)


def _in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: fault.at))


def _fault(dice: random.Random, kind: FaultKind) -> Fault:
    return Fault(
        kind=kind,
        at=round(dice.uniform(0.0, FAULT_SECONDS), 3),
        seconds=round(dice.uniform(*(LONG_SECONDS if dice.random() < LONG_SHARE else SHORT_SECONDS)), 3),
        node=dice.randrange(60),
        amount=dice.random(),
        flag=dice.random() < 0.5,
    )


def _with_moves(seed: int, attached: bool, faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Those, and nodes that come back elsewhere, where nodes run by themselves."""
    dice = random.Random(f"readdress:{seed}")
    if not attached or dice.random() >= READDRESS_SHARE:
        return faults
    more = [_fault(dice, FaultKind.READDRESS) for _ in range(dice.randint(*READDRESS))]
    return _in_order((*faults, *more))


def _with_hand_overs(seed: int, faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Those, and coordinators that hand the directory over."""
    dice = random.Random(f"hand over:{seed}")
    if dice.random() >= HAND_OVER_SHARE:
        return faults
    more = [_fault(dice, FaultKind.HAND_OVER) for _ in range(dice.randint(1, HAND_OVER_MOST))]
    return _in_order((*faults, *more))


def _with_halves(seed: int, faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Those, and writes that reach some of their replicas and not all."""
    dice = random.Random(f"halves:{seed}")
    more = [_fault(dice, FaultKind.HALVES) for _ in range(dice.choice(HALVES))]
    return _in_order((*faults, *more))


def _calmed(one: Plan) -> Plan:
    """Half of them have few faults, and short ones: what takes a whole cluster to begin with is seen there."""
    dice = random.Random(f"calm:{one.seed}")
    if dice.random() >= CALM_SHARE:
        return one
    kept = set(dice.sample(range(len(one.faults)), CALM_FAULTS))
    return replace(
        one,
        faults=tuple(
            each if each.kind in HANGS else replace(each, seconds=round(CALM * each.seconds, 3))
            for number, each in enumerate(one.faults)
            if number in kept or each.kind is FaultKind.HALVES
        ),
    )


def _with_rare_ones(one: Plan) -> Plan:
    """Those, and what needs more than one thing to come together."""
    dice = random.Random(f"rare:{one.seed}")
    impossible = {
        *([] if one.attached else [FaultKind.JOIN_WITH_KEYS]),
        # An old copy of its log, and a log that is rebuilt, know nothing of a cluster whose nodes have all left.
        *([FaultKind.LEAVE_TO_THE_LAST] if one.attached else []),
    }
    more = [_fault(dice, kind) for kind, share in RARE.items() if dice.random() < share and kind not in impossible]
    more = [replace(each, at=round(each.at * EARLY, 3)) if each.kind in SOON else each for each in more]
    return replace(one, faults=_in_order((*one.faults, *more)))


def _with_rebuilt(one: Plan) -> tuple[Fault, ...]:
    """Its faults, and logs that are rebuilt from the nodes, where those run by themselves."""
    dice = random.Random(f"rebuilt:{one.seed}")
    if not one.attached:
        return one.faults
    more = [
        # Most other faults come first: while the log is lost there is nobody to do them to.
        replace(_fault(dice, kind), at=round(dice.uniform(*REBUILT_SECONDS), 3))
        for kind in REBUILT
        if dice.random() < REBUILT_SHARE
    ]
    return _in_order((*one.faults, *more))


def _with_old_copy(one: Plan, faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Those, and an old copy of the log that is opened, where nodes run by themselves."""
    dice = random.Random(f"old copy:{one.seed}")
    if not one.attached or dice.random() >= OLD_COPY_SHARE:
        return faults
    return _in_order((*faults, _fault(dice, FaultKind.OLD_COPY)))


def _with_stranded(seed: int, faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Those, and connections whose last requests are late."""
    dice = random.Random(f"stranded:{seed}")
    more = [_fault(dice, FaultKind.STRANDED) for _ in range(dice.choice(STRANDED))]
    return _in_order((*faults, *more))


def _step(dice: random.Random) -> Step:
    kind = dice.choices([Kind.GET, Kind.PUT, Kind.DELETE], [45, 37, 18])[0]
    return Step(round(dice.uniform(0.0, 0.4), 3), kind, dice.randrange(KEYS), dice.random() < LARGE_SHARE)


def _with_batches(seed: int, client: int, steps: list[Step]) -> tuple[Step, ...]:
    """Some of the steps of a client made steps of several keys."""
    dice = random.Random(f"batches:{seed}:{client}")
    return tuple(
        replace(step, large=False, more=dice.randrange(1, BATCH_MOST)) if dice.random() < BATCH_SHARE else step
        for step in steps
    )


def _with_habits(seed: int, clients: Sequence[tuple[Step, ...]]) -> tuple[tuple[Step, ...], ...]:
    """Those, some of which read everything, write much at once, do not wait, or are in processes of their own. One begins with a
    value for all further keys."""
    dice = random.Random(f"habits:{seed}")
    filling = Step(0.0, Kind.PUT, 0, large=False, wide=FURTHER_KEYS)
    habitual = [((filling, *steps) if not number else steps) for number, steps in enumerate(clients)]
    return tuple(
        tuple(_habitual(dice, step, attached) for step in steps)
        for steps in habitual
        for attached in (dice.random() < ATTACHED_SHARE,)
    )


def _with_repeats(seed: int, clients: Sequence[tuple[Step, ...]]) -> tuple[tuple[Step, ...], ...]:
    """Those, some of whose batches name a key twice."""
    dice = random.Random(f"repeats:{seed}")
    return tuple(
        tuple(replace(step, twice=(step.more or step.wide) > 0 and dice.random() < REPEAT_SHARE) for step in steps)
        for steps in clients
    )


def _habitual(dice: random.Random, step: Step, attached: bool) -> Step:
    lot, hurry, tear = dice.random(), dice.random(), dice.random()
    patience = round(dice.uniform(*PATIENCE), 5)
    wide = dice.randint(*WIDE)
    step = replace(
        step,
        patience=patience if hurry < IMPATIENT_SHARE else None,
        attached=attached,
        severed=patience if attached and tear < SEVERED_SHARE else None,
    )
    if lot < SCAN_SHARE:
        return replace(step, kind=Kind.GET, scan=True)
    return replace(step, wide=step.wide or (wide if lot < SCAN_SHARE + WIDE_SHARE else 0))
