"""Simulated streams: what asyncio promises of a transport, and every fault that a network has."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from kvtui.core.seams.transport import CONNECT_SECONDS, CannotListen, Transport, Unreachable
from tests.simulation.loop import run_virtual
from tests.simulation.machine import Machine
from tests.simulation.other_processes import printed
from tests.simulation.seeds import seeded
from tests.simulation.stream import WINDOW_BYTES
from tests.simulation.transport import SimNetwork, SimTransport

ROOT = Path(__file__).parents[2]
PORT = 7001


class Recorder(asyncio.Protocol):
    """Notes what its stream told it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.data = b""
        self.chunks: list[int] = []
        self.calls: list[str] = []
        self.error: Exception | None = None
        self.keep_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.calls.append("made")

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.chunks.append(len(data))

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return self.keep_open

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append("lost")
        self.error = exc


class Pair:
    """Two machines, ``a`` connected to ``b``."""

    def __init__(self, seed: int = 0, make: Callable[[], Recorder] = Recorder) -> None:
        self.network = SimNetwork(seed)
        self.machines = {name: Machine(name) for name in "ab"}
        self.a, self.b = (self.network.transport(machine) for machine in self.machines.values())
        self.accepted: list[Recorder] = []
        self.client = Recorder()
        self._make = make

    async def listen(self) -> None:
        await self.b.listen("127.0.0.1", PORT, self.accept)

    async def open(self) -> "Pair":
        await self.listen()
        await self.a.connect("127.0.0.1", PORT, lambda: self.client)
        await asyncio.sleep(0.01)
        return self

    def accept(self) -> Recorder:
        self.accepted.append(self._make())
        return self.accepted[-1]

    @property
    def server(self) -> Recorder:
        return self.accepted[0]


def test_both_seams_are_one_protocol() -> None:
    async def main() -> None:
        transport: Transport = SimNetwork().transport(Machine("a"))
        assert isinstance(transport, SimTransport)

    run_virtual(main)


@seeded(20)
def test_bytes_arrive_whole_and_in_order_in_other_pieces(seed: int) -> None:
    async def main() -> tuple[bytes, list[int]]:
        pair = await Pair(seed).open()
        for number in range(200):
            pair.client.transport.write(b"%d," % number)
            if number % 10 == 0:
                await asyncio.sleep(0.001)
        pair.client.transport.writelines([b"the", b" ", b"end"])
        await asyncio.sleep(1)
        return pair.server.data, pair.server.chunks

    data, chunks = run_virtual(main, seed=seed)
    assert data == b"".join(b"%d," % number for number in range(200)) + b"the end"
    assert 1 < len(chunks) < 201


def test_the_ends_know_each_other() -> None:
    async def main() -> None:
        pair = await Pair().open()
        assert pair.client.transport.get_extra_info("peername") == ("127.0.0.1", PORT)
        assert pair.server.transport.get_extra_info("sockname") == ("127.0.0.1", PORT)
        assert pair.server.transport.get_extra_info("peername") == pair.client.transport.get_extra_info("sockname")
        assert pair.client.transport.get_extra_info("cipher", "none") == "none"

    run_virtual(main)


def test_close_delivers_what_was_written_then_ends_both() -> None:
    async def main() -> None:
        pair = await Pair().open()
        pair.client.transport.write(b"x" * 1_000_000)
        pair.client.transport.close()
        assert pair.client.transport.is_closing()
        pair.client.transport.write(b"too late")
        await asyncio.sleep(1)
        assert pair.server.data == b"x" * 1_000_000
        assert pair.server.calls == ["made", "eof", "lost"]
        assert pair.client.calls == ["made", "pause", "resume", "lost"]
        assert (pair.client.error, pair.server.error, pair.network.connections) == (None, None, [])

    run_virtual(main)


def test_write_eof_leaves_the_other_way_open() -> None:
    def keeps_open() -> Recorder:
        recorder = Recorder()
        recorder.keep_open = True
        return recorder

    async def main() -> None:
        pair = await Pair(make=keeps_open).open()
        assert pair.client.transport.can_write_eof()
        pair.client.transport.write(b"question")
        pair.client.transport.write_eof()
        await asyncio.sleep(0.1)
        assert pair.server.calls == ["made", "eof"]
        pair.server.transport.write(b"answer")
        pair.server.transport.close()
        await asyncio.sleep(0.1)
        assert (pair.server.data, pair.client.data) == (b"question", b"answer")
        assert pair.client.calls == ["made", "eof", "lost"]

    run_virtual(main)


def test_an_aborted_stream_loses_its_tail_in_several_ways() -> None:
    async def main(seed: int) -> tuple[bytes, bool]:
        pair = await Pair(seed).open()
        for number in range(10):
            pair.client.transport.write(b"%d" % number)
        pair.client.transport.abort()
        await asyncio.sleep(1)
        assert pair.client.calls == ["made", "lost"]
        assert pair.server.calls[-1] == "lost"
        return pair.server.data, pair.server.error is None

    outcomes = {run_virtual(main, seed, seed=seed) for seed in range(40)}
    assert all(b"0123456789".startswith(data) for data, _ in outcomes)
    assert (b"0123456789", True) in outcomes
    assert len({data for data, orderly in outcomes if not orderly}) > 3
    assert all(data == b"0123456789" for data, orderly in outcomes if orderly)


def test_a_reader_that_pauses_pauses_the_writer() -> None:
    async def main() -> None:
        pair = await Pair().open()
        pair.server.transport.pause_reading()
        pair.client.transport.set_write_buffer_limits(high=1000)
        pair.client.transport.write(b"x" * WINDOW_BYTES)
        assert (pair.client.calls, pair.client.transport.get_write_buffer_size()) == (["made"], 0)
        pair.client.transport.write(b"y" * 1001)
        await asyncio.sleep(1)
        assert (pair.client.calls, pair.client.transport.get_write_buffer_size()) == (["made", "pause"], 1001)
        assert pair.server.data == b""
        pair.server.transport.resume_reading()
        await asyncio.sleep(1)
        assert pair.server.data == b"x" * WINDOW_BYTES + b"y" * 1001
        assert pair.client.calls == ["made", "pause", "resume"]

    run_virtual(main)


def test_a_reader_that_pauses_still_learns_that_its_stream_broke() -> None:
    async def main() -> None:
        pair = await Pair().open()
        pair.server.transport.pause_reading()
        pair.server.transport.write(b"x" * 2 * WINDOW_BYTES)
        pair.client.transport.pause_reading()
        pair.network.cut("a", "b")
        await asyncio.sleep(1)
        assert pair.server.calls == ["made", "pause", "lost"]
        assert isinstance(pair.server.error, ConnectionResetError)

    run_virtual(main)


def test_writing_to_an_end_that_closed_breaks_the_stream() -> None:
    async def main() -> None:
        pair = await Pair().open()
        pair.client.keep_open = True
        pair.server.transport.close()
        await asyncio.sleep(0.1)
        assert pair.client.calls == ["made", "eof"]
        pair.client.transport.write(b"hello?")
        await asyncio.sleep(0.1)
        assert pair.client.calls == ["made", "eof", "lost"]
        assert isinstance(pair.client.error, ConnectionResetError)

    run_virtual(main)


def test_an_error_of_a_protocol_ends_its_stream_and_the_run() -> None:
    class Faulty(Recorder):
        def data_received(self, data: bytes) -> None:
            raise ValueError("bad bytes")

    async def main() -> None:
        pair = await Pair(make=Faulty).open()
        pair.client.transport.write(b"x")
        await asyncio.sleep(1)
        assert pair.client.calls[-1] == "lost"

    with pytest.raises(ExceptionGroup) as caught:
        run_virtual(main)
    assert str(caught.value.exceptions[0]) == "bad bytes"


def test_addresses_are_taken_refused_and_given() -> None:
    async def main() -> None:
        pair = Pair()
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:7001 can't be reached: Connection refused"):
            await pair.a.connect("127.0.0.1", PORT, Recorder)
        listener = await pair.b.listen("localhost", PORT, Recorder)
        with pytest.raises(CannotListen, match=r"127\.0\.0\.1:7001: Address already in use"):
            await pair.a.listen("127.0.0.1", PORT, Recorder)
        with pytest.raises(CannotListen, match="70000"):
            await pair.a.listen("127.0.0.1", 70_000, Recorder)
        ports = {(await pair.a.listen("127.0.0.1", 0, Recorder)).address[1] for _ in range(10)}
        assert len(ports - {0, PORT}) == 10
        listener.close()
        listener.close()
        with pytest.raises(Unreachable):
            await pair.a.connect("localhost", PORT, Recorder)

    run_virtual(main)


def test_a_listener_that_closes_keeps_its_streams() -> None:
    async def main() -> bytes:
        pair = Pair()
        listener = await pair.b.listen("127.0.0.1", PORT, pair.accept)
        await pair.a.connect("127.0.0.1", PORT, lambda: pair.client)
        listener.close()
        pair.client.transport.write(b"still here")
        await asyncio.sleep(0.1)
        return pair.server.data

    assert run_virtual(main) == b"still here"


def test_a_cut_ends_both_ends_with_an_error() -> None:
    async def main() -> None:
        pair = await Pair().open()
        assert pair.network.cut("c") == 0
        assert pair.network.cut("b", "a") == 1
        await asyncio.sleep(0.1)
        for end in (pair.client, pair.server):
            assert end.calls == ["made", "lost"]
            assert isinstance(end.error, ConnectionResetError)
        assert pair.network.connections == []
        await pair.a.connect("127.0.0.1", PORT, Recorder)
        assert pair.network.cut_address("127.0.0.1", PORT) == 1

    run_virtual(main)


def test_a_partition_is_silent_and_its_bytes_come_late() -> None:
    async def main() -> None:
        pair = await Pair().open()
        pair.network.partition("a", "b")
        pair.client.transport.write(b"to b")
        pair.server.transport.write(b"to a")
        await asyncio.sleep(100)
        assert (pair.client.calls, pair.server.calls) == (["made"], ["made"])
        assert (pair.client.data, pair.server.data) == (b"", b"")
        pair.network.heal(late=True)
        await asyncio.sleep(0.1)
        assert (pair.client.data, pair.server.data) == (b"to a", b"to b")

    run_virtual(main)


def test_a_partition_s_bytes_may_be_lost_with_their_stream() -> None:
    async def main() -> None:
        pair = await Pair().open()
        pair.network.partition("a")
        pair.client.transport.write(b"to b")
        await asyncio.sleep(1)
        pair.network.heal(late=False)
        await asyncio.sleep(0.1)
        assert (pair.client.calls, pair.server.calls, pair.server.data) == (["made", "lost"], ["made", "lost"], b"")

    run_virtual(main)


def test_chance_decides_what_becomes_of_a_partition_s_bytes() -> None:
    async def main(seed: int) -> bytes:
        pair = await Pair(seed).open()
        pair.network.partition("a")
        pair.client.transport.write(b"x")
        await asyncio.sleep(1)
        pair.network.heal()
        await asyncio.sleep(1)
        return pair.server.data

    assert {run_virtual(main, seed) for seed in range(20)} == {b"", b"x"}


def test_a_one_way_partition_lets_the_other_way_through() -> None:
    async def main() -> None:
        pair = await Pair().open()
        pair.network.partition(["a"], ["b"], one_way=True)
        pair.client.transport.write(b"to b")
        pair.server.transport.write(b"to a")
        await asyncio.sleep(1)
        assert (pair.client.data, pair.server.data) == (b"to a", b"")

    run_virtual(main)


@pytest.mark.parametrize("sender", ["a", "b"])
def test_connecting_through_a_partition_takes_its_full_time(sender: str) -> None:
    async def main() -> float:
        pair = Pair()
        await pair.listen()
        pair.network.partition(sender, one_way=True)
        with pytest.raises(Unreachable, match=r"did not answer within 1\.5 s"):
            await pair.a.connect("127.0.0.1", PORT, Recorder)
        return asyncio.get_running_loop().time()

    assert run_virtual(main) == pytest.approx(CONNECT_SECONDS)


def test_a_slow_machine_answers_later() -> None:
    async def main() -> float:
        pair = await Pair().open()
        pair.network.slow("b", 5)
        pair.client.transport.write(b"x")
        before = asyncio.get_running_loop().time()
        while not pair.server.data:
            await asyncio.sleep(0.01)
        return asyncio.get_running_loop().time() - before

    assert run_virtual(main) == pytest.approx(5, abs=0.02)


def test_a_machine_that_refuses_keeps_its_old_streams() -> None:
    async def main() -> None:
        pair = await Pair().open()
        pair.network.refuse("b")
        with pytest.raises(Unreachable, match="refused"):
            await pair.a.connect("127.0.0.1", PORT, Recorder)
        assert pair.client.calls == ["made"]
        pair.network.refuse("b", False)
        await pair.a.connect("127.0.0.1", PORT, Recorder)

    run_virtual(main)


def test_a_paused_machine_accepts_and_answers_only_when_it_resumes() -> None:
    async def main() -> None:
        pair = Pair()
        await pair.listen()
        pair.machines["b"].pause()
        await pair.a.connect("127.0.0.1", PORT, lambda: pair.client)
        pair.client.transport.write(b"anyone?")
        await asyncio.sleep(60)
        assert (pair.accepted, pair.client.calls) == ([], ["made"])
        pair.machines["b"].resume()
        await asyncio.sleep(0.01)
        assert pair.server.data == b"anyone?"

    run_virtual(main)


def test_a_crashed_machine_is_told_nothing_and_the_others_are() -> None:
    async def main(seed: int) -> tuple[bytes, str]:
        pair = await Pair(seed).open()
        pair.server.transport.write(b"last words")
        pair.client.transport.write(b"unheard")
        pair.machines["b"].crash()
        await asyncio.sleep(0.1)
        assert (pair.server.calls, pair.server.data) == (["made"], b"")
        assert pair.client.calls[-1] == "lost"
        with pytest.raises(Unreachable, match="refused"):
            await pair.a.connect("127.0.0.1", PORT, Recorder)
        return pair.client.data, type(pair.client.error).__name__

    outcomes = {run_virtual(main, seed) for seed in range(30)}
    assert {b"", b"last words"} <= {data for data, _ in outcomes}
    assert {error for _, error in outcomes} == {"NoneType", "ConnectionResetError"}


def test_another_life_of_a_machine_takes_its_address_over() -> None:
    async def main() -> bytes:
        pair = await Pair().open()
        pair.machines["b"].crash()
        again = pair.network.transport(Machine("b"))
        await again.listen("127.0.0.1", PORT, pair.accept)
        second = Recorder()
        await pair.a.connect("127.0.0.1", PORT, lambda: second)
        second.transport.write(b"back?")
        await asyncio.sleep(0.1)
        return pair.accepted[1].data

    assert run_virtual(main) == b"back?"


def _same(recorder: Recorder) -> Recorder:
    return recorder


async def storm(seed: int) -> tuple[int, int]:
    """Many streams under all faults; the fingerprint of what arrived."""
    network = SimNetwork(seed)
    names = [f"m{number}" for number in range(5)]
    machines = {name: Machine(name) for name in names}
    transports = {name: network.transport(machine) for name, machine in machines.items()}
    for port, name in enumerate(names):
        await transports[name].listen("127.0.0.1", 7000 + port, Recorder)

    async def talk(name: str) -> None:
        for step in range(10):
            recorder = Recorder()
            try:
                await transports[name].connect("127.0.0.1", 7000 + step % 5, partial(_same, recorder))
            except Unreachable:
                continue
            recorder.transport.write(name.encode() * 50)
            await asyncio.sleep(0.05)

    tasks = [machine.spawn(talk(name)) for name, machine in machines.items()]
    network.partition({"m1", "m2"}, {"m3"})
    await asyncio.sleep(0.1)
    network.cut("m0")
    machines["m4"].pause()
    await asyncio.sleep(0.1)
    network.heal()
    machines["m4"].resume()
    machines["m2"].crash()
    await asyncio.wait(tasks, timeout=30)
    return network.fingerprint, network.deliveries


def test_a_seed_is_a_storm() -> None:
    storms = [run_virtual(storm, seed, seed=seed) for seed in range(20)]
    assert len(set(storms)) == 20
    assert storms == [run_virtual(storm, seed, seed=seed) for seed in range(20)]


def test_a_storm_does_not_depend_on_the_process() -> None:
    code = (
        "from tests.simulation.loop import run_virtual; from tests.simulation.test_transport import storm;"
        "print([run_virtual(storm, seed, seed=seed) for seed in range(5)])"
    )
    assert printed(code) == {f"{[run_virtual(storm, seed, seed=seed) for seed in range(5)]}\n"}
