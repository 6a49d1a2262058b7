"""Nodes give back the space of what was deleted, when a person asks for it; by themselves they do so when it is due."""

from kvtui.core.cluster import ClusterError, Compaction
from kvtui.core.ledger import Ledger
from kvtui.core.link import LinkFull, LinkLost
from kvtui.core.protocol import BAD_REQUEST, ERROR, Compact
from kvtui.notation import brief


class CompactingRoom:
    """Asks nodes to begin, and how far they are."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def compact(self, node: str, *, begin: bool) -> Compaction:
        """As ``Compacts.compact``."""
        remote = self._ledger.nodes.get(node)
        if remote is None:
            raise ClusterError(f"there is no node {brief(node)}; nodes: {', '.join(self._ledger.topology.members)}")
        if remote.link is None:
            raise ClusterError(f"{node} is {remote.state}: start it first")
        try:
            reply = await remote.link.ask(Compact(begin=begin))
        except (LinkLost, LinkFull) as error:
            raise ClusterError(f"{node} did not answer: {error}; what it began goes on") from None
        if reply.status == ERROR:
            older = " (is it of an older version?)" if reply.code == BAD_REQUEST else ""
            raise ClusterError(f"{node}: {reply.msg}{older}")
        done, total, before, now = [*(reply.counts or []), 0, 0, 0, 0][:4]
        return Compaction(node, done, total, before, now)
