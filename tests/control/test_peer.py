"""Who is at the other end of a control socket, and with whom one has to do."""

import asyncio
import os
import socket

import pytest

from kvtui.control.peer import Admission, may_talk, uid_at

OURS, OTHERS, ROOT = 1000, 1001, 0

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets on this system")


@pytest.mark.parametrize(
    ("peer", "user", "owner", "talks"),
    [
        (OURS, OURS, None, True),
        (ROOT, OURS, None, True),
        (OTHERS, OURS, None, False),
        (OTHERS, OURS, OTHERS, False),
        (OTHERS, ROOT, None, False),
        (OTHERS, ROOT, OTHERS, True),
        (OTHERS, ROOT, OURS, False),
        (ROOT, ROOT, OURS, True),
        (None, OURS, OURS, True),
    ],
)
def test_one_has_to_do_with_oneself_and_root_and_root_with_the_owner(
    peer: int | None, user: int, owner: int | None, talks: bool
) -> None:
    assert may_talk(peer, user, owner) is talks


def test_the_system_tells_who_it_is() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert uid_at(one) == uid_at(other) == os.geteuid()


class Talker(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")
        transport.close()


@pytest.mark.parametrize(("stranger", "heard"), [(False, b"hello"), (True, b"")])
def test_who_is_not_admitted_is_told_nothing(monkeypatch: pytest.MonkeyPatch, stranger: bool, heard: bytes) -> None:
    async def story() -> None:
        one, other = socket.socketpair(socket.AF_UNIX)
        with other:
            admission = Admission(Talker)
            if stranger:
                monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
                monkeypatch.setattr("kvtui.control.peer.uid_at", lambda _: os.getuid() + 2)
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(lambda: admission, one)
            other.setblocking(False)
            async with asyncio.timeout(10):
                try:
                    assert await loop.sock_recv(other, 100) == heard
                except ConnectionError:
                    assert heard == b""
            assert (admission.stranger is not None) is stranger

    asyncio.run(story())
