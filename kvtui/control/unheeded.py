"""Options that were given for a new cluster, where there is one already: who opens it is told that they change nothing."""

from collections.abc import Sequence

from kvtui.core.naming import nodes
from kvtui.core.opening import Settings
from kvtui.core.snapshot import ClusterSnapshot


def unheeded_words(options: Sequence[str], settings: Settings, picture: ClusterSnapshot) -> str:
    """Which of the ``options`` ask for another cluster than the one that was opened; or empty. They are in the spelling of whoever
    gave them: ``--nodes``, or ``nodes``."""
    policy, _, vnodes = picture.policy.partition(" ")
    holds = {
        "nodes": settings.nodes == len(picture.nodes),
        "replicas": settings.replication == picture.replication,
        "policy": settings.policy == policy,
        "vnodes": str(settings.vnodes) == vnodes,
    }
    other = [option for option in options if not holds.get(option.lstrip("-"), True)]
    if not other:
        return ""
    copies = f"{picture.replication} {'copy' if picture.replication == 1 else 'copies'} of each key"
    return (
        f"{', '.join(other)} {'changes' if len(other) == 1 else 'change'} nothing: this cluster exists already,"
        f" with {nodes(len(picture.nodes))}, {copies}, {picture.policy}"
    )
