"""The configuration file: what it says, and the one line that tells what is wrong with it."""

import os
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.config import (
    ConfigError,
    Configuration,
    NotRead,
    configuration_of,
    environment_of,
    overruled,
    read_configuration,
    told,
)
from kvtui.config.chosen_theme import remembered_theme
from kvtui.config.configuration import ALLOWED, GLYPHS
from kvtui.config.places import VARIABLE, config_place
from kvtui.widgets.ring.glyphs import Glyphs


def test_a_file_that_says_nothing_changes_nothing() -> None:
    assert configuration_of("") == Configuration()
    assert configuration_of("# only a remark\n") == Configuration()


def test_every_setting_is_read() -> None:
    text = 'theme = "nord"\nmotion = "reduced"\nglyphs = "ascii"\nstate = "~/lab"\nnodes = 3\nreplicas = 2\n[keys]\nhelp = "f9"\n'
    assert configuration_of(text) == Configuration(
        theme="nord",
        motion="reduced",
        glyphs="ascii",
        state="~/lab",
        nodes=3,
        replicas=2,
        keys={"help": "f9"},
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('thme = "nord"', ["thme", "did you mean theme?"]),
        ("colour = 1", ["colour", "theme, motion, glyphs"]),
        ('motion = "fast"', ["motion", '"full" or "reduced"', '"fast"']),
        ("motion = true", ["motion", '"full" or "reduced"', "true"]),
        ('glyphs = "braille"', ["glyphs", '"halves"']),
        ("nodes = -1", ["nodes", "from 0", "-1"]),
        ("nodes = true", ["nodes", "from 0", "true"]),
        ('nodes = "3"', ["nodes", '"3"']),
        ("replicas = 9", ["replicas", "1 to 8"]),
        ('state = "lab"', ["state", "/ or ~"]),
        ('theme = ""', ["theme", "the name of a theme"]),
        ("keys = 3", ["keys", "[keys]"]),
        ("[keys]\nhelp = 1", ["keys.help", '"f1"']),
        ('[keys]\nhlep = "f1"', ["keys.hlep", "did you mean help?"]),
        ('[keys]\nhelp = "f2"', ["keys.help", '"f2" is the key of ring_view']),
        ('[keys]\nhelp = "f9"\nring_view = "f9"', ['"f9" is the key of']),
        ('[keys]\nhelp = "a"', ["keys.help", "typed into the command bar"]),
        ('[keys]\nhelp = "ctrl+a"', ["keys.help", "edits the line"]),
        ('[keys]\nhelp = "ctrl+i"', ["keys.help", "is tab to a terminal"]),
        ('[keys]\nhelp = "hyperspace"', ["keys.help", "is no key"]),
        ('[keys]\nhelp = ""', ["keys.help", "is no key"]),
        ("nodes == 3", ["not TOML", "line 1"]),
        ('state = "a\\nb"', [r'not "a\nb"']),
        ('state = "a\\u0000b"', [r'not "a\x00b"']),
        ('state = "a·b"', ['not "a·b"']),
        (r'state = "a\\nb"', [r'not "a\\nb"']),
        ('"a\\nb" = 1', [r'"a\nb" is no setting']),
        ('"it\'s" = 1', ["it's is no setting"]),
        ('[keys]\n"a\\nb" = "f1"', [r'keys."a\nb": no such action']),
        ('[keys]\nhelp = "f\\n1"', [r'keys.help: "f\n1" is no key']),
        ('nodes = ["a\\nb"]', ["nodes", "not an array"]),
        ("nodes = 1\nstate = " + 20_000 * "[" + "\n# more", ["line 2: brackets within brackets"]),
        ("nodes = " + 5_000 * "1", ["a number in it is longer"]),
        ("nodes = 0x" + 5_000 * "f", ["nodes", "not a number as long as that"]),
        ('theme = "a"\ntheme = "b"\nnodes = 1', ["line 2: theme is set already"]),
        ('theme = "a"\ntheme = "b"', ["line 2: theme is set already"]),
        ('[keys]\nhelp = "f1"\n\n[keys]', ["line 4: [keys] is set already"]),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_what_is_allowed(text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        configuration_of(text)
    assert "\n" not in str(refused.value)
    for word in words:
        assert word in str(refused.value)


def problem_of(text: str) -> str:
    """What is wrong with a configuration; empty where nothing is."""
    try:
        configuration_of(text)
    except ConfigError as error:
        return str(error)
    return ""


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_one_line(text: str) -> None:
    assert problem_of(text).isprintable()


JSON_LIKE = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=10), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@given(st.sampled_from(sorted(ALLOWED)), JSON_LIKE)
def test_any_value_is_taken_or_told_with_its_setting(name: str, value: object) -> None:
    text = f"{name} = {msgspec.json.encode(value).decode()}"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    problem = problem_of(text)
    assert problem.isprintable()
    assert not problem or problem.startswith(name)


def test_what_is_told_says_the_same_when_it_is_read() -> None:
    given = configuration_of('theme = "a \\"b\\" \\u00e9\\U000e0041\\n"\nnodes = 2\n[keys]\nhelp = "f9,ctrl+o"')
    again = configuration_of("\n".join(told(given)))
    assert told(again) == told(given)
    assert (again.theme, again.nodes, again.keys["help"]) == ('a "b" é\U000e0041\n', 2, "f9,ctrl+o")


def test_the_environment_overrules_the_file_and_tells_drawing() -> None:
    given = configuration_of('glyphs = "ascii"\nmotion = "full"')
    holds = overruled(given, {"KVTUI_GLYPHS": "halves", "KVTUI_MOTION": "fast"})
    assert environment_of(holds) == {"KVTUI_GLYPHS": "halves", "KVTUI_MOTION": "full"}
    assert environment_of(configuration_of("")) == {}


def test_every_setting_has_words_for_what_it_may_be() -> None:
    assert set(ALLOWED) == {field.name for field in msgspec.structs.fields(Configuration)}


def test_the_glyphs_are_those_of_the_ring() -> None:
    assert set(GLYPHS) == {"auto"} | {glyphs.value for glyphs in Glyphs}


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    assert read_configuration(tmp_path / "config.toml", named=False) == Configuration()
    with pytest.raises(ConfigError, match="there is no such file"):
        read_configuration(tmp_path / "config.toml", named=True)


def test_a_file_that_is_no_text_or_too_large_or_a_directory_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    for data, words in ((b"\xff\xfe", "not UTF-8"), (b"#" * 300_000, "larger")):
        file.write_bytes(data)
        with pytest.raises(ConfigError, match=words) as refused:
            read_configuration(file, named=False)
        assert str(file) in str(refused.value)
    with pytest.raises(ConfigError, match="can't be read"):
        read_configuration(tmp_path, named=True)


def test_what_nobody_named_and_can_not_be_read_is_done_without(tmp_path: Path) -> None:
    """With a pipe of that name, kvtui waited for ever; with a directory, nothing started."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for file in (tmp_path, tmp_path / "pipe", tmp_path / "loop"):
        with pytest.raises(NotRead, match=f"{file}: it can't be read: .*; all is as kvtui has it by itself"):
            read_configuration(file, named=False)
    assert remembered_theme(tmp_path / "pipe", "nord") == "nord"
    assert read_configuration(Path("/dev/null"), named=True) == Configuration()


def test_the_option_comes_before_the_environment_before_the_platforms_directory(tmp_path: Path) -> None:
    environment = {VARIABLE: str(tmp_path / "env.toml")}
    assert config_place(tmp_path / "option.toml", environment).file == tmp_path / "option.toml"
    place = config_place(None, environment)
    assert (place.file, place.named, place.themes) == (tmp_path / "env.toml", True, tmp_path / "themes")
    default = config_place(None, {})
    assert default.file is not None
    assert (default.file.name, default.named) == ("config.toml", False)
    assert "kvtui" in default.file.parts
