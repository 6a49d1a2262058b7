"""Which of several notes says who holds a slot: what ``kvtui.core.rebuilding`` decides by, slot by slot. Pure decisions.

Coordinators on copies of one log may have gone on apart, each noting on the nodes that it reached. Their *accounts* (the newest
note that was found of each) are gone through by epoch, newest first. One account knows the coordinators before it, and how far
their logs had got when it went on from them. It *speaks* for a slot when every node that it names clean, receiving or returning was
found, by the id of its data and with no lower counter, and none of them **disputes** it: has granted a coordinator that the account
does not know, or noted what the account does not contain. Why that is enough:

- Whoever acknowledged a write counted, at that time, the clean replicas alone; each had granted that coordinator and noted its
  clean set. So if anybody acknowledged a write beyond the account, on its own log, one of the nodes that it names has noted that;
  and if anybody did on another log, all that it still names have granted, or one has noted, what it does not know.
- Who was only to become a clean replica, and by whose own note those are still who they were, or fewer, disputes nothing: before
  it counted, or anybody after it, it would have noted that it does.
- A member that was merely away when the newer coordinator began disputes nothing: it has granted what the account knows. (To
  demand that all have granted the newest one would fall back, after a mere restart, to a table in which who fell behind is clean.)

A dispute is **void** where whoever the disputing node obeys is seen never to have served the slot: some clean replica of that
one's own account never granted it, and its log went on from what the doubted account contains; or it noted nothing on any of the
nodes that have to do with the slot. Not enough is a node that never granted it and is only receiving or returning there: a
coordinator at home serves without that one.

What is left over is lost, and never answered: a node that an account needs is missing or was wiped (what followed may be known to
that one alone, so no older account is asked), all accounts are disputed, or two that do not know each other both speak without any
dispute (a loss was accepted on one side, while the other one went on with what was lost). Where the clean replicas of one of those
are clean by the others as well, they hold whatever anybody acknowledged: that one decides.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from kvtui.core.placement import Placement
from kvtui.core.topology import Topology
from kvtui.core.version import NEVER, Version

Opening = tuple[int, str]
"""(epoch, coordinator)."""


@dataclass(frozen=True, eq=False)
class Account:
    """What a note says, and how far the log had got that it is of."""

    topology: Topology
    noted: Version

    @property
    def opening(self) -> Opening:
        return self.topology.epoch, self.topology.coordinator

    @cached_property
    def _known(self) -> Collection[Opening]:
        return {*self.topology.openings, self.opening}

    def knows(self, opening: Opening) -> bool:
        """Whether that coordinator is the account's own, or one before it. What is older than all that it remembers is."""
        openings = self.topology.openings
        return opening in self._known or bool(openings and opening[0] < openings[0][0])

    def contains(self, noted: Version, coordinator: str) -> bool:
        """Whether the account's log began with all that ``coordinator`` had logged when it was so far."""
        if noted == NEVER:
            return True
        if (noted.epoch, coordinator) == self.opening:
            return noted.seq <= self.noted.seq
        return self.knows((noted.epoch, coordinator)) and not self.topology.outdated_by(noted)

    def needed(self, place: Placement) -> Collection[str]:
        """Whoever may have heard of what came after the account."""
        return place.counted if place.replicas else self.topology.members

    def went_on_from(self, other: "Account") -> bool:
        """Whether this log parts from the ``other`` one where a later coordinator opened a part of what that one contains."""
        parted = [
            (Version(epoch, last), coordinator)
            for epoch, last in self.topology.ends
            for opened, coordinator in self.topology.openings
            if opened == epoch and other.knows((epoch, coordinator))
        ]
        return bool(parted) and all(other.contains(*end) for end in parted)


@dataclass(frozen=True, eq=False)
class Witness:
    """A node that was found whole: whom it obeys, and its own note, if it has one."""

    granted: Opening
    account: Account | None

    def disputes(self, account: Account) -> bool:
        own = self.account
        noted_beyond = own is not None and not account.contains(own.noted, own.topology.coordinator)
        return noted_beyond or not account.knows(self.granted)


class Finding(NamedTuple):
    """What is found of one slot. ``missing``: the members without whom nothing is known; ``disputed``: the accounts contradict each
    other. Neither: ``account`` decides."""

    account: Account
    """Of whoever decides; of whoever can't, the first one."""
    missing: tuple[str, ...] = ()
    disputed: bool = False
    doubtful: tuple[Account, ...] = ()
    """Where nothing is decided: those that may be right."""

    @property
    def decides(self) -> bool:
        return not self.missing and not self.disputed


@dataclass(frozen=True, eq=False)
class Testimony:
    """What all found nodes say together. ``accounts``: newest first, one a coordinator; ``witnesses``: by the id of their data."""

    accounts: Sequence[Account]
    witnesses: Mapping[str, Witness]
    _found: dict[tuple[Placement, ...], Finding] = field(default_factory=dict)

    def of(self, slot: int) -> Finding:
        """What is found of a slot. Equal placements in all accounts are judged once."""
        places = tuple(account.topology.places[slot] for account in self.accounts)
        known = self._found.get(places)
        if known is None:
            known = self._found[places] = self._judged(slot)
        return known

    def _judged(self, slot: int) -> Finding:
        for number, account in enumerate(self.accounts):
            missing = tuple(name for name in self._needed(account, slot) if self._witness(account, name) is None)
            if missing:
                return Finding(account, missing=missing, doubtful=self._apart(number))
            if all(self._is_void(account, witness, slot) for witness in self._disputing(account, slot)):
                others = [other for other in self.accounts[number + 1 :] if not _before(other, account)]
                speaking = [account, *(other for other in others if self._speaks(other, slot))]
                shared = _within_all(speaking, slot)
                if shared is None:
                    return Finding(account, disputed=True, doubtful=(account, *others))
                return Finding(shared)
        return Finding(self.accounts[0], disputed=True, doubtful=tuple(self.accounts))

    def _apart(self, number: int) -> tuple[Account, ...]:
        """Those that may be right where that one can't say: the newer ones, itself, and what it does not contain."""
        doubtful = self.accounts[number]
        older = [other for other in self.accounts[number + 1 :] if not _before(other, doubtful)]
        return (*self.accounts[: number + 1], *older)

    def _needed(self, account: Account, slot: int) -> Collection[str]:
        return account.needed(account.topology.places[slot])

    def _witness(self, account: Account, name: str) -> Witness | None:
        member = account.topology.members.get(name)
        return None if member is None else self.witnesses.get(member.data_id)

    def _all_needed(self, account: Account, slot: int) -> list[Witness] | None:
        """Those that the account needs for the slot; None when one of them is missing."""
        found = [self._witness(account, name) for name in self._needed(account, slot)]
        whole = [witness for witness in found if witness is not None]
        return whole if len(whole) == len(found) else None

    def _disputing(self, account: Account, slot: int) -> Iterator[Witness]:
        return (
            witness
            for witness in self._all_needed(account, slot) or ()
            if witness.disputes(account) and not self._never_counted(account, witness, slot)
        )

    def _never_counted(self, account: Account, witness: Witness, slot: int) -> bool:
        """Whether the witness was only to become a clean replica, and as far as it noted nobody had become one."""
        clean = _clean(account, slot)
        still = frozenset() if witness.account is None else _clean(witness.account, slot)
        return bool(still) and still <= clean and self._data_of(witness) not in clean

    def _data_of(self, witness: Witness) -> str:
        return next(data_id for data_id, other in self.witnesses.items() if other is witness)

    def _speaks(self, account: Account, slot: int) -> bool:
        """Whether nobody is missing for it, and nobody disputes it."""
        return self._all_needed(account, slot) is not None and not any(self._disputing(account, slot))

    def _is_void(self, account: Account, witness: Witness, slot: int) -> bool:
        """Whether what the witness knows beyond the account can't have to do with the slot."""
        if account.knows(witness.granted):
            return False
        newer = next((other for other in self.accounts if other.opening == witness.granted), None)
        if newer is None:
            return self._nobody_noted(account, witness, slot)
        own = witness.account
        if own is not None and not newer.contains(own.noted, own.topology.coordinator):
            return False
        if self._all_needed(newer, slot) is None or not newer.went_on_from(account):
            return False
        clean = (self._witness(newer, name) for name in newer.topology.places[slot].clean)
        return any(other is not None and account.knows(other.granted) for other in clean)

    def _nobody_noted(self, account: Account, first: Witness, slot: int) -> bool:
        """Whether whoever ``first`` obeys noted nothing on any node that had to do with the slot, as far as those know themselves:
        who serves a slot has noted it on one of them."""
        asked: list[Account] = []
        waiting = [first]
        while waiting:
            own = waiting.pop().account
            if own is None or not account.contains(own.noted, own.topology.coordinator):
                return False
            if own in asked:
                continue
            asked.append(own)
            others = self._all_needed(own, slot)
            if others is None:
                return False
            waiting += others
        return True


def _clean(account: Account, slot: int) -> frozenset[str]:
    """The clean replicas, by the ids of their data."""
    members = account.topology.members
    return frozenset(members[name].data_id for name in account.topology.places[slot].clean if name in members)


def _within_all(accounts: Sequence[Account], slot: int) -> Account | None:
    """The account whose clean replicas are clean by all of them: those hold whatever was acknowledged, on whichever side."""
    clean = [_clean(account, slot) for account in accounts]
    least = min(range(len(accounts)), key=lambda number: len(clean[number]))
    one_alone = len(accounts) == 1
    return accounts[least] if one_alone or (clean[least] and all(clean[least] <= other for other in clean)) else None


def _before(one: Account, other: Account) -> bool:
    return other.contains(one.noted, one.topology.coordinator)
