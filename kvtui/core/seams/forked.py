"""What a process that is forked off lets go of: it has copies of all that was open, and with them it would keep alive what is to
end with its parent, and locked what its parent had locked.

A descriptor is not closed there: one end of a connection takes its place, at whose other end nobody ever says a word. So its number
stays taken until whoever closes it does, and no close that comes late hits a file of the host's; and a loop that goes on there has
nothing to hear.

A program may have closed all descriptors, as daemons do, and have files of its own under their numbers: those are left alone.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple, Protocol, TypeVar
from weakref import WeakKeyDictionary

from kvtui.core.seams.same_file import Identity, identity_of

try:
    # Here, as nothing can be imported in the moment of a fork: another thread may have been importing the same.
    import ctypes
except ImportError:
    ctypes = None  # type: ignore[assignment]

OF_PARENT: Final = "the store belongs to the process that this one was forked from: open one here"
"""What who uses it there is told."""

T = TypeVar("T")


class Numbered(Protocol):
    """A socket, for example."""

    def fileno(self) -> int: ...


class _Held(NamedTuple):
    descriptors: Callable[[Any], Iterable[int | Numbered]]
    identities: frozenset[Identity | None]
    """What they were as they were handed over."""


_owners: "Final[WeakKeyDictionary[Any, _Held]]" = WeakKeyDictionary()
_followers: "Final[WeakKeyDictionary[Any, Callable[[Any], None]]]" = WeakKeyDictionary()
_making = threading.RLock()
"""Held while a descriptor is made and handed to its owner, and while a process forks: nobody forks between the two."""
_pinned: Final[list[object]] = []
_silent: Final[set[Identity | None]] = set()
"""What has taken the place of the parent's in this process."""
_LIBC: Final[Any] = None if ctypes is None or os.name != "posix" else ctypes.CDLL(None)
_ON_EXIT: Final[Any] = getattr(_LIBC, "on_exit", None)
_EXIT: Final[Any] = getattr(_LIBC, "_exit", None)
_FLUSH: Final[Any] = getattr(_LIBC, "fcloseall", None)


def left_to_parent(owner: T, descriptors: Callable[[T], Iterable[int | Numbered]]) -> None:
    """A process that is forked off lets go of these descriptors, which are open. They are asked for again at the fork, as long as
    ``owner`` lives: of what is closed by then there should be none (or a negative one)."""
    _owners[owner] = _Held(descriptors, frozenset(identity_of(_number(each)) for each in descriptors(owner)))


def is_still(number: int, identity: Identity | None) -> bool:
    """Whether a number means what it meant then, or what took its place as this process was forked off."""
    found = identity_of(number)
    return found is not None and (found == identity or found in _silent)


def part_from_strangers() -> None:
    """Sockets whose numbers mean files of the host's by now forget them: closed, they would close those."""
    for owner, held in list(_owners.items()):
        with suppress(Exception):  # what is half closed has none
            for each in held.descriptors(owner):
                number = _number(each)
                if not isinstance(each, int) and number >= 0 and identity_of(number) not in held.identities:
                    inner: Any = getattr(each, "_sock", each)  # asyncio shows its own in a wrapper
                    inner.detach()


def left_socket(owner: socket.socket) -> socket.socket:
    """A process that is forked off lets go of the socket, as long as it is open. Returns it."""
    left_to_parent(owner, lambda owner: (owner,))
    return owner


def when_forked(owner: T, act: Callable[[T], None]) -> None:
    """``act`` is called with ``owner``, if it lives, in each process that is forked off, once its descriptors were let go of. It
    must neither wait nor run anything of an event loop."""
    _followers[owner] = act


@contextmanager
def unforked() -> Iterator[None]:
    """No other thread forks while the block runs: what it opens is handed over (``left_to_parent``) in it. It must not wait."""
    with _making:
        yield


def pin(kept: object) -> None:
    """Never destroy the object in this process: its destructor would work on what is the parent's."""
    _pinned.append(kept)
    if ctypes is not None:
        # As the interpreter ends the list goes; a reference that nobody has stays.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


def without_destructors() -> None:
    """This process, which was forked off, ends without what libraries in C++ do as a process ends: they would join threads that it
    does not have. Python's own end is over then, and what it printed is written. Where the system has no ``on_exit`` (only glibc
    has), nothing happens."""
    if _ON_EXIT is not None:
        _ON_EXIT(_EXIT, None)
        # What is called first comes last.
        _ON_EXIT(_FLUSH, None)


def _number(each: int | Numbered) -> int:
    return each if isinstance(each, int) else each.fileno()


def _numbers() -> set[int]:
    found: set[int] = set()
    for owner, held in list(_owners.items()):
        with suppress(Exception):  # what is half closed has none
            numbers = {_number(each) for each in held.descriptors(owner)}
            found.update(number for number in numbers if number >= 0 and identity_of(number) in held.identities)
    return found


def _let_go(numbers: set[int]) -> None:
    """Put something silent in the place of each."""
    first = set(list(numbers)[:2])
    try:
        silent, other = socket.socketpair()
    except OSError:
        # There is no number left: two of these make room.
        for number in first:
            os.close(number)
        numbers = numbers - first
        try:
            silent, other = socket.socketpair()
        except OSError:
            for number in numbers:
                os.close(number)
            return
    other.detach()  # while it is open, it is no end
    with silent:
        silent.setblocking(False)
        _silent.add(identity_of(silent.fileno()))
        for number in numbers:
            with suppress(OSError):
                os.dup2(silent.fileno(), number, inheritable=False)


def _forked() -> None:
    _making.release()
    part_from_strangers()
    numbers = _numbers()
    if numbers:
        _let_go(numbers)
    # They are let go of for good: this process may close them, and have files of its own under their numbers when it forks.
    _owners.clear()
    followers = list(_followers.items())
    _followers.clear()
    for owner, act in followers:
        with suppress(Exception):
            act(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_making.acquire, after_in_parent=_making.release, after_in_child=_forked)
