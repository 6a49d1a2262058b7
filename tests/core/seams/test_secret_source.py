"""Where a secret comes from, and from where it is refused."""

import os
import stat
from pathlib import Path

import pytest

from kvtui.core.authentication import BadSecret
from kvtui.core.seams.secret_source import Guarded, how_guarded, take_secret

TEXT = b"correct horse battery staple"


def secret_file(tmp_path: Path, mode: int, text: bytes = TEXT + b"\n") -> Path:
    path = tmp_path / "secret"
    path.write_bytes(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_only_its_owner_reads_is_taken(tmp_path: Path, mode: int) -> None:
    secret = take_secret(secret_file(tmp_path, mode), {})
    assert secret is not None
    assert secret.reveal() == TEXT


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_a_file_that_others_can_open_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path, mode)
    with pytest.raises(BadSecret, match=f"is open to others: chmod 600 {path}"):
        take_secret(path, {})


@pytest.mark.parametrize(("text", "reason"), [(b"short", "5 bytes"), (b"x" * 5000, "bytes"), (b"", "0 bytes")])
def test_a_file_with_no_secret_in_it_is_refused(tmp_path: Path, text: bytes, reason: str) -> None:
    with pytest.raises(BadSecret, match=reason) as refusal:
        take_secret(secret_file(tmp_path, 0o600, text), {})
    assert "x" * 100 not in str(refusal.value)


def test_a_file_that_is_not_there_or_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSecret, match="no such file"):
        take_secret(tmp_path / "absent", {})
    tmp_path.chmod(0o700)
    with pytest.raises(BadSecret, match="is a directory"):
        take_secret(tmp_path, {})


def test_the_variable_is_taken_out_of_the_environment() -> None:
    environment = {b"KVTUI_SECRET": TEXT, b"HOME": b"/"}
    secret = take_secret(None, environment)
    assert secret is not None
    assert secret.reveal() == TEXT
    assert environment == {b"HOME": b"/"}
    assert take_secret(None, environment) is None


def test_this_process_hands_it_to_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVTUI_SECRET", TEXT.decode())
    assert take_secret(None) is not None
    assert "KVTUI_SECRET" not in os.environ
    assert os.popen("echo ${KVTUI_SECRET-none}").read() == "none\n"


def test_a_file_comes_before_the_variable_which_goes_nevertheless(tmp_path: Path) -> None:
    environment = {b"KVTUI_SECRET": b"another secret, quite long"}
    secret = take_secret(secret_file(tmp_path, 0o600), environment)
    assert secret is not None
    assert (secret.reveal(), environment) == (TEXT, {})


@pytest.mark.parametrize("text", [b"", b"short", b"sixteen bytes or\nmore"])
def test_a_variable_that_holds_no_secret_is_refused_and_not_taken_for_none(text: bytes) -> None:
    with pytest.raises(BadSecret, match="KVTUI_SECRET can't be used"):
        take_secret(None, {b"KVTUI_SECRET": text})


OURS, OTHERS, ROOT = 1000, 1001, 0


@pytest.mark.parametrize(
    ("mode", "owner", "user", "read_only", "guarded"),
    [
        (0o600, OURS, OURS, False, Guarded.WELL),
        (0o400, ROOT, OURS, False, Guarded.WELL),
        (0o444, OURS, OURS, False, Guarded.OPEN),
        (0o444, ROOT, ROOT, False, Guarded.OPEN),
        (0o444, OTHERS, ROOT, False, Guarded.OPEN),
        (0o600, OTHERS, ROOT, False, Guarded.FOREIGN),
        # As container engines mount them: root's, or anybody's, where nothing can be changed.
        (0o444, ROOT, OURS, False, Guarded.OPEN_FOR_GOOD),
        (0o440, ROOT, OURS, True, Guarded.OPEN_FOR_GOOD),
        (0o444, ROOT, ROOT, True, Guarded.OPEN_FOR_GOOD),
        (0o444, OURS, OURS, True, Guarded.OPEN_FOR_GOOD),
        (0o444, OTHERS, OURS, False, Guarded.OPEN_FOR_GOOD),
        (0o666, OTHERS, OURS, True, Guarded.OPEN_FOR_GOOD),
        (0o666, ROOT, OURS, False, Guarded.WRITABLE),
        (0o664, OTHERS, OURS, False, Guarded.WRITABLE),
    ],
)
def test_what_could_have_been_prevented_is_refused_and_nothing_else(
    mode: int, owner: int, user: int, read_only: bool, guarded: Guarded
) -> None:
    file = os.stat_result((stat.S_IFREG | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))
    assert how_guarded(file, user, read_only=read_only) is guarded


def test_a_file_that_this_user_can_not_close_is_taken_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told = secret_file(tmp_path, 0o444), list[str]()
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    secret = take_secret(path, {}, told.append)
    assert secret is not None
    assert secret.reveal() == TEXT
    assert told == [
        f"the secret file {path} is open to others, and this user can't change that: who can read it may do all"
    ]
