"""Whatever bytes come to the control socket: the holder lets their sender go, and serves everybody else."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.control import wire
from kvtui.core.cluster import Outcome
from tests.control.lab import Lab
from tests.control.test_limits import stranger
from tests.control.test_wire import MESSAGES
from tests.simulation.loop import run_virtual

HELLO = wire.encode(wire.Hello(wire.PROTOCOL, "a stranger")) + b"\n"
VALID = [HELLO + wire.encode_lines([message]) for message in MESSAGES] + [HELLO + wire.encode_lines(MESSAGES)]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Valid bytes with some of them changed, cut out, doubled, or from elsewhere."""
    data = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(max_size=3))
            case 1:
                del data[at : at + draw(st.integers(1, 20))]
            case 2:
                data[at:at] = data[at : at + 40]
            case _:
                data[at:at] = draw(
                    st.sampled_from([b"\n", b"[", b"]", b'"', b"1e999", b"-1", b"null", b"{}", b"\\u0000"])
                )
    return bytes(data)


@settings(max_examples=25, deadline=None)
@given(st.lists(mutated() | st.binary(max_size=200), min_size=8, max_size=8))
def test_no_bytes_stop_the_holder(several: list[bytes]) -> None:
    async def main() -> None:
        lab = Lab(nodes=1)
        holder = await lab.desk("holder")
        guest = await lab.desk("guest")
        for data in several:
            sender = await stranger(lab, greets=False)
            sender.transport.write(data)
            await asyncio.sleep(0.1)
            sender.transport.close()
        await asyncio.sleep(wire.HELLO_SECONDS + 1)
        assert (await guest.session.put(b"k", b"v")).outcome is Outcome.OK
        assert (await holder.session.get(b"k")).value == b"v"
        await guest.leave()
        await holder.leave()

    run_virtual(main)
