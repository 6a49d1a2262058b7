"""TLS on real sockets, on asyncio's loop and on uvloop: who is trusted, who is turned away, and that strangers wait apart."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from kvtui.core.authentication import Secret
from kvtui.core.link import Link
from kvtui.core.node_access import NodeAccess
from kvtui.core.protocol import INLINE_BYTES, Facts, Put
from kvtui.core.remote_node import NotANode, interview
from kvtui.core.seams.chance import SystemRandom
from kvtui.core.seams.clock import LoopClock
from kvtui.core.seams.memory import MemoryEngine
from kvtui.core.seams.tls import BadTls, Tls, TlsFiles, as_coordinator, as_node
from kvtui.core.seams.tls_door import HANDSHAKES, TlsDoor
from kvtui.core.seams.transport import CannotListen, TcpTransport, Untrusted
from kvtui.node.gate import Gate
from kvtui.node.server import NodeServer
from kvtui.node.store import Store
from tests.core.seams.certificates import Authority

LIMIT_SECONDS = 30
SECRET = Secret(b"correct horse battery staple")
Story = Callable[[], Awaitable[None]]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    if request.param == "uvloop" and find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")

    async def limited(story: Story) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            await story()

    def run(story: Story) -> None:
        if request.param == "uvloop":
            import uvloop

            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(limited(story))
        else:
            asyncio.run(limited(story))

    return run


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def serving(tls: Tls | None, secret: Secret | None = None, said: list[str] | None = None) -> NodeServer:
    """A started node. ``said`` takes what it tells its operator."""
    clock = LoopClock()
    lines = [] if said is None else said
    fingerprint = "" if tls is None else tls.fingerprint
    gate = None if secret is None else Gate(secret, SystemRandom(), clock, lines.append, certificate=fingerprint)
    server = NodeServer(Store(MemoryEngine(), SystemRandom()), TcpTransport(tls), clock, gate=gate)
    await server.start()
    return server


async def asked(server: NodeServer, tls: Tls | None, secret: Secret | None = None) -> Facts:
    """What the node says to a coordinator."""
    access = NodeAccess(TcpTransport(tls), secret, SystemRandom(), LoopClock())
    return await interview(access, LoopClock(), *server.address)


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_node_whose_certificate_is_vouched_for_is_used(
    run: Callable[[Story], None], authority: Authority, secret: Secret | None
) -> None:
    async def story() -> None:
        server = await serving(as_node(authority.certificate()), secret)
        facts = await asked(server, as_coordinator(TlsFiles(authority=authority.file)), secret)
        assert facts.data_id == server.store.membership.data_id
        await server.close()

    run(story)


def test_large_requests_and_their_replies_get_through(run: Callable[[Story], None], authority: Authority) -> None:
    async def story() -> None:
        server = await serving(as_node(authority.certificate()), SECRET)
        tcp = TcpTransport(as_coordinator(TlsFiles(authority=authority.file)))
        link = Link(LoopClock(), lambda _link, _reason: None)
        await NodeAccess(tcp, SECRET, SystemRandom(), LoopClock()).connect(*server.address, lambda: link)
        asked = [link.ask(Put(key=f"k{number}", value="v" * INLINE_BYTES)) for number in range(100)]
        assert {(await reply).status for reply in asked} == {"ok"}
        assert sum(server.store.table.live) == 100
        link.close("enough")
        await server.close()

    run(story)


def test_a_node_that_nobody_vouches_for_is_refused_in_one_line(
    run: Callable[[Story], None], authority: Authority, tmp_path: Path
) -> None:
    async def story() -> None:
        coordinator = as_coordinator(TlsFiles(authority=authority.file))
        for files in (
            Authority(tmp_path, "another").certificate("stranger"),
            authority.certificate("elsewhere", "node.example.org"),
        ):
            server = await serving(as_node(files))
            with pytest.raises(
                Untrusted, match="shows a certificate that the TLS authority does not vouch for: "
            ) as refusal:
                await asked(server, coordinator)
            assert "\n" not in str(refusal.value)
            assert "_ssl.c" not in str(refusal.value)
            await server.close()

    run(story)


@pytest.mark.parametrize("secret", [None, SECRET])
def test_one_side_without_tls_is_told_what_is_missing(
    run: Callable[[Story], None], authority: Authority, secret: Secret | None
) -> None:
    async def story() -> None:
        secured = await serving(as_node(authority.certificate()), secret)
        with pytest.raises(NotANode, match="it speaks TLS alone: give the TLS authority"):
            await asked(secured, None, secret)
        plain = await serving(None, secret)
        with pytest.raises(Untrusted, match="does not agree on TLS"):
            await asked(plain, as_coordinator(TlsFiles(authority=authority.file)), secret)
        await secured.close()
        await plain.close()

    run(story)


def test_a_node_with_an_authority_wants_a_certificate_of_its_clients(
    run: Callable[[Story], None], authority: Authority, tmp_path: Path
) -> None:
    async def story() -> None:
        files = authority.certificate()
        server = await serving(as_node(replace(files, authority=authority.file)), SECRET)
        stranger = Authority(tmp_path, "another").certificate("stranger")
        for refused in (TlsFiles(), stranger):
            with pytest.raises((NotANode, Untrusted)):
                await asked(server, as_coordinator(replace(refused, authority=authority.file)), SECRET)
        client = replace(authority.certificate("client"), authority=authority.file)
        assert (await asked(server, as_coordinator(client), SECRET)).product == "kvtui"
        await server.close()

    run(story)


def test_a_proof_holds_for_one_certificate_alone(run: Callable[[Story], None], authority: Authority) -> None:
    """A relay with a certificate that the authority vouches for as well, in front of a real node: both ends name another."""

    async def story() -> None:
        server = await serving(as_node(authority.certificate("node")), SECRET)
        coordinator = as_coordinator(TlsFiles(authority=authority.file))
        relay_side = as_node(authority.certificate("relay"))
        assert relay_side.server is not None

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(*server.address, ssl=coordinator.client)
            back.write(await reader.readline())
            writer.write(await there.readline())
            back.close()
            writer.close()

        listening = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=relay_side.server)
        port = listening.sockets[0].getsockname()[1]
        access = NodeAccess(TcpTransport(coordinator), SECRET, SystemRandom(), LoopClock())
        with pytest.raises(NotANode, match="passes the bytes on"):
            await interview(access, LoopClock(), "127.0.0.1", port)
        listening.close()
        await server.close()

    run(story)


def test_strangers_that_never_shake_hands_wait_apart_and_keep_nobody_out(
    run: Callable[[Story], None], authority: Authority
) -> None:
    async def story() -> None:
        tls = as_node(authority.certificate())
        assert tls.server is not None
        made: list[asyncio.Protocol] = []
        crowded: list[str] = []

        def make() -> asyncio.Protocol:
            made.append(asyncio.Protocol())
            return made[-1]

        door = TlsDoor(socket.create_server(("127.0.0.1", 0)), tls.server, make, crowded.append)
        idle = [await asyncio.open_connection(*door.address) for _ in range(3 * HANDSHAKES)]
        link = Link(LoopClock(), lambda _link, _reason: None)
        await TcpTransport(as_coordinator(TlsFiles(authority=authority.file))).connect(*door.address, lambda: link)
        assert link.open
        assert door.waiting <= HANDSHAKES
        # All but the limit were ended by the node.
        ended = [await reader.read() for reader, _ in idle[: 2 * HANDSHAKES]]
        assert set(ended) == {b""}
        door.close()
        assert door.waiting == 0
        assert {await reader.read() for reader, _ in idle} == {b""}
        link.close("enough")
        for _, writer in idle:
            writer.close()
        assert len(made) == 1
        assert set(crowded) == {"127.0.0.1"}

    run(story)


def test_a_port_in_use_can_not_be_listened_on(run: Callable[[Story], None], authority: Authority) -> None:
    async def story() -> None:
        tls = as_node(authority.certificate())
        server = await serving(tls)
        with pytest.raises(CannotListen, match="address already in use"):
            await TcpTransport(tls).listen(*server.address, asyncio.Protocol)
        await server.close()

    run(story)


def test_files_that_are_no_use_are_named_in_one_line(tmp_path: Path, authority: Authority) -> None:
    good = authority.certificate()
    other = authority.certificate("other")
    text = tmp_path / "text"
    text.write_text("no certificate")
    for load, files, named in (
        (as_node, TlsFiles(tmp_path / "absent.pem"), "absent.pem"),
        (as_node, TlsFiles(text), "text"),
        (as_node, TlsFiles(good.certificate, other.key), "other-key.pem"),
        (as_node, TlsFiles(good.certificate), "node-cert.pem"),
        (as_node, TlsFiles(), "the node's own certificate"),
        (as_node, replace(good, authority=text), "TLS authority"),
        (as_coordinator, good, "the authority that vouches"),
        (as_coordinator, TlsFiles(authority=tmp_path / "absent.pem"), "absent.pem"),
    ):
        with pytest.raises(BadTls, match=named) as refusal:
            load(files)
        assert "\n" not in str(refusal.value)
