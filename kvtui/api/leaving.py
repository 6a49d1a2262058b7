"""What a store leaves behind where it can't wait for its end."""

import os

from kvtui.core.cluster import Cluster
from kvtui.core.naming import named


def left_behind(cluster: Cluster) -> str:
    """What goes behind *the store is left*: the nodes that this program started and that still run."""
    picture = cluster.snapshot()
    if picture.attached:
        return ""  # they are another program's
    nodes = [f"{view.id} (process {view.pid})" for view in picture.nodes if _runs(view.pid)]
    return f", with {named(nodes, most=len(nodes))}, until this program ends" if nodes else ""


def _runs(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # it is there, as another user by now
    except OSError:
        return False
    return True
