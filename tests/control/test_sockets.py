"""Real Unix sockets in a state directory."""

import asyncio
import os
import socket
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import kvtui.control.sockets as sockets_module
from kvtui.control.sockets import NAME, NoDirectory, UnixSockets
from kvtui.core.seams.transport import CannotListen, Unreachable

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets on this system")
LONG = "a-directory-of-a-long-name-" * 4


class Greeter(asyncio.Protocol):
    """Says ``word`` to whoever comes."""

    def __init__(self, word: bytes) -> None:
        self._word = word

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._word)
        transport.close()


class Listener(asyncio.Protocol):
    """What it was told."""

    def __init__(self) -> None:
        self.word: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.word.set_result(data)


async def heard(sockets: UnixSockets, state: Path) -> bytes:
    listener = Listener()
    await sockets.connect(state, lambda: listener)
    return await asyncio.wait_for(listener.word, 10)


def run(story: Callable[[UnixSockets], Awaitable[None]]) -> None:
    async def main() -> None:
        await story(UnixSockets())

    asyncio.run(main())


@pytest.mark.parametrize("name", ["state", LONG], ids=["short", "too long for a socket"])
def test_a_socket_is_reached_by_its_directory_and_goes_with_its_door(tmp_path: Path, name: str) -> None:
    state = tmp_path / name
    state.mkdir()

    async def story(sockets: UnixSockets) -> None:
        door = await sockets.listen(state, lambda: Greeter(b"hello"))
        assert await heard(sockets, state) == b"hello"
        assert [path.name for path in state.iterdir()] == [NAME]
        door.close()
        assert list(state.iterdir()) == []
        with pytest.raises(Unreachable, match="no such file"):
            await heard(sockets, state)

    run(story)


def test_a_socket_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    async def story(sockets: UnixSockets) -> None:
        before = os.umask(0)
        try:
            door = await sockets.listen(tmp_path, lambda: Greeter(b""))
        finally:
            os.umask(before)
        mode = (tmp_path / NAME).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        door.close()

    run(story)


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() == 0, reason="root may open everything")
def test_one_that_may_not_be_opened_is_told(tmp_path: Path) -> None:
    async def story(sockets: UnixSockets) -> None:
        door = await sockets.listen(tmp_path, lambda: Greeter(b""))
        (tmp_path / NAME).chmod(0)
        with pytest.raises(Unreachable, match="permission denied"):
            await heard(sockets, tmp_path)
        door.close()

    run(story)


def test_one_that_a_killed_process_left_is_refused_and_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / NAME))

    async def story(sockets: UnixSockets) -> None:
        with pytest.raises(Unreachable, match="connection refused"):
            await heard(sockets, tmp_path)
        door = await sockets.listen(tmp_path, lambda: Greeter(b"hello"))
        assert await heard(sockets, tmp_path) == b"hello"
        door.close()

    run(story)


def test_a_door_that_closes_late_leaves_the_socket_of_its_successor(tmp_path: Path) -> None:
    async def story(sockets: UnixSockets) -> None:
        old = await sockets.listen(tmp_path, lambda: Greeter(b"old"))
        new = await sockets.listen(tmp_path, lambda: Greeter(b"new"))
        old.close()
        assert await heard(sockets, tmp_path) == b"new"
        new.close()

    run(story)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    async def story(sockets: UnixSockets) -> None:
        with pytest.raises(CannotListen, match="no such file"):
            await sockets.listen(tmp_path / "none", lambda: Greeter(b""))
        with pytest.raises(NoDirectory, match="none is not there"):
            await heard(sockets, tmp_path / "none")
        with pytest.raises(Unreachable, match="no such file") as there:
            await heard(sockets, tmp_path)
        assert not isinstance(there.value, NoDirectory)

    run(story)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux gives open directories a short path")
def test_a_long_path_needs_no_place_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> str:
        raise FileNotFoundError(2, "no usable temporary directory")

    monkeypatch.setattr("tempfile.mkdtemp", none)
    state = tmp_path / LONG / LONG
    state.mkdir(parents=True)

    async def story(sockets: UnixSockets) -> None:
        door = await sockets.listen(state, lambda: Greeter(b"hello"))
        assert await heard(sockets, state) == b"hello"
        door.close()
        assert list(state.iterdir()) == []

    run(story)


@pytest.mark.parametrize("name", ["state", LONG], ids=["short", "too long for a socket"])
def test_a_socket_that_was_deleted_is_made_anew(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sockets_module, "LOOK_SECONDS", 0.01)
    state = tmp_path / name
    state.mkdir()

    async def story(sockets: UnixSockets) -> None:
        door = await sockets.listen(state, lambda: Greeter(b"hello"))
        (state / NAME).unlink()
        async with asyncio.timeout(20):
            while not (state / NAME).exists():
                await asyncio.sleep(0)
        assert await heard(sockets, state) == b"hello"
        assert stat.S_IMODE((state / NAME).stat().st_mode) == 0o600
        door.close()
        assert list(state.iterdir()) == []

    run(story)
    assert [record.getMessage() for record in caplog.records] == [f"{state / NAME} was deleted, and is made anew"]


def test_a_door_makes_no_socket_in_another_directory_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets_module, "LOOK_SECONDS", 0.0)
    state = tmp_path / "state"
    state.mkdir()

    async def story(sockets: UnixSockets) -> None:
        door = await sockets.listen(state, lambda: Greeter(b"hello"))
        state.rename(tmp_path / "moved")
        state.mkdir()
        for _ in range(100):
            await asyncio.sleep(0)
        assert list(state.iterdir()) == []
        assert await heard(sockets, tmp_path / "moved") == b"hello"
        door.close()

    run(story)
