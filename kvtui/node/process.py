"""The life of one ``kvtui-node`` process: open, listen, say so, wait for the end, close."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kvtui.core.authentication import Secret
from kvtui.core.seams.chance import SystemRandom
from kvtui.core.seams.clock import LoopClock
from kvtui.core.seams.memory import open_memory
from kvtui.core.seams.parent import NoParentPipe, end_when_orphaned, watch_parent
from kvtui.core.seams.standard_streams import give_up_output, say_aside
from kvtui.core.seams.storage import EngineFailed, EngineFull, EngineLocked, EngineUnreadable, StorageEngine, let_go
from kvtui.core.seams.tls import BadTls, Tls, TlsFiles, as_node
from kvtui.core.seams.transport import CannotListen, TcpTransport
from kvtui.node.gate import Gate
from kvtui.node.server import NodeServer
from kvtui.node.store import OPENING_ENTRIES, Store


class CannotStart(Exception):
    """The node can't run as asked; the text is one line for people."""


def run(
    host: str,
    port: int,
    data: Path | None,
    *,
    parent_pipe: bool,
    secret: Secret | None = None,
    tls: TlsFiles | None = None,
) -> EngineFailed | None:
    """Run a node until a signal, or its parent's end, stops it; ``data`` None keeps everything in memory.

    With a ``secret`` it answers only who proves to know it; with ``tls`` it speaks nothing else.

    Returns why the engine failed, or None. Raises CannotStart.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(host, port, data, parent_pipe, secret, tls))


async def _serve(
    host: str, port: int, data: Path | None, parent_pipe: bool, secret: Secret | None, files: TlsFiles | None
) -> EngineFailed | None:
    ended = asyncio.Event()
    parent = os.getppid()
    tls = _load(files)
    _end_on_signals(ended)
    store = _open_store(host, port, data)
    clock = LoopClock()
    gate = None if secret is None else Gate(secret, SystemRandom(), clock, _say, certificate=tls.fingerprint)
    transport = TcpTransport(tls) if gate is None else TcpTransport(tls, gate.crowded)
    server = NodeServer(store, transport, clock, host, port, failed=lambda _: ended.set(), gate=gate, told=_say)
    try:
        watch = await watch_parent(ended.set) if parent_pipe else None
        if parent_pipe:
            end_when_orphaned(parent, ended.set)
        await server.start()
    except (CannotListen, NoParentPipe) as error:
        with suppress(EngineFailed):  # why it does not start is what is to be told
            store.close()
        raise CannotStart(str(error)) from None
    # What is there now stays: the collector never walks it again.
    gc.freeze()
    gc.enable()
    bound_host, bound_port = server.address
    shown = f"[{bound_host}]" if ":" in bound_host else bound_host
    try:
        print(f"kvtui-node listening on {shown}:{bound_port}, data in {data or 'memory'}", flush=True)
    except OSError:  # nobody may be there to read it
        give_up_output()
    await ended.wait()
    if watch is not None:
        watch.close()
    try:
        await server.close()
    except EngineFailed as failure:
        return server.failure or failure
    return server.failure


def _load(files: TlsFiles | None) -> Tls:
    try:
        return Tls() if files is None else as_node(files)
    except BadTls as error:
        raise CannotStart(str(error)) from None


def _say(line: str) -> None:
    """Tell the operator."""
    say_aside(f"kvtui-node: {line}")


def _end_on_signals(ended: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # Whoever started it with nohup wants it to outlive the terminal.
        loop.add_signal_handler(signal.SIGHUP, ended.set)
    # A program that waits for its signals in one thread blocks them in the others, and so in what these start.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def _open_store(host: str, port: int, data: Path | None, *, at_opening: int = OPENING_ENTRIES) -> Store:
    engine: StorageEngine | None = None
    try:
        engine = _open_engine(host, port, data)
        return Store(engine, SystemRandom(), at_opening=at_opening)
    except EngineLocked as error:
        raise CannotStart(f"{error}: end that one first") from None
    except (EngineUnreadable, EngineFailed, EngineFull) as error:
        if engine is not None:
            let_go(engine)
        named = str(error) if str(data) in str(error) else f"{data}: {error}"
        raise CannotStart(named) from None


def _open_engine(host: str, port: int, data: Path | None) -> StorageEngine:
    if data is None:
        return open_memory(Path(), "")
    from kvtui.core.seams.directory_trust import UnsafeDirectory, admit_store
    from kvtui.core.seams.rocksdb import open_rocksdb

    try:
        warning = admit_store(data)
    except UnsafeDirectory as error:
        raise CannotStart(str(error)) from None
    if warning:
        _say(warning)
    place = f" on {host}:{port}" if port else ""
    return open_rocksdb(data, f"kvtui-node{place}, process {os.getpid()}")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
