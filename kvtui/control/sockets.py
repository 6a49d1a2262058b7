"""The seam of the control socket: streams between processes of one state directory, and its real implementation on Unix sockets."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from kvtui.control.peer import Admission
from kvtui.core.seams.directory_trust import owner_of
from kvtui.core.seams.forked import left_socket, unforked
from kvtui.core.seams.transport import CannotListen, Unreachable

NAME: Final = "control.sock"
"""The socket, in the state directory."""
PATH_BYTES: Final = 100
"""Longest path that every system takes for a socket (Linux 107, macOS 103); a longer one is reached another way."""
_DESCRIPTORS: Final = Path("/proc/self/fd")
"""Linux: here every open directory has a short path."""
CONNECT_SECONDS: Final = 1.5
BACKLOG: Final = 64


class NoDirectory(Unreachable):
    """The state directory is not there."""


class Door(Protocol):
    """An open control socket."""

    def close(self) -> None:
        """Accept no more. Open connections go on."""
        ...


class Sockets(Protocol):
    """Opens and accepts byte streams by state directory. Each stream's life is told to an ``asyncio.Protocol``."""

    async def connect(self, state: Path, make: Callable[[], asyncio.Protocol]) -> None:
        """Open a stream to who holds that directory; ``connection_made`` has run when this returns. Raises
        Unreachable, NoDirectory among them."""
        ...

    async def listen(self, state: Path, make: Callable[[], asyncio.Protocol]) -> Door:
        """Accept streams for a directory that this process holds: what another one left there is replaced. Raises CannotListen."""
        ...


class _UnixDoor:
    def __init__(self, server: asyncio.Server, path: Path) -> None:
        self._server = server
        self._path = path
        self._inode = path.lstat().st_ino
        self._process = os.getpid()

    def close(self) -> None:
        self._server.close()
        with suppress(OSError):
            # In a process that was forked off it is the parent's door.
            if os.getpid() == self._process and self._path.lstat().st_ino == self._inode:
                self._path.unlink()


class UnixSockets:
    """Unix sockets with mode 0600. Both ends look who is at the other one: the same user, or root."""

    async def connect(self, state: Path, make: Callable[[], asyncio.Protocol]) -> None:
        _check_present(Unreachable)
        admission = Admission(make, owner_of(state))
        loop = asyncio.get_running_loop()
        try:
            with unforked():
                opened = left_socket(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            try:
                opened.setblocking(False)
                with _reached(state) as directory:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await loop.sock_connect(opened, str(directory / NAME))
                        await loop.create_unix_connection(lambda: admission, sock=opened)
            except BaseException:
                opened.close()
                raise
        except TimeoutError:
            raise Unreachable(f"{state / NAME} did not answer within {CONNECT_SECONDS:g} s") from None
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not state.is_dir():
                raise NoDirectory(f"the state directory {state} is not there") from None
            raise Unreachable(f"{state / NAME} can't be reached: {_reason(error)}") from None
        if admission.stranger is not None:
            raise Unreachable(f"{state / NAME} is another user's (uid {admission.stranger}), who was told nothing")

    async def listen(self, state: Path, make: Callable[[], asyncio.Protocol]) -> Door:
        _check_present(CannotListen)
        new = f".control-{os.getpid()}"
        try:
            with _reached(state) as directory, unforked(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
                (state / new).unlink(missing_ok=True)
                bound.bind(str(directory / new))
                # Nobody can connect before it listens, and then it has its mode and takes the old one's place.
                (state / new).chmod(0o600)
                listening = left_socket(bound.dup())
            try:
                listening.setblocking(False)
                server = await asyncio.get_running_loop().create_unix_server(
                    lambda: Admission(make), sock=listening, backlog=BACKLOG
                )
            except BaseException:
                listening.close()
                raise
            (state / new).replace(state / NAME)
            return _UnixDoor(server, state / NAME)
        except OSError as error:
            with suppress(OSError):
                (state / new).unlink(missing_ok=True)
            raise CannotListen(f"can't listen on {state / NAME}: {_reason(error)}") from None


@contextmanager
def _reached(state: Path) -> Iterator[Path]:
    """The directory by a path that is short enough. Raises OSError.

    Where its own is too long it is the one that Linux gives an open directory; elsewhere, for this moment, a link in a new
    temporary directory that only this user can enter.
    """
    if len(os.fsencode(state / f"{NAME}-----------")) <= PATH_BYTES:
        yield state
        return
    if _DESCRIPTORS.is_dir():
        descriptor = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield _DESCRIPTORS / str(descriptor)
        finally:
            os.close(descriptor)
        return
    private = tempfile.mkdtemp(prefix="kvtui-")
    try:
        link = Path(private) / "s"
        link.symlink_to(state)
        yield link
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _check_present(error: type[Exception]) -> None:
    if not hasattr(socket, "AF_UNIX"):
        raise error("this system has no Unix sockets: one kvtui a state directory")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
