"""Which nodes a coordinator hands its requests to: with a secret those that prove to know it, without one this machine's."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from kvtui.core.authentication import Role, Secret, place_of
from kvtui.core.cluster import ClusterError, Outcome
from kvtui.core.link import Link
from kvtui.core.node_access import ANSWER_SECONDS, IMPOSTOR, NodeAccess
from kvtui.core.protocol import Challenge, Hello, Prove, Reply, decode_request, encode_lines
from kvtui.core.recovery import recover
from kvtui.core.remote_node import NotANode, NotTrusted, interview
from kvtui.core.seams.chance import SeededRandom
from kvtui.core.seams.launcher import NodeSpec
from kvtui.core.seams.transport import Listener, Unreachable
from kvtui.core.snapshot import NodeState
from tests.node.nodes import Bench, on_a_node
from tests.simulation.harness import SimCluster, settled
from tests.simulation.loop import SimClock, run_virtual
from tests.simulation.machine import Machine
from tests.simulation.transport import SimNetwork

SECRET = Secret(b"correct horse battery staple")
OTHER = Secret(b"another one of the same length")
ALONE = "one that another kvtui started obeys that one alone"
Answer = Callable[["Impostor", object], list[Reply]]


class Impostor(asyncio.Protocol):
    """What stands in a node's place, and answers as its test says."""

    def __init__(self, answer: Answer) -> None:
        self.heard: list[object] = []
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        for line in data.splitlines():
            request = decode_request(line)
            self.heard.append(request)
            replies = self._answer(self, request)
            self.transport.write(encode_lines(replies))


def met(answer: Answer, secret: Secret = SECRET) -> tuple[Exception, list[object], float]:
    """How a coordinator with that secret fares with an impostor: its error, what it told, and how long it took."""

    async def meet() -> tuple[Exception, list[object], float]:
        network = SimNetwork(0)
        impostors: list[Impostor] = []

        def stand_in() -> Impostor:
            impostors.append(Impostor(answer))
            return impostors[-1]

        listener = await network.transport(Machine("node")).listen("127.0.0.1", 0, stand_in)
        clock = SimClock()
        access = NodeAccess(network.transport(Machine("coordinator")), secret, SeededRandom(0), clock)
        before = clock.monotonic()
        with pytest.raises((NotANode, Unreachable)) as refusal:
            await interview(access, clock, *listener.address)
        return refusal.value, impostors[0].heard, clock.monotonic() - before

    return run_virtual(meet)


def nonce(text: str = "ab") -> Reply:
    return Reply(status="ok", nonce=text * 32)


def test_a_node_that_knows_the_secret_is_spoken_to() -> None:
    async def story(bench: Bench) -> None:
        for _ in range(3):
            facts = await interview(bench.access(SECRET), bench.clock, *bench.server.address)
            assert facts.data_id == bench.store.membership.data_id
        assert bench.said == []

    on_a_node(story, secret=SECRET)
    on_a_node(story, secret=SECRET, split=1.0)


@pytest.mark.parametrize(
    ("nodes", "ours", "text"),
    [
        (SECRET, None, f"wants a secret: give it in a secret file or as KVTUI_SECRET; {ALONE}"),
        (SECRET, OTHER, f"has another secret: give the node's in a secret file or as KVTUI_SECRET; {ALONE}"),
        (None, SECRET, "has no secret, and this kvtui has one: start the node with that one too"),
    ],
)
def test_who_does_not_share_the_secret_is_told_what_to_do(nodes: Secret | None, ours: Secret | None, text: str) -> None:
    async def story(bench: Bench) -> None:
        with pytest.raises(NotTrusted) as refusal:
            await interview(bench.access(ours), bench.clock, *bench.server.address)
        assert str(refusal.value) == text

    on_a_node(story, secret=nodes)


def test_without_a_secret_no_other_machine_is_even_called() -> None:
    class Unused:
        async def connect(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> None:
            raise AssertionError("it was called")

        async def listen(self, host: str, port: int, make: Callable[[], asyncio.Protocol]) -> Listener:
            raise AssertionError("not asked for")

    async def call() -> None:
        clock = SimClock()
        access = NodeAccess(Unused(), None, SeededRandom(0), clock)
        for host in ("10.0.0.1", "example.org", "0.0.0.0", "::"):
            with pytest.raises(NotTrusted, match="is not on this machine: nodes elsewhere need a secret"):
                await access.connect(host, 5001, lambda: Link(clock, lambda _link, _reason: None))

    run_virtual(call)


def test_an_impostor_that_reflects_the_proof_is_found_out() -> None:
    def reflect(impostor: Impostor, request: object) -> list[Reply]:
        if isinstance(request, Challenge):
            return [nonce()]
        assert isinstance(request, Prove)
        return [Reply(status="ok", proof=request.proof)]

    error, heard, _ = met(reflect)
    assert isinstance(error, NotTrusted)
    assert "does not prove that it knows the secret" in str(error)
    assert [type(request) for request in heard] == [Challenge, Prove]


def test_an_impostor_that_gives_the_nonce_back_gets_no_proof() -> None:
    def echo(impostor: Impostor, request: object) -> list[Reply]:
        assert isinstance(request, Challenge)
        return [Reply(status="ok", nonce=request.nonce)]

    error, heard, _ = met(echo)
    assert isinstance(error, NotTrusted)
    assert [type(request) for request in heard] == [Challenge]


def test_an_impostor_with_a_recorded_exchange_is_found_out() -> None:
    async def story(bench: Bench) -> None:
        clock = bench.clock
        network = SimNetwork(0)
        recorded = SECRET.proof(Role.NODE, "127.0.0.1:7001", b"\xcd" * 32, b"\xab" * 32)

        def replay() -> Impostor:
            return Impostor(
                lambda _, request: [
                    nonce() if isinstance(request, Challenge) else Reply(status="ok", proof=recorded.hex())
                ]
            )

        await network.transport(Machine("node")).listen("127.0.0.1", 7001, replay)
        access = NodeAccess(network.transport(Machine("coordinator")), SECRET, SeededRandom(0), clock)
        with pytest.raises(NotTrusted, match="does not prove"):
            await interview(access, clock, "127.0.0.1", 7001)

    on_a_node(story)


def test_an_impostor_that_relays_to_a_real_node_is_found_out() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        network = SimNetwork(0)
        heard: list[object] = []

        class Relay(Impostor):
            def data_received(self, data: bytes) -> None:
                request = decode_request(data)
                heard.append(request)
                # It claims the real node's place; but what is proved is the place where it was reached.
                if isinstance(request, Challenge):
                    request = Challenge(nonce=request.nonce, place=place_of(bench.server.address))
                task = asyncio.ensure_future(client.one(request))
                task.add_done_callback(lambda done: self.transport.write(encode_lines([done.result()])))

        listener = await network.transport(Machine("relay")).listen("127.0.0.1", 7999, lambda: Relay(lambda *_: []))
        access = NodeAccess(network.transport(Machine("coordinator")), SECRET, SeededRandom(0), bench.clock)
        with pytest.raises(NotTrusted):
            await interview(access, bench.clock, *listener.address)
        assert [type(request) for request in heard] == [Challenge, Prove]
        assert bench.said == ["refused 127.0.0.1: a wrong secret"]

    on_a_node(story, secret=SECRET)


def test_a_relay_that_changes_nothing_is_named() -> None:
    error, _, _ = met(lambda impostor, request: [Reply(status="error", code="relayed", msg="not here")])
    assert str(error) == "is reached through something that passes the bytes on: use its own address, or TLS"


@pytest.mark.parametrize(
    "replies",
    [
        [Reply(status="ok")],
        [Reply(status="ok", nonce="zz" * 32)],
        [Reply(status="ok", nonce="ab")],
        [Reply(status="ok", proof="ab" * 32)],
        [nonce(), Reply(status="ok", proof="ab" * 32)],
        [nonce(), Reply(status="ok")],
        [Reply(status="error", msg="topsecret")],
        [Reply(status="ok", msg="x" * 5000)],
    ],
)
def test_whoever_answers_otherwise_is_told_nothing_more(replies: list[Reply]) -> None:
    waiting = list(replies)
    error, heard, _ = met(lambda impostor, request: [waiting.pop(0)] if waiting else [])
    assert isinstance(error, NotANode)
    assert "topsecret" not in str(error)
    assert not any(isinstance(request, Hello) for request in heard)


def test_who_answers_nothing_is_waited_for_no_longer_than_the_limit() -> None:
    error, _, seconds = met(lambda impostor, request: [])
    assert isinstance(error, NotANode)
    assert ANSWER_SECONDS <= seconds < ANSWER_SECONDS + 1


def test_a_cluster_with_a_secret_works_and_its_nodes_come_back() -> None:
    async def live() -> None:
        async with SimCluster(3, nodes=3, replication=2, secret=SECRET) as cluster:
            assert (await cluster.put(b"apple", b"123")).outcome.name == "OK"
            cluster.kill("n1")
            await cluster.until(lambda shown: sum(view.state.name == "UP" for view in shown.nodes) == 2)
            assert (await cluster.put(b"apple", b"124")).outcome.name == "OK"
            await cluster.revive("n1")
            assert (await cluster.get(b"apple")).value == b"124"
            host, port = cluster.process("n2").address
            stranger = NodeAccess(cluster.network.transport(Machine("else")), OTHER, SeededRandom(0), cluster.clock)
            with pytest.raises(NotTrusted, match="has another secret"):
                await interview(stranger, cluster.clock, host, port)

    run_virtual(live)


def test_nodes_of_other_machines_are_attached_to_and_never_started() -> None:
    async def live() -> None:
        async with SimCluster(4, nodes=1, secret=SECRET) as cluster:
            cluster.launcher.parent = None
            await cluster.launcher.start(NodeSpec("far", "10.0.0.1", 5001, None, SECRET))
            added = await cluster.call(lambda coordinator: coordinator.add_node("B", "10.0.0.1", 5001))
            assert not added.started
            assert (await cluster.put(b"apple", b"123")).outcome is Outcome.OK
            with pytest.raises(ClusterError, match="start kvtui-node there first"):
                await cluster.call(lambda coordinator: coordinator.add_node("C", "10.0.0.2", 5001))
            assert "C" not in cluster.launcher.processes

    run_virtual(live)


def test_a_member_of_another_machine_is_left_alone_once_the_secret_is_missing() -> None:
    async def live() -> None:
        async with SimCluster(5, nodes=1, secret=SECRET) as cluster:
            cluster.launcher.parent = None
            await cluster.launcher.start(NodeSpec("far", "10.0.0.1", 5001, None, SECRET))
            await cluster.call(lambda coordinator: coordinator.add_node("B", "10.0.0.1", 5001))
            await cluster.close()
            cluster.secret = None
            await cluster.open()
            shown = await cluster.until(lambda shown: shown.node("B").note != "")  # type: ignore[union-attr]
            view = shown.node("B")
            assert view is not None
            assert view.note == "node B at 10.0.0.1:5001 is not on this machine: nodes elsewhere need a secret:" + (
                " give it in a secret file or as KVTUI_SECRET"
            )

    run_virtual(live)


def test_a_node_that_was_started_here_answers_its_coordinator_alone() -> None:
    async def live() -> None:
        async with SimCluster(6, nodes=2, replication=2) as cluster:
            assert (await cluster.put(b"apple", b"123")).outcome is Outcome.OK
            for name in ("n1", "n2"):
                host, port = cluster.process(name).address
                for known, refusal in ((None, "wants a secret"), (OTHER, "has another secret")):
                    transport = cluster.network.transport(Machine("else"))
                    stranger = NodeAccess(transport, known, SeededRandom(0), cluster.clock)
                    with pytest.raises(NotTrusted, match=refusal):
                        await interview(stranger, cluster.clock, host, port)
            assert (await cluster.get(b"apple")).value == b"123"

    run_virtual(live)


def test_a_cluster_that_is_served_is_not_rebuilt_by_somebody_else() -> None:
    async def live() -> None:
        async with SimCluster(7, nodes=2, replication=2) as cluster:
            assert (await cluster.put(b"apple", b"123")).outcome is Outcome.OK
            seams = cluster.seams_of(Machine("else"), None)
            addresses = [cluster.process(name).address for name in ("n1", "n2")]
            with pytest.raises(ClusterError, match="wants a secret"):
                await recover(Path("elsewhere"), addresses, (), seams)
            assert (await cluster.put(b"apple", b"124")).outcome is Outcome.OK

    run_virtual(live)


@pytest.mark.parametrize("secret", [None, SECRET])
def test_whoever_takes_the_port_of_a_node_that_was_started_here_is_sent_nothing(secret: Secret | None) -> None:
    """The person's secret proves nothing there: who runs nodes elsewhere knows it too."""

    async def live() -> None:
        async with SimCluster(8, nodes=2, replication=2, secret=secret) as cluster:
            assert (await cluster.put(b"apple", b"123")).outcome is Outcome.OK
            port = cluster.process("n1").address[1]
            cluster.kill("n1")
            taker = await cluster.launch("taker", port)
            await asyncio.sleep(5)
            view = cluster.coordinator.snapshot().node("n1")
            assert view is not None
            assert (view.state, view.note) == (NodeState.DOWN, "its process was ended by SIGKILL")
            assert taker.server is not None
            assert taker.server.store.membership.cluster == ""
            # Its own place is taken: it comes back at another one, and is known by its secret there.
            await cluster.revive("n1")
            await cluster.until(settled)
            assert cluster.process("n1").address[1] != port

    run_virtual(live)


def test_one_that_answers_in_the_place_of_a_process_that_runs_is_sent_nothing() -> None:
    """The process is paused: what its address leads to meanwhile, by whatever trick, does not know its secret."""

    async def live() -> None:
        async with SimCluster(9, nodes=1) as cluster:
            away = await cluster.launch("away")
            assert away.server is not None
            node = cluster.coordinator._ledger.nodes["n1"]
            node.host, node.port = away.server.address
            cluster.network.cut("n1")
            shown = await cluster.until(lambda shown: "something else answers" in shown.node("n1").note)  # type: ignore[union-attr]
            view = shown.node("n1")
            assert view is not None
            assert view.note == f"node n1 at {node.address} {IMPOSTOR}"
            assert away.server.store.membership.cluster == ""

    run_virtual(live)


def test_open_nodes_and_own_ones_go_together_and_neither_is_taken_for_the_other() -> None:
    async def live() -> None:
        async with SimCluster(10, nodes=2, replication=2) as cluster:
            open_one = await cluster.launch("B")
            host, port = open_one.address
            await cluster.call(lambda coordinator: coordinator.add_node("B", host, port))
            await cluster.until(settled)
            assert (await cluster.put(b"apple", b"123")).outcome is Outcome.OK
            cluster.kill("B")
            cluster.kill("n1")
            # One that was started here comes to stand where the open one was.
            cluster.coordinator._ledger.nodes["n1"].port = port
            await cluster.revive("n1")
            assert cluster.process("n1").address[1] == port
            shown = await cluster.until(lambda shown: "wants a secret" in shown.node("B").note)  # type: ignore[union-attr]
            assert shown.node("B").state is NodeState.DOWN  # type: ignore[union-attr]
            assert shown.node("n1").state is NodeState.UP  # type: ignore[union-attr]

    run_virtual(live)


def test_every_life_of_a_coordinator_has_another_secret() -> None:
    async def live() -> None:
        async with SimCluster(11, nodes=1) as cluster:
            seen = [cluster.coordinator._membership._processes._secret.reveal()]
            for _ in range(2):
                await cluster.close()
                await cluster.open()
                seen.append(cluster.coordinator._membership._processes._secret.reveal())
            assert len({*seen}) == 3
            assert {len(text) for text in seen} == {64}

    run_virtual(live)
