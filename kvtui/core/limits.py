"""What a cluster can be asked for, and what it is where nobody asks: the same for command lines, commands and programs."""

from typing import Final

NODES_MOST: Final = 64
"""That a new cluster is made with: later ones join one by one."""
REPLICAS_MOST: Final = 8
"""Most copies of a key."""
VNODES: Final = 64
"""Points of a node of weight 1 on a classic ring."""
VNODES_MOST: Final = 1024
GRACE_SECONDS: Final = 60.0
"""How long a node may stay away before it is replaced."""
GRACE_MOST: Final = 30 * 86_400
