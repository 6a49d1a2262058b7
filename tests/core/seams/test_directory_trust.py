"""Whose directories are used: one's own and root's, unless every user can write there."""

import os
import stat
from pathlib import Path

import pytest

from kvtui.core.seams.directory_trust import Standing, UnsafeDirectory, admit, admit_state, admit_store, judge, owner_of

OURS, OTHERS = 1000, 1001


def _status(kind: int, mode: int, owner: int) -> os.stat_result:
    return os.stat_result((kind | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("owner", "mode", "user", "standing"),
    [
        (OURS, 0o700, OURS, Standing.SOUND),
        (OURS, 0o755, OURS, Standing.SOUND),
        (OURS, 0o775, OURS, Standing.GROUP_WRITABLE),
        (OURS, 0o777, OURS, Standing.WORLD_WRITABLE),
        (OURS, 0o1777, OURS, Standing.WORLD_WRITABLE),
        (OURS, 0o702, OURS, Standing.WORLD_WRITABLE),
        (0, 0o755, OURS, Standing.SOUND),
        (0, 0o770, OURS, Standing.SOUND),
        (0, 0o1777, OURS, Standing.WORLD_WRITABLE),
        (OTHERS, 0o700, OURS, Standing.FOREIGN),
        (OTHERS, 0o777, OURS, Standing.FOREIGN),
        (OTHERS, 0o755, 0, Standing.FOREIGN),
    ],
)
def test_owner_and_mode_decide(owner: int, mode: int, user: int, standing: Standing) -> None:
    status = _status(stat.S_IFDIR, mode, owner)
    assert judge(status, status, user) is standing


@pytest.mark.parametrize(
    ("maker", "standing"), [(OURS, Standing.SOUND), (0, Standing.SOUND), (OTHERS, Standing.FOREIGN_LINK)]
)
def test_a_link_is_as_good_as_who_made_it(maker: int, standing: Standing) -> None:
    assert judge(_status(stat.S_IFLNK, 0o777, maker), _status(stat.S_IFDIR, 0o700, OURS), OURS) is standing


def test_one_that_is_missing_is_left_to_who_makes_it(tmp_path: Path) -> None:
    assert admit(tmp_path / "lab") == ""
    assert owner_of(tmp_path / "lab") == os.geteuid()
    assert not (tmp_path / "lab").exists()


def test_one_that_its_group_can_write_to_is_closed_to_it(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab").chmod(0o2775)
    assert admit(tmp_path / "lab") == ""
    assert stat.S_IMODE((tmp_path / "lab").stat().st_mode) == 0o2755


def test_one_that_everybody_can_write_to_is_refused_with_the_cure(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    lab.chmod(0o777)
    with pytest.raises(UnsafeDirectory, match=f"chmod o-w {lab}"):
        admit(lab)
    assert stat.S_IMODE(lab.stat().st_mode) == 0o777
    lab.chmod(0o775)
    assert admit(lab) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make directories of two users")
def test_one_of_another_user_is_refused_and_not_changed(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    os.chown(lab, 54321, 54321)
    with pytest.raises(UnsafeDirectory, match="belongs to uid 54321"):
        admit(lab)
    assert owner_of(lab) == 54321
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to("own")
    os.lchown(tmp_path / "link", 54321, 54321)
    with pytest.raises(UnsafeDirectory, match="is a link that uid 54321 made"):
        admit(tmp_path / "link")


@pytest.mark.parametrize("name", ["HOLDER", "CLOSED", "LOCK", "LOG", "000004.log", "rocksdict-config.json"])
def test_a_store_with_a_link_is_refused_unless_it_is_only_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "000007.sst").symlink_to("elsewhere")
    assert admit_store(tmp_path) == ""
    (tmp_path / name).symlink_to("elsewhere")
    with pytest.raises(UnsafeDirectory, match=f"holds a link, {name},"):
        admit_store(tmp_path)
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "metadata").symlink_to(tmp_path)
    with pytest.raises(UnsafeDirectory, match=f"holds a link, {name},"):
        admit_state(tmp_path / "lab")


def test_what_older_versions_left_open_within_a_state_directory_is_closed(tmp_path: Path) -> None:
    """The state directory's own mode is a person's to set; where a link leads is not changed either."""
    for name in ("", "metadata", "elsewhere"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "nodes").symlink_to("elsewhere")
    assert admit_state(tmp_path) == []
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("", "metadata", "elsewhere")]
    assert modes == [0o755, 0o700, 0o755]
    assert admit_state(tmp_path / "new") == []
    assert not (tmp_path / "new").exists()
