"""The log: bounded, owner's alone, without keys and values, and never on the screen."""

import logging
import threading
from pathlib import Path

import pytest

from kvtui.log import BYTES_MOST, FILE, LINE_MOST, logging_to


def test_lines_have_time_and_level_and_stay_one_line(tmp_path: Path) -> None:
    with logging_to(tmp_path):
        logging.getLogger("kvtui.core").info("node %s is UP\nor so \x1b[2J", "A")
    (line,) = (tmp_path / FILE).read_text().splitlines()
    assert line[20:] == "INFO    node A is UP\\nor so \\x1b[2J"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_what_others_say_comes_without_what_was_put_into_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with logging_to(tmp_path):
        try:
            raise KeyError("secret")
        except KeyError:
            logging.getLogger("asyncio").error("Task of %s failed\nfuture: secret", "secret", exc_info=True)
        crashing = threading.Thread(target=lambda: {}["secret"])  # type: ignore[index]
        crashing.start()
        crashing.join()
    text = (tmp_path / FILE).read_text()
    assert "asyncio: Task of %s failed (KeyError at test_log.py:" in text
    assert "a thread ended: KeyError at test_log.py:" in text
    assert "secret" not in text
    assert capfd.readouterr() == ("", "")


def test_the_log_is_bounded(tmp_path: Path) -> None:
    with logging_to(tmp_path):
        for _ in range(4 * BYTES_MOST // LINE_MOST):
            logging.getLogger("kvtui").info("x" * 2 * LINE_MOST)
    files = list(tmp_path.iterdir())
    assert len(files) == 2
    assert all(file.stat().st_size <= BYTES_MOST for file in files)
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)


def test_a_log_that_can_not_be_written_costs_nothing_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with logging_to(tmp_path / "missing"):
        logging.getLogger("kvtui").error("lost")
    with logging_to(None):
        logging.getLogger("kvtui").error("nowhere")
        logging.getLogger("asyncio").error("nowhere")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", [FILE, f"{FILE}.1"])
def test_no_link_is_followed_and_none_is_in_the_way(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    state = tmp_path / "state"
    state.mkdir()
    (state / name).symlink_to(precious)
    with logging_to(state):
        for _ in range(2 * BYTES_MOST // LINE_MOST):
            logging.getLogger("kvtui").info("x" * LINE_MOST)
    assert precious.read_text() == "precious"


def test_a_log_that_can_not_be_renamed_costs_the_log_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / f"{FILE}.1").mkdir()
    (tmp_path / f"{FILE}.1" / "kept").write_text("there")
    with logging_to(tmp_path):
        for _ in range(2 * BYTES_MOST // LINE_MOST):
            logging.getLogger("kvtui").info("x" * 2 * LINE_MOST)
    assert (tmp_path / FILE).stat().st_size <= BYTES_MOST + 2 * LINE_MOST
    assert (tmp_path / f"{FILE}.1" / "kept").read_text() == "there"
    assert capfd.readouterr() == ("", "")
