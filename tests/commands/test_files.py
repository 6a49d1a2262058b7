"""A person's files: read only if ordinary, replaced only as a whole."""

import os
from pathlib import Path

import pytest

from kvtui.commands import CommandError
from kvtui.commands.files import Replacement, named_file, opened


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    goal = tmp_path / "out.jsonl"
    goal.write_text("old")
    goal.chmod(0o640)
    replacement = Replacement(named_file(str(goal)))
    replacement.write(b"new")
    assert goal.read_text() == "old"
    replacement.commit()
    replacement.discard()
    assert goal.read_text() == "new"
    assert goal.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["out.jsonl"]


def test_what_is_discarded_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    goal = tmp_path / "out.csv"
    goal.write_text("old")
    replacement = Replacement(named_file(str(goal)))
    replacement.write(b"half")
    replacement.discard()
    assert goal.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    replacement = Replacement(named_file(str(tmp_path / "link.csv")))
    replacement.write(b"new")
    replacement.commit()
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_what_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "dir.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name, words in [
        ("absent.csv", "can't be read: No such file"),
        ("dir.csv", "is not an ordinary file"),
        ("pipe.csv", "is not an ordinary file"),
    ]:
        with pytest.raises(CommandError, match=words) as caught, opened(named_file(str(tmp_path / name))):
            pass
        assert caught.value.argument == "file"


def test_what_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(CommandError, match="is not an ordinary file"):
        Replacement(named_file(str(tmp_path / "dir.csv")))
    with pytest.raises(CommandError, match="can't be written: No such file"):
        Replacement(named_file(str(tmp_path / "nowhere" / "out.csv")))


def test_a_name_that_tells_no_format_is_refused() -> None:
    with pytest.raises(CommandError, match=r"must end in \.jsonl \(JSON lines\) or \.csv"):
        named_file("cities.txt")


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert named_file("~/a.csv").path == os.path.realpath(tmp_path / "a.csv")
