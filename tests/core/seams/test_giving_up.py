"""A store is given up: its own files go, nothing else does, and what could not be deleted never opens as an older store."""

import os
from pathlib import Path

import pytest

from kvtui.core.seams.giving_up import GIVEN_UP_FILE, belongs_to_a_store, give_up, was_given_up
from kvtui.core.seams.launcher import Discarded
from kvtui.core.seams.rocksdb import open_rocksdb
from kvtui.core.seams.storage import Batch, EngineUnreadable


def a_store(directory: Path) -> Path:
    """One that was opened, written to and closed."""
    engine = open_rocksdb(directory, "a test", reserve=0)
    engine.apply(Batch(changes=[(b"key", b"value")]))
    engine.close()
    return directory


def value_in(directory: Path) -> bytes | None:
    engine = open_rocksdb(directory, "a test", reserve=0)
    try:
        return engine.get(b"key")
    finally:
        engine.close()


def test_all_that_a_store_makes_is_known_and_goes_with_its_directory(tmp_path: Path) -> None:
    directory = a_store(tmp_path / "n1")
    opened = open_rocksdb(directory, "a test", reserve=0)
    assert [entry.name for entry in directory.iterdir() if not belongs_to_a_store(entry.name)] == []
    opened.close()
    assert [entry.name for entry in directory.iterdir() if not belongs_to_a_store(entry.name)] == []
    assert give_up(directory) == Discarded()
    assert not directory.exists()
    assert give_up(directory) == Discarded()


def test_a_link_stays_and_what_it_leads_to_is_emptied(tmp_path: Path) -> None:
    """``rmtree`` refuses a link, and that ended the coordinator."""
    target = a_store(tmp_path / "big" / "n1")
    link = tmp_path / "n1"
    link.symlink_to(target)
    assert give_up(link) == Discarded()
    assert (link.is_symlink(), list(target.iterdir())) == (True, [])
    assert value_in(link) is None


def test_a_strangers_file_stays_and_is_named(tmp_path: Path) -> None:
    directory = a_store(tmp_path / "n1")
    (directory / "thesis.tex").write_text("years")
    (directory / "pictures").mkdir()
    discarded = give_up(directory)
    assert discarded == Discarded(f"{directory} still holds pictures, thesis.tex, which no node made")
    assert sorted(entry.name for entry in directory.iterdir()) == ["pictures", "thesis.tex"]


def test_no_link_within_is_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "000001.log").write_text("another's")
    directory = a_store(tmp_path / "n1")
    (directory / "999999.log").symlink_to(elsewhere / "000001.log")
    (directory / "LOG.old.1").symlink_to(elsewhere)
    assert give_up(directory) == Discarded()
    assert (elsewhere / "000001.log").read_text() == "another's"


def test_what_can_not_be_deleted_never_opens_as_an_older_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = a_store(tmp_path / "n1")
    log = next(entry.name for entry in directory.glob("*.log"))
    unlink = os.unlink

    def immutable(name: str, *, dir_fd: int | None = None) -> None:
        if name == log:
            raise PermissionError(1, "Operation not permitted")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", immutable)
    assert give_up(directory) == Discarded(f"{directory}: {log} can't be deleted: Operation not permitted")
    assert (was_given_up(directory), sorted(entry.name for entry in directory.iterdir())) == (
        True,
        sorted([log, GIVEN_UP_FILE]),
    )
    with pytest.raises(EngineUnreadable, match="but no store"):
        open_rocksdb(directory, "a test", reserve=0)
    monkeypatch.undo()
    # The next who comes deletes the rest.
    assert give_up(directory) == Discarded()
    assert not directory.exists()


def test_a_store_that_can_not_be_touched_is_intact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = a_store(tmp_path / "n1")

    def read_only(source: str, target: str, **_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "rename", read_only)
    assert give_up(directory) == Discarded(f"{directory} can't be emptied: Read-only file system", intact=True)
    monkeypatch.undo()
    assert value_in(directory) == b"value"


def test_a_link_to_another_users_directory_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = a_store(tmp_path / "theirs")
    link = tmp_path / "n1"
    link.symlink_to(target)
    monkeypatch.setattr(os, "geteuid", lambda: target.stat().st_uid + 1)
    discarded = give_up(link)
    assert (discarded.intact, "another user" in discarded.left) == (True, True)
    monkeypatch.undo()
    assert value_in(target) == b"value"


def test_a_place_where_something_is_mounted_stays_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = a_store(tmp_path / "n1")

    def busy(path: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rmdir", busy)
    assert give_up(directory) == Discarded()
    assert list(directory.iterdir()) == []


def test_what_is_no_directory_is_told(tmp_path: Path) -> None:
    file = tmp_path / "n1"
    file.write_text("no store")
    assert give_up(file) == Discarded(f"{file} can't be emptied: Not a directory", intact=True)
    assert file.exists()
