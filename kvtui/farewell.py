"""What kvtui says when it is over: what was kept and where, what goes on without it, and how one comes back."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from kvtui.commands.reachable import known_words
from kvtui.commands.wording import counted
from kvtui.core.cluster import ClusterError
from kvtui.core.naming import named
from kvtui.core.snapshot import ClusterSnapshot, NodeState
from kvtui.notation import as_shell_word, as_word

if TYPE_CHECKING:
    from kvtui.control.session import Session
    from kvtui.options import Options

COUNTING_SECONDS: Final = 1.0
"""So long the nodes are asked for their counts; who has not answered by then is not counted."""
WRITING_SECONDS: Final = 1.0


async def said_in_leaving(cluster: Session, again: str) -> list[str]:
    """The lines for a cluster that is about to be closed, or left. ``again`` is the command that opens it anew."""
    picture, all_counted = cluster.snapshot(), False
    if not cluster.holder and not picture.stopped:
        with suppress(ClusterError), anyio.move_on_after(COUNTING_SECONDS):
            picture, all_counted = await cluster.refresh(), True
    return farewell(picture, cluster.holder, again, all_counted=all_counted)


def farewell(picture: ClusterSnapshot, holder: str, again: str, *, all_counted: bool) -> list[str]:
    """``holder`` is the other process that holds the coordinator, in words; empty where it is this one. Without ``all_counted`` the
    number of keys is not known, and none is said."""
    if holder:
        if picture.stopped:
            return [f"the coordinator in {holder} has ended; open the cluster again with: {again}"]
        return [f"the cluster goes on in {holder}"]
    elsewhere = [view for view in picture.nodes if not view.started_here]
    running = [view for view in elsewhere if view.state is not NodeState.DOWN]
    names = [f"{view.id} ({view.host}:{view.port})" for view in running]
    go_on = [f"{named(names)} {_go(running)} on"] if running else []
    if not picture.durable:
        return ["--memory: nothing is kept", *go_on]
    lines = [f"{_kept(picture, all_counted)}; open the cluster again with: {again}"]
    if picture.lost:
        lines.append(f"{counted(picture.lost, 'slot')} lost: what was in them is not counted")
    if picture.moving is not None:
        left = picture.moving.total - picture.moving.done
        lines.append(f"{counted(left, 'slot')} still had to move to other nodes: that goes on once it is open again")
    return [*lines, *go_on]


def _kept(picture: ClusterSnapshot, all_counted: bool) -> str:
    """``20,002 keys are kept in /home/ann/lab``. What could not be asked for its keys is named instead of counted."""
    own = any(view.started_here for view in picture.nodes)
    places = [as_word(picture.state_directory)] * (own or not picture.nodes)
    places += [f"{view.id} ({view.host}:{view.port})" for view in picture.nodes if not view.started_here]
    where = f"kept in {named(places)}" if own or not picture.nodes else f"kept by {named(places)}"
    if picture.stopped or not all_counted:
        return f"what was stored is {where}"
    if picture.unavailable:
        wait, known = f"wait for {named(picture.waits_for)}", picture.known_keys
        if known is None:
            return f"{counted(picture.keys, 'key')}, and those that {wait}, are {where}"
        keys = "key is" if known == 1 else "keys are"
        return f"{known_words(picture)} {keys} {where} ({known - picture.keys:,} of them {wait})"
    if not picture.keys:
        return f"no key is stored; the cluster is {where}"
    return f"{counted(picture.keys, 'key')} {'is' if picture.keys == 1 else 'are'} {where}"


def again_with(options: Options, role: str, *, default: bool) -> str:
    """The command that opens the same cluster; ``default``: its directory is the one that kvtui takes by itself."""
    words = ["kvtui", *(["shell"] if role == "shell" else [])]
    given = (
        ("--state", None if default else options.state),
        ("--secret-file", options.secret_file),
        ("--tls-ca", options.tls_ca),
        ("--tls-cert", options.tls_cert),
        ("--tls-key", options.tls_key),
    )
    for name, value in given:
        if value is not None:
            words += [name, as_shell_word(str(value))]
    return " ".join(words)


def say(lines: Sequence[str]) -> None:
    """Write them where the screen was, for whoever is still there. A terminal that takes nothing is left as it is after
    ``WRITING_SECONDS``."""
    text = "".join(f"kvtui: {line}\n" for line in lines).encode("utf-8", "replace")

    def write() -> None:
        with suppress(OSError, ValueError):
            os.write(sys.stdout.fileno(), text)

    if text:
        writing = threading.Thread(target=write, daemon=True)
        writing.start()
        writing.join(WRITING_SECONDS)


def _go(views: Sequence[object]) -> str:
    return "goes" if len(views) == 1 else "go"
