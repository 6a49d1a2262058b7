"""Each promise broken, in the ways that come to mind."""

from collections.abc import Callable, Sequence

from msgspec import structs

from kvtui.core import catch_up, graves, mover, reads, topology, work, writes
from kvtui.core.authentication import Secret
from kvtui.core.catch_up import Peer
from kvtui.core.cluster import Outcome
from kvtui.core.ledger import Ledger
from kvtui.core.metadata_log import MetadataLog
from kvtui.core.notes import Notes
from kvtui.core.pending_write import PendingWrite
from kvtui.core.placement import Placement
from kvtui.core.protocol import Clear, Hello, Reply, Request
from kvtui.core.records import LossAccepted, Record, Runs
from kvtui.core.routes import Route, Routes
from kvtui.core.version import Version
from kvtui.node import gate, service, slots, store
from kvtui.node import membership as node_membership
from kvtui.node.membership import Authority
from kvtui.node.membership import Membership as Own
from kvtui.node.record import _VALUE_AT
from tests.simulation.bugs.others import copy_once, merge_instead_of_equalising, rebalancing_without_versions
from tests.simulation.disks import GuardedEngine
from tests.simulation.engine import FaultyDisk

# 1. Versions.


def a_restarted_coordinator_gives_old_versions_again() -> None:
    """promise 1: the epoch does not rise with each coordinator, and its numbers begin anew."""

    def next_version(self: Ledger, keys: int = 1) -> Version:
        first = self.seq + 1
        self.seq += keys
        return Version(1, first)

    Ledger.next_version = next_version


def the_coordinators_numbers_jump_back() -> None:
    """promise 1: versions come from a clock that is set back."""
    given = Ledger.next_version

    def next_version(self: Ledger, keys: int = 1) -> Version:
        version = given(self, keys)
        return Version(version.epoch, version.seq + 1000 * (self.seq // 40 % 2 == 0))

    Ledger.next_version = next_version


# 2. Clean sets and quorums.


def acknowledged_by_one_is_enough() -> None:
    """promise 2: a write counts once any replica has it, whoever else is clean."""

    def outcome(self: writes.Writes, write: PendingWrite, noted: bool) -> Outcome:
        return Outcome.OK if write.acknowledged else Outcome.UNKNOWN

    writes.Writes._outcome = outcome


def the_last_clean_copy_may_go() -> None:
    """promise 2: a clean set shrinks as far as it likes."""
    topology.may_shrink = lambda clean, replicas, wanted=0: clean > 0  # type: ignore[attr-defined]


def whoever_is_behind_answers_too() -> None:
    """promise 2: reads go to any replica that can be reached, flagged or not."""
    of = Routes.of

    def everyone(self: Routes, place: Placement, quorum: int) -> Route:
        route = of(self, place, quorum)
        clean = self._hops(place.replicas)
        return Route(clean[::-1], route.missing, route.followers, route.behind, route.least)

    Routes.of = everyone


def silence_is_agreement() -> None:
    """promise 2: a replica whose connection broke counts as one that stored the write: a hint counts towards W."""
    feed = PendingWrite.feed

    def trusting(self: PendingWrite, node: str, reply: Reply | None, now: float) -> bool:
        return feed(self, node, Reply(status="ok") if reply is None else reply, now)

    PendingWrite.feed = trusting
    Ledger.exclude = lambda self, node, runs: None


def who_fell_behind_is_remembered_in_memory_only() -> None:
    """promise 2: who missed a write is not logged before it is acknowledged, and is clean again after a restart."""
    exclude = Ledger.exclude

    def forgetful(self: Ledger, node: str, runs: Runs) -> None:
        log = self._log
        apply, self._log = log._engine.apply, log
        log._engine.apply = lambda batch: None
        try:
            exclude(self, node, runs)
        finally:
            log._engine.apply = apply

    Ledger.exclude = forgetful
    _nothing_is_verified()


def who_fell_behind_is_in_the_log_alone() -> None:
    """promise 2: who may answer is not noted on the remaining members, and is forgotten with the log."""
    Notes._concerned = lambda self, records: set()


# 3. Three outcomes.


def unknown_is_called_failed() -> None:
    """promise 3: a write that nobody answered is said to have failed."""
    outcome = writes.Writes._outcome

    def certain(self: writes.Writes, write: PendingWrite, noted: bool) -> Outcome:
        ended = outcome(self, write, noted)
        return Outcome.FAILED if ended is Outcome.UNKNOWN else ended

    writes.Writes._outcome = certain


def an_unknown_write_is_not_suspected() -> None:
    """promise 3: after a write of unknown outcome, one replica is asked as if nothing had happened."""
    Ledger.suspect_key = lambda self, key, slot, version: None


def what_was_read_is_not_written_back() -> None:
    """promise 3: the newest of differing answers is given, and the others stay as they are."""

    async def nothing(
        self: reads.Reads, hop: object, key: bytes, read: object, trace: object, patience: object
    ) -> bool:
        return True

    reads.Reads._write_back = nothing


def _nothing_is_verified() -> None:
    began = Ledger.__init__

    def init(
        self: Ledger,
        log: MetadataLog,
        on_stop: Callable[[str], None] = lambda reason: None,
        on_space: Callable[[str], None] = lambda reason: None,
        *,
        home: str = "",
    ) -> None:
        began(self, log, on_stop, on_space, home=home)
        self.unverified = bytearray(len(self.unverified))

    Ledger.__init__ = init


def a_restarted_coordinator_trusts_all_replicas() -> None:
    """promise 3: after a restart, replicas are not compared before one of them is believed."""
    _nothing_is_verified()


# 4. Recovery.


def recovery_merges() -> None:
    """promise 4: who was away keeps what the others never acknowledged."""
    merge_instead_of_equalising()
    _digests_never_differ()


def _digests_never_differ() -> None:
    async def equal(peers: Sequence[Peer], start: int, stop: int) -> list[list[int]]:
        return [[0] * (stop - start) for _ in peers]

    mover.digests_of = equal  # type: ignore[attr-defined]


def recovery_ends_before_it_is_verified() -> None:
    """promise 4: a node that was away is clean again without a look at what it holds."""
    _digests_never_differ()


def a_lost_tail_goes_unnoticed() -> None:
    """promise 4: a disk loses what it said it had synced, and nobody compares write counters."""
    from kvtui.core import supervisor

    def judge(self: object, node: object, known: object) -> None:
        return None

    supervisor.Supervisor._judge_tail = judge
    crash = FaultyDisk.crash

    def lose(self: FaultyDisk) -> None:
        crash(self)
        del self._synced[max(4, len(self._synced) - 2) :]

    FaultyDisk.crash = lose


# 5. Tombstones.


def a_tombstone_goes_before_all_confirmed() -> None:
    """promise 5: tombstones are purged while a replica is away, which brings the value back when it merges what it has."""
    graves.eligible = work.eligible = lambda place, target: bool(place.clean)  # type: ignore[attr-defined]
    merge_instead_of_equalising()
    _recovery_merges_both_ways()


def _recovery_merges_both_ways() -> None:
    async def both_ways(self: mover.Mover, source: Peer, target: Peer, piece: work.Work) -> None:
        await self._catch_up(source, target).merge(piece.start, piece.stop)
        await self._catch_up(target, source).merge(piece.start, piece.stop)

    copy_once(both_ways)


def an_older_request_is_still_heard() -> None:
    """promise 5: requests of superseded sessions are carried out, after all that came since; replicas keep the last."""
    answer = service.Service.answer

    def any_session(self: service.Service, peer: service.Peer, request: Request) -> Reply:
        if peer.authority is not None:
            peer.authority = self._authority
        return answer(self, peer, request)

    service.Service.answer = any_session
    rebalancing_without_versions()


# 6. Moves.


def a_range_is_cut_over_before_it_is_copied() -> None:
    """promise 6: the newcomer serves at once, and copies later."""

    async def fill(
        self: mover.Mover,
        piece: work.Work,
        targets: object,
        finish: Callable[[Placement], list[Record]],
        compared: object = None,
    ) -> None:
        self._ledger.append(*finish(self._place(piece)))

    mover.Mover._fill = fill


def the_old_owner_is_emptied_first() -> None:
    """promise 6: the source is cleared while the newcomer still copies."""
    move = mover.Mover._move

    async def hasty(self: mover.Mover, piece: work.Work) -> None:
        for node in self._place(piece).clean[:1]:
            name, link = self._peer(node)
            await catch_up.ask(name, link, Clear(start=piece.start, stop=piece.stop))
        await move(self, piece)

    mover.Mover._move = hasty


def writes_during_a_move_go_to_the_old_owner_alone() -> None:
    """promise 6: a newcomer gets no writes while it copies, and is believed without a comparison."""
    Placement.followers = property(lambda self: self.behind)  # type: ignore[assignment]
    equal = catch_up.digests_of

    async def first_round(peers: Sequence[Peer], start: int, stop: int) -> list[list[int]]:
        digests = await equal(peers, start, stop)
        return [digests[0] for _ in digests] if any(digests[-1]) else digests

    mover.digests_of = first_round  # type: ignore[attr-defined]
    mover.Mover._still = lambda self, place, peers, counted: True


# 7. Losses.


def a_loss_is_accepted_by_itself() -> None:
    """promise 7: a slot whose last clean copy is gone is served from what is left, and nobody was asked."""
    append = Ledger.append

    def accepting(self: Ledger, *records: Record) -> None:
        append(self, *records)
        for start, stop in self.topology.lost:
            for slot in range(start, stop):
                append(self, LossAccepted(slot, slot + 1, self.topology.places[slot].replicas))

    Ledger.append = accepting


# 8. One writer.


def nodes_obey_any_coordinator() -> None:
    """promise 8: a node does not look at epochs: who was replaced goes on writing."""

    def admit(own: Own, hello: Hello, last: Authority | None, held: int) -> Own:
        wanted = structs.replace(hello, join=True)
        fresh = Own(data_id=own.data_id, slots=own.slots)
        if own.cluster:
            return own
        return admitted(fresh, wanted, None, 0)

    def any_authority(self: service.Service, peer: service.Peer, request: Request) -> Reply:
        if peer.authority is not None:
            peer.authority = self._authority
        return answer(self, peer, request)

    admitted, answer = node_membership.admit, service.Service.answer
    service.admit = admit  # type: ignore[attr-defined]
    service.Service.answer = any_authority
    from kvtui.core import supervisor

    supervisor.Supervisor.check_log = lambda self, node, facts: None


def an_old_log_is_believed() -> None:
    """promise 8: a coordinator on an old copy of the log goes by it, whatever the nodes have seen since."""
    from kvtui.core import supervisor

    supervisor.Supervisor.check_log = lambda self, node, facts: None
    supervisor.Supervisor._check_left = lambda self, node, facts: None
    began = Ledger.__init__

    def init(
        self: Ledger,
        log: MetadataLog,
        on_stop: Callable[[str], None] = lambda reason: None,
        on_space: Callable[[str], None] = lambda reason: None,
        *,
        home: str = "",
    ) -> None:
        began(self, log, on_stop, on_space, home=home)
        self.cautious = False

    Ledger.__init__ = init


def being_fenced_is_a_failed_replica() -> None:
    """promise 8: who is refused as fenced drops the node that refused, and goes on with the others."""
    feed = PendingWrite.feed

    def deaf(self: PendingWrite, node: str, reply: Reply | None, now: float) -> bool:
        return feed(self, node, None if reply is not None and reply.status == "error" else reply, now)

    PendingWrite.feed = deaf
    Ledger.stop = lambda self, reason: None


# 9. Durable.


def a_failed_sync_is_ignored() -> None:
    """promise 9: the node goes on after a sync that failed, as if it had not."""
    from kvtui.core.seams.storage import Batch, EngineFailed

    write = FaultyDisk.write

    def ignoring(self: FaultyDisk, batch: Batch) -> None:
        try:
            write(self, batch)
        except EngineFailed:
            return

    FaultyDisk.write = ignoring


def a_full_disk_is_ignored() -> None:
    """promise 9: what did not fit is acknowledged all the same."""
    from kvtui.core.seams.storage import EngineFull

    commit = store.Store.commit

    def ignoring(self: store.Store) -> None:
        try:
            commit(self)
        except EngineFull:
            return

    store.Store.commit = ignoring


def what_does_not_fit_into_the_log_is_done_all_the_same() -> None:
    """promise 2: where the log is full, a node that was lost is taken for behind although nothing says so."""
    from kvtui.core.topology import apply

    record = Ledger.record

    def recording(self: Ledger, *records: Record) -> bool:
        if not record(self, *records) and self.full:
            for each in records:
                self.topology = apply(self.topology, each)
            self.stir()
        return True

    Ledger.record = recording


def checksums_are_not_looked_at() -> None:
    """promise 9: a flipped bit is served as it lies on the disk."""

    def fine(where: bytes, record: bytes) -> bool:
        return len(record) >= _VALUE_AT

    store.sound = fine  # type: ignore[attr-defined]
    slots.sound = fine  # type: ignore[attr-defined]


def the_directory_is_let_go_before_its_end_is_noted() -> None:
    """promise 8: who opens while another one closes works beside a note of how the files were, and is refused after a kill."""

    def close(self: GuardedEngine) -> None:
        if self._machine.alive:
            self._engine.close()
            self._release()
            self._machine.on_end(lambda orderly: self._note_end() if orderly else None)

    GuardedEngine.close = close


# 10. Closed.


def any_secret_opens_the_gate() -> None:
    """promise 10: a proof is not compared with what it should be."""
    Secret.proves = lambda self, given, role, place, asked, answered: True


def nobody_is_asked_for_the_secret() -> None:
    """promise 10: who sends a request instead of a proof is answered."""
    hear = gate.Guard.hear

    def trusting(self: gate.Guard, data: bytes) -> gate.Heard:
        return hear(self, data) if b'"challenge"' in data or b'"prove"' in data else gate.Heard(rest=data)

    gate.Guard.hear = trusting


BUGS = (
    a_restarted_coordinator_gives_old_versions_again,
    the_coordinators_numbers_jump_back,
    acknowledged_by_one_is_enough,
    the_last_clean_copy_may_go,
    whoever_is_behind_answers_too,
    silence_is_agreement,
    who_fell_behind_is_remembered_in_memory_only,
    who_fell_behind_is_in_the_log_alone,
    unknown_is_called_failed,
    an_unknown_write_is_not_suspected,
    what_was_read_is_not_written_back,
    a_restarted_coordinator_trusts_all_replicas,
    recovery_merges,
    recovery_ends_before_it_is_verified,
    a_lost_tail_goes_unnoticed,
    a_tombstone_goes_before_all_confirmed,
    an_older_request_is_still_heard,
    a_range_is_cut_over_before_it_is_copied,
    the_old_owner_is_emptied_first,
    writes_during_a_move_go_to_the_old_owner_alone,
    a_loss_is_accepted_by_itself,
    nodes_obey_any_coordinator,
    an_old_log_is_believed,
    being_fenced_is_a_failed_replica,
    a_failed_sync_is_ignored,
    a_full_disk_is_ignored,
    what_does_not_fit_into_the_log_is_done_all_the_same,
    checksums_are_not_looked_at,
    the_directory_is_let_go_before_its_end_is_noted,
    any_secret_opens_the_gate,
    nobody_is_asked_for_the_secret,
)
