"""Where a person's files are: also for who has no home directory."""

import os
import pwd
from pathlib import Path

import pytest

from kvtui.config import read_configuration
from kvtui.config.places import config_place, default_state, theme_choice, user_state
from kvtui.core.cluster import ClusterError


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither HOME nor the list of users says where home is."""

    def unknown(user: int) -> pwd.struct_passwd:
        raise KeyError(user)

    for name in [name for name in os.environ if name == "HOME" or name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.usefixtures("homeless")
def test_who_has_no_home_has_no_files_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` was a directory of whatever the current one was, or a crash."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~" / ".config" / "kvtui").mkdir(parents=True)
    (tmp_path / "~" / ".config" / "kvtui" / "config.toml").write_text("nonsense")
    place = config_place(None, {})
    assert (place.file, place.themes, user_state(), theme_choice()) == (None, None, None, None)
    assert read_configuration(place.file, named=place.named) == read_configuration(tmp_path / "none", named=False)
    with pytest.raises(ClusterError, match="no home directory to keep a cluster in"):
        default_state()


@pytest.mark.usefixtures("homeless")
def test_what_the_environment_names_needs_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state().is_relative_to(tmp_path)
    assert config_place(tmp_path / "mine.toml", {}).file == tmp_path / "mine.toml"


def test_a_home_that_is_no_directory_has_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "null").write_text("")
    file = tmp_path / "null" / ".config" / "kvtui" / "config.toml"
    assert read_configuration(file, named=False) == read_configuration(None, named=False)
