"""Files that kvtui makes for itself: nobody else's to read, and never written through a link."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvtui.core.seams.private_files import NotOurs, make_private_directory, open_private, read_private, write_private

APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    made = make_private_directory(tmp_path / "a" / "b")
    write_private(tmp_path / "a" / "b" / "written", b"x")
    os.close(open_private(tmp_path / "a" / "b" / "appended", APPENDING))
    assert made == [tmp_path / "a", tmp_path / "a" / "b"]
    assert [_mode(path) for path in made] == [0o700, 0o700]
    assert [_mode(tmp_path / "a" / "b" / name) for name in ("written", "appended")] == [0o600, 0o600]


def test_an_older_file_of_ours_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("much longer than it will be")
    (tmp_path / "f").chmod(0o666)
    write_private(tmp_path / "f", b"new")
    assert (_mode(tmp_path / "f"), (tmp_path / "f").read_bytes()) == (0o600, b"new")


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d").chmod(0o755)
    assert make_private_directory(tmp_path / "d") == []
    assert _mode(tmp_path / "d") == 0o755


def test_a_link_to_a_directory_will_do(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("d")
    assert make_private_directory(tmp_path / "link") == []


def test_a_link_that_leads_nowhere_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(NotOurs, match="link that leads nowhere"):
        make_private_directory(tmp_path / "link")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("flags", [APPENDING, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_RDONLY])
def test_no_link_is_followed(tmp_path: Path, flags: int) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "HOLDER").symlink_to("precious")
    (tmp_path / "dangling").symlink_to("elsewhere")
    for name in ("HOLDER", "dangling"):
        with pytest.raises(NotOurs, match=f"{name} is a link"):
            open_private(tmp_path / name, flags)
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()


def test_another_name_of_a_file_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    for name in ("HOLDER", "log"):
        os.link(tmp_path / "precious", tmp_path / name)
    write_private(tmp_path / "HOLDER", b"me")
    with pytest.raises(NotOurs, match="another name"):
        open_private(tmp_path / "log", APPENDING)
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "HOLDER").read_text() == "me"


@pytest.mark.parametrize("flags", [APPENDING, os.O_RDONLY])
def test_a_fifo_holds_nobody_up(tmp_path: Path, flags: int) -> None:
    os.mkfifo(tmp_path / "kvtui.log")
    with pytest.raises(NotOurs, match="no plain file"):
        open_private(tmp_path / "kvtui.log", flags)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_private(tmp_path / "f", b"abc")
    assert (read_private(tmp_path / "f"), read_private(tmp_path / "f", 2)) == (b"abc", b"ab")
    with pytest.raises(FileNotFoundError):
        read_private(tmp_path / "g")


def test_files_are_not_inherited(tmp_path: Path) -> None:
    descriptor = open_private(tmp_path / "f", APPENDING)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of two users")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "HOLDER").write_text("theirs")
    os.chown(tmp_path / "HOLDER", 54321, 54321)
    with pytest.raises(NotOurs, match="another user"):
        write_private(tmp_path / "HOLDER", b"me")
    assert (tmp_path / "HOLDER").read_text() == "theirs"
