"""Attaching to the process that holds a state directory."""

from collections.abc import Callable

from kvtui.control.channel import Channel, TurnedAway
from kvtui.control.remote import BY_HAND, RemoteCluster
from kvtui.control.sockets import Sockets
from kvtui.control.wire import HELLO_SECONDS
from kvtui.core.cluster import ClusterError
from kvtui.core.opening import Settings
from kvtui.core.seams.clock import Clock
from kvtui.core.seams.transport import Unreachable


async def attach(
    settings: Settings, sockets: Sockets, clock: Clock, ended: Callable[[str], None], then: str = BY_HAND
) -> RemoteCluster:
    """Attach to who holds the state directory. ``ended`` is called once, when that is over; ``then`` is what follows, in words.

    Raises Unreachable where nobody answers there, TurnedAway where the holder refuses.
    """
    assert settings.state is not None
    channel = Channel(clock, settings.role)
    await sockets.connect(settings.state, lambda: channel)
    timer = clock.call_later(HELLO_SECONDS, lambda: channel.close(f"no answer within {HELLO_SECONDS:g} s"))
    try:
        first = await channel.greeted
    except TurnedAway:
        raise
    except ClusterError as error:
        raise Unreachable(str(error)) from None
    except BaseException:
        channel.close("left")
        raise
    finally:
        timer.cancel()
    remote = RemoteCluster(channel, first, ended, then)
    if not remote.open:
        # It greeted and left in one breath: nobody was told of that end.
        raise Unreachable(channel.reason)
    return remote
