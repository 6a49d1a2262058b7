"""What a person names as a file may be a pipe: what is written to it is read, and one that nobody writes to is given up."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kvtui.config import ConfigError, read_configuration
from kvtui.core.authentication import BadSecret
from kvtui.core.seams import given_file
from kvtui.core.seams.given_file import as_regular_file, read_given
from kvtui.core.seams.secret_source import take_secret
from kvtui.core.seams.tls import BYTES_MOST, BadTls, TlsFiles, as_coordinator, as_node


@pytest.mark.parametrize(
    "read",
    [
        lambda fifo: read_configuration(fifo, named=True),
        lambda fifo: take_secret(fifo, {}),
        lambda fifo: as_coordinator(TlsFiles(authority=fifo)),
        lambda fifo: as_node(TlsFiles(certificate=fifo)),
    ],
)
def test_a_pipe_that_nobody_writes_to_holds_up_nothing(
    read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_file, "WRITER_SECONDS", 0.05)
    os.mkfifo(fifo := tmp_path / "fifo", 0o600)
    with pytest.raises((ConfigError, BadSecret, BadTls), match="it is a pipe, and nobody writes to it"):
        read(fifo)


def test_what_a_shell_gives_in_place_of_a_file_is_read_and_no_more_of_it_than_the_limit() -> None:
    for told, most, read in ((b"theme = 1", 100, b"theme = 1"), (b"x" * 50, 20, b"x" * 21)):
        reading, writing = os.pipe()
        os.write(writing, told)
        os.close(writing)
        try:
            assert read_given(Path(f"/dev/fd/{reading}"), most) == read
        finally:
            os.close(reading)
    assert read_given(Path("/dev/null"), 10) == b""


def test_a_pipe_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_file, "PIPE_SECONDS", 0.05)
    reading, writing = os.pipe()
    try:
        os.write(writing, b"x")
        with pytest.raises(OSError, match="no end"):
            read_given(Path(f"/dev/fd/{reading}"), 10)
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    "files",
    [
        lambda huge: TlsFiles(authority=huge),
        lambda huge: TlsFiles(certificate=huge),
    ],
)
def test_a_file_without_an_end_is_not_read(files: Callable[[Path], TlsFiles], tmp_path: Path) -> None:
    """OpenSSL looked for a key through 8 GiB of nothing, for 12 seconds."""
    huge = tmp_path / "huge.pem"
    huge.touch()
    os.truncate(huge, 2 * BYTES_MOST)
    with pytest.raises(BadTls, match=r"it is larger than 4,194,304 bytes"):
        (as_node if files(huge).certificate else as_coordinator)(files(huge))
    huge.chmod(0o600)
    with pytest.raises(BadSecret, match=r"it is longer than 2,048 bytes; a secret has 1,024 at most"):
        take_secret(huge, {})


def test_a_pipe_that_is_open_to_others_is_told_for_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(fifo := tmp_path / "fifo")
    fifo.chmod(0o644)
    with pytest.raises(BadSecret, match=r"fifo is a pipe that is open to others$"):
        take_secret(fifo, {})


def test_what_came_through_a_pipe_is_a_file_while_it_is_needed() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"pem")
    os.close(writing)
    try:
        with as_regular_file(Path(f"/dev/fd/{reading}"), 10) as file:
            assert file is not None
            assert file.read_bytes() == b"pem"
        assert not file.exists()
    finally:
        os.close(reading)
