"""Paths as people write them."""

import os
from pathlib import Path

import pytest

from kvtui.core.seams.named_path import BadPath, named_path


def test_a_path_becomes_absolute_and_its_tilde_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert [named_path(text) for text in ("lab", ".", "/lab", "~/lab", "a~b")] == [
        tmp_path / "lab",
        tmp_path,
        Path("/lab"),
        Path("/home/me/lab"),
        tmp_path / "a~b",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "it is empty"), ("~nosuchuser/x", "no user is called nosuchuser"), ("a\0b", "zero bytes")],
)
def test_what_names_no_place_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(BadPath, match=words) as refused:
        named_path(text)
    assert "\n" not in str(refused.value)


def test_in_a_directory_that_was_deleted_only_whole_paths_name_a_place(tmp_path: Path) -> None:
    before = os.getcwd()
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    try:
        (tmp_path / "gone").rmdir()
        assert named_path("/lab") == Path("/lab")
        with pytest.raises(BadPath, match="lab lies below the current directory, which was deleted"):
            named_path("lab")
    finally:
        os.chdir(before)
