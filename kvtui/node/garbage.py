"""When a node gives back the space of what was replaced or removed, and how fast: pure decisions.

Entries that were overwritten, deleted, purged or cleared stay in the engine's files until these are rewritten, which costs
about as much as writing again everything that remains.
"""

from typing import Final

LEAST_BYTES: Final = 512 * 1024
"""Less garbage is left where it is: it is not worth a look."""
FOLDED_SHARE: Final = 4
"""What a store keeps account of is written anew before a compaction, where it takes more than this part of that."""
IDLE_SHARE: Final = 4
"""Without clients: due when garbage is more than this part of what remains."""
BUSY_LEAST: Final = 32
"""While there are clients, so many times as much is left."""
BUSY_SHARE: Final = 1
"""While there are clients: due when garbage is as much as what remains, so that it costs no more than the writes that made it."""
IDLE_SECONDS: Final = 3.0
"""Without clients: no request but a few, such as heartbeats, for so long."""
BUSY_TURNS: Final = 20.0
"""Turns of the loop with requests, a second, above which there are clients."""
PIECE_BYTES: Final = 256 * 1024 * 1024
"""Files of more than that are rewritten in pieces. A piece takes the upper levels of the engine's files along, so that many small
ones would cost far more than one."""
PAUSE_SHARE: Final = 4
"""While there are clients, the next piece begins so many times as late after the last one as that took."""
REST_SHARE: Final = 20
"""And the next compaction so many times as late."""
RETRY_SECONDS: Final = 15.0
"""One that failed, or had too little space, is tried again after so long."""


def due(garbage: int, held: int, quiet: float, *, least: int = LEAST_BYTES) -> bool:
    """Whether it is time: with ``garbage`` bytes that could be given back by a store that holds ``held``, and no clients for
    ``quiet`` seconds. Below ``least`` it never is."""
    if garbage < least:
        return False
    if quiet >= IDLE_SECONDS:
        return garbage * IDLE_SHARE > held
    return garbage >= max(BUSY_LEAST * least, BUSY_SHARE * held)


def pieces(disk: int) -> int:
    """Into how many pieces files of ``disk`` bytes are cut."""
    return max(1, -(-disk // PIECE_BYTES))


def pause(took: float, quiet: float, *, last: bool) -> float:
    """Seconds until the next piece may begin after one that ``took`` so many, or the next compaction after the ``last`` piece."""
    if quiet >= IDLE_SECONDS:
        return 0.0
    return took * (REST_SHARE if last else PAUSE_SHARE)
