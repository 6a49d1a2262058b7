"""Other users of the machine: what they prepare is not trusted, what runs is not theirs, what is stored they can't read."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.other_users import ALICE, MALLORY, code, home_of, kvtui, missing, place, running, serving

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "never")

FAKE = """
    import os, socket, sys
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(sys.argv[1])
    os.chmod(sys.argv[1], 0o777)
    listening.listen(16)
    print("ready", flush=True)
    while True:
        peer, _ = listening.accept()
        peer.settimeout(5)
        try:
            print("heard", len(peer.recv(1000)), flush=True)
        except OSError:
            print("heard 0", flush=True)
        peer.close()
"""
ASKING = """
    import socket, sys
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(sys.argv[1])
    try:
        peer.sendall(b'{"protocol":1,"who":"mallory"}\\n')
        print("told", len(peer.recv(1000)))
    except ConnectionError:
        print("told 0")
"""


@pytest.fixture
def ground() -> Iterator[Path]:
    with place() as ground:
        yield ground


def _modes(state: Path) -> dict[str, str]:
    """Everything below that others can do anything with."""
    found = {}
    for path in (state, *state.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077:
            found[str(path.relative_to(state.parent))] = oct(mode)
    return found


@pytest.mark.parametrize("umask", [0o000, 0o022], ids=oct)
def test_all_that_kvtui_makes_is_its_users_alone_whatever_the_umask(ground: Path, umask: int) -> None:
    state = home_of(ALICE, ground / "alice") / "lab"
    with serving(ALICE, state, "--nodes", "2", "--replicas", "1", umask=umask):
        saved = ground / "alice" / "saved.jsonl"
        put = kvtui(ALICE, state, "-c", "put password hunter2", "-c", f"save {saved}", umask=umask)
        assert put.returncode == 0, put.stderr
        assert {path.name for path in state.iterdir()} >= {"control.sock", "kvtui.log", "metadata", "nodes"}
        assert _modes(state) == {}
        assert stat.S_IMODE(saved.stat().st_mode) == 0o666 & ~umask, "what a person names keeps that person's umask"
    assert _modes(state) == {}


def test_another_user_neither_attaches_nor_rebuilds_nor_opens(ground: Path) -> None:
    alice, mallory = home_of(ALICE, ground / "alice"), home_of(MALLORY, ground / "mallory")
    state = alice / "lab"
    with serving(ALICE, state, "--nodes", "2", "--replicas", "2"):
        shown = kvtui(ALICE, state, "-c", "put password hunter2", "-c", "show")
        ports = re.findall(r"127\.0\.0\.1:(\d+)", shown.stdout)
        assert len(ports) == 2, shown
        rebuilt = kvtui(MALLORY, mallory / "own", "recover", *ports)
        assert (rebuilt.returncode, rebuilt.stderr.count("\n")) == (2, 1)
        assert "wants a secret" in rebuilt.stderr
        attached = kvtui(MALLORY, state, "-c", "get password")
        assert (attached.returncode, attached.stdout, attached.stderr.count("\n")) == (2, "", 1)
        assert "not readable" in attached.stderr or f"{state} belongs to uid {ALICE}" in attached.stderr
        again = kvtui(ALICE, state, "-c", "get password")
        assert "password -> hunter2" in again.stdout, again


def test_links_that_another_user_prepared_lead_nowhere(ground: Path) -> None:
    """Files of the user were overwritten and added to through links named HOLDER and kvtui.log."""
    alice, shared = home_of(ALICE, ground / "alice"), home_of(MALLORY, ground / "lab")
    shared.chmod(0o777)
    (shared / "metadata").mkdir()
    os.chown(shared / "metadata", MALLORY, MALLORY)
    (shared / "metadata").chmod(0o777)
    links = {"metadata/HOLDER": "1", "metadata/CLOSED": "2", "kvtui.log": "3", "history": "4", "control.sock": "5"}
    for name, target in links.items():
        (alice / target).write_text("precious\n")
        os.chown(alice / target, ALICE, ALICE)
        (shared / name).symlink_to(alice / target)
        os.lchown(shared / name, MALLORY, MALLORY)
    refused = kvtui(ALICE, shared, "--nodes", "1", "-c", "put a 1")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"{shared} belongs to uid {MALLORY}, who can change what is in it" in refused.stderr
    assert [(alice / target).read_text() for target in links.values()] == ["precious\n"] * len(links)
    # The same where the directory has become the user's own since: none of the links is followed.
    for path in (shared, shared / "metadata"):
        os.chown(path, ALICE, ALICE)
        path.chmod(0o755)
    kvtui(ALICE, shared, "--nodes", "1", "-c", "put a 1")
    assert [(alice / target).read_text() for target in links.values()] == ["precious\n"] * len(links)


def test_who_listens_in_a_users_place_is_told_nothing(ground: Path) -> None:
    state = home_of(ALICE, ground / "lab")
    state.chmod(0o777)
    with running(MALLORY, *code(FAKE), str(state / "control.sock")) as fake:
        assert fake.stdout is not None
        assert fake.stdout.readline() == "ready\n"
        open_to_all = kvtui(ALICE, state, "-c", "put password hunter2")
        assert (open_to_all.returncode, open_to_all.stderr.count("\n")) == (2, 1)
        assert f"chmod o-w {state}" in open_to_all.stderr
        assert fake.stdout.readline() == "heard 0\n"
        state.chmod(0o755)
        mended = kvtui(ALICE, state, "--nodes", "1", "-c", "put password hunter2", "-c", "get password")
        assert "password -> hunter2" in mended.stdout, mended
        assert fake.stdout.readline() == "heard 0\n"


def test_who_comes_to_a_users_socket_is_told_nothing(ground: Path) -> None:
    state = home_of(ALICE, ground / "lab")
    with serving(ALICE, state, "--nodes", "1"):
        (state / "control.sock").chmod(0o777)
        with running(MALLORY, *code(ASKING), str(state / "control.sock")) as asking:
            assert asking.stdout is not None
            assert asking.stdout.readline() == "told 0\n"
        assert kvtui(ALICE, state, "-c", "put a 1").returncode == 0


def test_root_attaches_to_a_users_kvtui_and_leaves_nothing_of_its_own_there(ground: Path) -> None:
    state = home_of(ALICE, ground / "lab")
    with serving(ALICE, state, "--nodes", "1"):
        (state / "kvtui.log").unlink()
        done = kvtui(0, state, "-c", "put a 1", "-c", "get a")
        assert done.returncode == 0, done.stderr
        assert "a -> 1" in done.stdout
        assert {path.lstat().st_uid for path in state.rglob("*")} == {ALICE}
    before = sorted(state.rglob("*"))
    refused = kvtui(0, state, "-c", "get a")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"{state} belongs to uid {ALICE}" in refused.stderr
    assert "run this as that user" in refused.stderr
    assert sorted(state.rglob("*")) == before


def test_a_node_keeps_no_data_where_another_user_can_change_it(ground: Path) -> None:
    theirs = home_of(MALLORY, ground / "theirs")
    with running(ALICE, "-m", "kvtui.node", "0", "--data", str(theirs)) as node:
        said, _ = node.communicate(timeout=30)
        assert node.returncode == 2
        assert said.count("\n") == 1
        assert f"{theirs} belongs to uid {MALLORY}" in said
    assert list(theirs.iterdir()) == []


def test_an_old_state_directory_opens_and_is_closed_to_others_then(ground: Path) -> None:
    """As a umask of 002 left it: nothing is refused."""
    state = home_of(ALICE, ground / "lab")
    assert kvtui(ALICE, state, "--nodes", "1", "-c", "put a 1").returncode == 0
    for path in (state, *state.rglob("*")):
        path.chmod(0o775 if path.is_dir() else 0o664)
    again = kvtui(ALICE, state, "-c", "get a")
    assert (again.returncode, again.stderr) == (0, "")
    assert "a -> 1" in again.stdout
    assert stat.S_IMODE(state.stat().st_mode) == 0o755, "the group can't write there any more"
    assert {stat.S_IMODE((state / name).stat().st_mode) for name in ("metadata", "nodes")} == {0o700}
