"""Themes: a person's own, one that is missing or broken, and the one that was chosen last."""

import os
from pathlib import Path

import pytest

from kvtui.config import Look
from kvtui.config.chosen_theme import remember_theme, remembered_theme
from kvtui.widgets.theme_files import COLOURS, ThemeProblem, theme_of, user_themes
from tests.widgets import frozen
from tests.widgets.frozen import FrozenCluster
from tests.widgets.running import running
from tests.widgets.sight import contrast

SEA = 'name = "sea"\ndark = true\n[colours]\nprimary = "#3fa9f5"\nbackground = "#001018"\nforeground = "white"\n'


def test_a_theme_file_is_a_theme() -> None:
    theme = theme_of(SEA)
    assert (theme.name, theme.dark, theme.primary, theme.background) == ("sea", True, "#3FA9F5", "#001018")
    assert set(COLOURS) >= {"primary", "foreground", "error"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "x"', "colours.primary: missing"),
        ('[colours]\nprimary = "red"', "name"),
        ('name = "[/"\n[colours]\nprimary = "red"', "name: a name in quotes"),
        ('name = "x\\u200b"\n[colours]\nprimary = "red"', "name: a name in quotes"),
        ('name = "x"\ndark = 1\n[colours]\nprimary = "red"', "dark: true or false"),
        ('name = "x"\n[colours]\nprimry = "red"', "did you mean primary?"),
        ('name = "x"\n[colours]\nprimary = "reddish"', "colours.primary"),
        ('name = "x"\n[colours]\nprimary = 3', "colours.primary"),
        ('name = "x"\n[colours]\nprimary = "ansi_red"', "colours.primary"),
        ('name = "x"\ncolors = 3', "no such setting"),
        ("name", "not TOML"),
        ('name = "x"\n"a\\nb" = 3', r'"a\\nb": no such setting'),
        ("dark = " + 5_000 * "1", "a number in it is longer"),
        ("a = 1\nb = " + 20_000 * "[", "line 2: brackets within brackets"),
        ('name = "x"\nname = "y"', "line 2: name is set already"),
    ],
)
def test_what_is_wrong_with_a_theme_is_told(text: str, words: str) -> None:
    with pytest.raises(ThemeProblem, match=words.replace("?", r"\?")):
        theme_of(text)


def test_broken_files_and_taken_names_are_left_out_and_told(tmp_path: Path) -> None:
    for name, text in (("a.toml", SEA), ("b.toml", SEA), ("c.toml", "name"), ("d.toml", SEA.replace("sea", "nord"))):
        (tmp_path / name).write_text(text)
    (tmp_path / "e.toml").write_bytes(b"\xff")
    (tmp_path / "f.toml").mkdir()
    os.mkfifo(tmp_path / "g.toml")
    (tmp_path / "notes.txt").write_text("no theme")
    found = user_themes(tmp_path, {"nord"})
    assert [theme.name for theme in found.themes] == ["sea"]
    assert [problem.split()[1] for problem in found.problems] == [
        "b.toml",
        "c.toml",
        "d.toml",
        "e.toml",
        "f.toml",
        "g.toml",
    ]
    assert user_themes(tmp_path / "nowhere", ()).problems == ()
    assert user_themes(tmp_path / "notes.txt" / "themes", ()).problems == ()


def test_a_choice_holds_until_the_configuration_names_another(tmp_path: Path) -> None:
    file = tmp_path / "state" / "theme.json"
    assert remembered_theme(file, "nord") == "nord"
    remember_theme(file, "sea", "nord")
    assert remembered_theme(file, "nord") == "sea"
    assert remembered_theme(file, "dracula") == "dracula"
    for broken in (b"broken", b'{"chosen":"\xff","instead_of":"nord"}', b'{"more":' + b"[" * 10_000):
        file.write_bytes(broken)
        assert remembered_theme(file, "nord") == "nord"
    remember_theme(tmp_path / "state" / "theme.json" / "x", "sea", "nord")  # can't be written: nothing happens
    assert remembered_theme(None, "nord") == "nord"


@pytest.mark.anyio
async def test_a_theme_of_ones_own_is_there_and_a_choice_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "sea.toml").write_text(SEA)
    look = Look(theme="sea", themes=tmp_path, choice=tmp_path / "theme.json")
    async with running(FrozenCluster(frozen.healthy()), look=look) as shown:
        assert shown.app.theme == "sea"
        shown.app.theme = "nord"
        await shown.until(lambda: (tmp_path / "theme.json").exists())
    async with running(FrozenCluster(frozen.healthy()), look=look) as shown:
        assert shown.app.theme == "nord"


@pytest.mark.anyio
async def test_a_missing_or_broken_theme_falls_back_with_a_notice(tmp_path: Path) -> None:
    (tmp_path / "sea.toml").write_text(SEA.replace("#3fa9f5", "wet"))
    async with running(FrozenCluster(frozen.healthy()), look=Look(theme="sea", themes=tmp_path)) as shown:
        assert shown.app.theme == "kvtui-night"
        told = shown.said
        assert "theme sea.toml is left out: colours.primary" in told
        assert "there is no theme sea; kvtui-night takes its place" in told


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("theme", "least"), [("kvtui-contrast", 4.5), ("kvtui-night", 1.3), ("kvtui-day", 1.3), ("nord", 1.2)]
)
async def test_frames_can_be_seen_and_well_in_the_theme_of_high_contrast(theme: str, least: float) -> None:
    async with running(FrozenCluster(frozen.healthy()), look=Look(theme=theme)) as shown:
        for panel in ("#ring", "#nodes", "#stats", "#activity"):
            styles = shown.dashboard.query_one(panel).styles
            over = styles.background
            assert contrast((over + styles.border_top[1]).rgb, over.rgb) >= least
