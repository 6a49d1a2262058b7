"""The seam of the control socket: streams between processes of one state directory, and its real implementation on Unix sockets."""

import asyncio
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from kvtui.control.held_here import Held
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
LOOK_SECONDS: Final = 1.0
"""How often an open one is looked after."""

_log = logging.getLogger(__name__)


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
    """It is looked after: what deletes old files of a temporary directory deletes sockets, too, and who has the door open would be
    held to have ended by nobody, and reached by nobody."""

    def __init__(self, server: asyncio.Server, state: Path, make: Callable[[], asyncio.Protocol]) -> None:
        """Raises OSError."""
        self._server = server
        self._state = state
        self._make = make
        self._path = state / NAME
        self._inode = self._path.lstat().st_ino
        self._held = Held(state)
        self._mending: asyncio.Task[None] | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._look_later()

    def close(self) -> None:
        self._closed = True
        self._timer.cancel()
        self._held.end()
        self._server.close()
        with suppress(OSError):
            # In a process that was forked off it is the parent's door.
            if self._held.here and self._path.lstat().st_ino == self._inode:
                self._path.unlink()

    def _look_later(self) -> None:
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        if os.path.lexists(self._path) or not self._held.there:
            self._look_later()
        else:
            self._mending = self._loop.create_task(self._mend(), name="kvtui")

    async def _mend(self) -> None:
        try:
            server = await _listening(self._state, self._make)
            self._server.close()
            self._server, self._inode = server, self._path.lstat().st_ino
            _log.warning("%s was deleted, and is made anew", self._path)
        except OSError as error:
            _log.debug("%s was deleted, and can't be made anew: %s", self._path, _reason(error))
        if self._closed:
            self.close()
        else:
            self._look_later()


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
        try:
            server = await _listening(state, make)
            try:
                return _UnixDoor(server, state, make)
            except OSError:
                server.close()
                raise
        except OSError as error:
            raise CannotListen(f"can't listen on {state / NAME}: {_reason(error)}") from None


async def _listening(state: Path, make: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    """Raises OSError."""
    new = state / f".control-{os.getpid()}"
    try:
        with _reached(state) as directory, unforked(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
            new.unlink(missing_ok=True)
            bound.bind(str(directory / new.name))
            # Nobody can connect before it listens, and then it has its mode and takes the old one's place.
            new.chmod(0o600)
            listening = left_socket(bound.dup())
        try:
            listening.setblocking(False)
            server = await asyncio.get_running_loop().create_unix_server(
                lambda: Admission(make), sock=listening, backlog=BACKLOG
            )
        except BaseException:
            listening.close()
            raise
        try:
            new.replace(state / NAME)
        except OSError:
            server.close()
            raise
        return server
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise


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
