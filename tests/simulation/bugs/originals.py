"""Bugs of the C++ original, as they would look here."""

from collections.abc import Callable
from pathlib import Path

from kvtui.core import catch_up, link, membership, metadata_log, reads, value_transfer, writes
from kvtui.core.cluster import Outcome
from kvtui.core.local_processes import LocalProcesses
from kvtui.core.protocol import PutMany, Scan
from kvtui.core.records import Forgotten, Planned
from kvtui.core.remote_node import RemoteNode
from kvtui.core.seams.launcher import NodeSpec
from kvtui.core.seams.storage import Batch
from kvtui.core.version import Version


def one_data_directory_for_all_nodes() -> None:
    """original 1: every node started in one directory shares its data."""
    shared = Path("shared")

    def spec(self: LocalProcesses, node: RemoteNode, port: int | None = None) -> NodeSpec:
        return NodeSpec(node.id, node.host, node.port if port is None else port, shared, self._secret)

    LocalProcesses._spec = spec


def the_stale_copy_overwrites_the_newer() -> None:
    """original 2: whatever a returning node dumps is put again, as if it were new."""

    async def equalise(self: catch_up.CatchUp, start: int, stop: int) -> frozenset[bytes]:
        request = Scan(start=start, stop=stop, limit=catch_up.PAGE, values=True)
        reply = await catch_up.ask(self._target, self._to, request)
        entries = [entry for entry in reply.entries or [] if entry.value is not None]
        again = [type(entry)(entry.key, _newer(entry.version), entry.size, entry.value) for entry in entries]
        if again:
            await catch_up.ask(self._source, self._from, PutMany(entries=again))
        await self.merge(start, stop)
        return frozenset()

    def _newer(version: Version) -> Version:
        return Version(version.epoch + 50, version.seq)

    catch_up.CatchUp.equalise = equalise


def the_leaver_is_forgotten_before_its_data_moved() -> None:
    """original 3: removenode forgets the node first and moves its data never."""

    def begin_to_leave(self: membership.Membership, name: str) -> None:
        planned = self._ledger.topology.planned
        self._ledger.append(Planned(planned.leave(name).to_record()), Forgotten(name))
        self._ledger.nodes.pop(name)

    membership.Membership._begin_to_leave = begin_to_leave


def a_put_that_failed_everywhere_is_fine() -> None:
    """original 4: put reports nothing wrong when every replica failed."""

    def outcome(self: writes.Writes, write: object, noted: bool) -> Outcome:
        return Outcome.OK

    writes.Writes._outcome = outcome


def a_large_value_is_cut() -> None:
    """original 6: one read of a buffer is all there is of a value."""
    fetch = value_transfer.fetch_value

    async def cut(
        link: link.Link, key: bytes, version: Version, size: int, progressed: Callable[[], None] = lambda: None
    ) -> bytes:
        return (await fetch(link, key, version, size, progressed))[:300]

    reads.fetch_value = cut  # type: ignore[attr-defined]


def the_log_is_rewritten_in_place() -> None:
    """original 7: compaction truncates the log, then writes it anew; a crash between the two loses all of it."""
    metadata_log.COMPACT_RECORDS = 0  # type: ignore[misc]
    compact_if_long = metadata_log.MetadataLog._compact_if_long

    def compact(self: metadata_log.MetadataLog) -> None:
        apply = self._engine.apply

        def in_two_steps(batch: Batch) -> None:
            apply(Batch(cleared=list(batch.cleared)))
            apply(Batch(changes=list(batch.changes)))

        self._engine.apply = in_two_steps
        try:
            compact_if_long(self)
        finally:
            self._engine.apply = apply

    metadata_log.MetadataLog._compact_if_long = compact


def a_hung_node_blocks_everybody() -> None:
    """original 8: who waits for a hung node waits for as long as it hangs."""
    link.SILENT_SECONDS = 1e9  # type: ignore[misc]
    writes.DEADLINE_SECONDS = 1e9  # type: ignore[misc]
    reads.DEADLINE_SECONDS = 1e9  # type: ignore[attr-defined]


BUGS = (
    one_data_directory_for_all_nodes,
    the_stale_copy_overwrites_the_newer,
    the_leaver_is_forgotten_before_its_data_moved,
    a_put_that_failed_everywhere_is_fine,
    a_large_value_is_cut,
    the_log_is_rewritten_in_place,
    a_hung_node_blocks_everybody,
)
