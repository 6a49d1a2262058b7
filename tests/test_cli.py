"""Arguments of ``kvtui``: what is refused, in one line, with status 2."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kvtui import __version__
from kvtui.config import configuration_of
from kvtui.config.chosen_theme import remember_theme
from kvtui.lifetime import settings_of
from kvtui.options import Options
from kvtui.widgets.theme_files import theme_of

ROOT = Path(__file__).parent.parent


def kvtui(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kvtui", *arguments]
    return subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nodes", "x"], "--nodes"),
        (["--nodes", "-1"], "--nodes"),
        (["--nodes", "65", "--memory", "-c", "show"], "--nodes"),
        (["--replicas", "0"], "--replicas"),
        (["--replicas", "99", "--memory", "-c", "show"], "--replicas"),
        (["--policy", "random"], "--policy"),
        (["--vnodes", "8"], "--policy classic"),
        (["--grace", "-1"], "--grace"),
        (["--grace", "nan", "--memory", "-c", "show"], "a grace of nan s is not possible"),
        (["--policy", "classic", "--vnodes", "0"], "--vnodes"),
        (["--policy", "classic", "--vnodes", "99999", "--memory", "-c", "show"], "--vnodes"),
        (["--memory", "--state", "somewhere"], "--memory"),
        (["--memory", "shell", "--state", "somewhere"], "--memory"),
        (["--state", __file__, "-c", "show"], "--state"),
        (["--memory", "--secret-file", "/nowhere/secret", "-c", "show"], "/nowhere/secret can't be read"),
        (["--memory", "--tls-cert", "cert.pem", "-c", "show"], "--tls-ca"),
        (["--memory", "--tls-ca", "ca.pem", "--tls-key", "key.pem", "-c", "show"], "--tls-cert"),
        (["--memory", "--tls-ca", "/nowhere/ca.pem", "-c", "show"], "/nowhere/ca.pem"),
        (["shell", "--nodes", "x"], "--nodes"),
        (["recover", "--secret-file", "/nowhere/secret", "5001"], "/nowhere/secret can't be read"),
        (["recover", "--tls-ca", "/nowhere/ca.pem", "5001"], "/nowhere/ca.pem"),
        (["recover", "5001", "--tls-cert", "cert.pem"], "--tls-ca"),
        (["recover", "5001", "--config", "/nowhere/kvtui.toml"], "/nowhere/kvtui.toml"),
        (["--nodes", "3", "-c", "show", "recover", "5001"], "leave out --nodes, -c"),
        (["--memory", "recover", "5001"], "leave out --memory"),
        (["--colour"], "--colour"),
        (["sell"], "sell"),
        ([], "kvtui shell"),
    ],
)
def test_wrong_use_is_told_in_one_line_with_status_2(arguments: list[str], words: str) -> None:
    done = kvtui(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("kvtui: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_the_version() -> None:
    done = kvtui("--version")
    assert (done.returncode, done.stdout) == (0, f"kvtui {__version__}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["shell", "--help"]])
def test_help_lists_every_option(arguments: list[str]) -> None:
    done = kvtui(*arguments)
    assert done.returncode == 0
    for option in ("--nodes", "--replicas", "--state", "--memory", "--policy", "--vnodes", "--grace", "-c"):
        assert option in done.stdout


def test_recover_takes_what_reaching_nodes_takes_and_no_more() -> None:
    """They were "no such option" where everybody types them."""
    done = kvtui("recover", "--help")
    assert done.returncode == 0
    for option in ("--state", "--without", "--secret-file", "--tls-ca", "--tls-cert", "--tls-key", "--config"):
        assert option in done.stdout
    assert "--nodes" not in done.stdout


def test_options_after_the_subcommand_win() -> None:
    outer = Options(nodes=3, replicas=2, commands=("show",))
    inner = Options(nodes=0, memory=True, commands=("stats",))
    assert inner.over(outer) == Options(nodes=0, replicas=2, memory=True, commands=("show", "stats"))


def test_a_cluster_is_named_after_its_state_directory(tmp_path: Path) -> None:
    settings = settings_of(Options(state=tmp_path / "lab"), "shell")
    assert (settings.state, settings.name) == (tmp_path / "lab", "lab")
    assert settings.role == f"kvtui shell (process {os.getpid()})"
    assert settings_of(Options(memory=True), "dashboard").state is None


def test_without_a_state_directory_it_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    state = settings_of(Options(), "shell").state
    assert state is not None
    assert state.name == "default"
    assert tmp_path in state.parents


def test_readonly_refuses_what_changes_anything_in_shell_and_commands() -> None:
    given = ("--memory", "--nodes", "1", "--readonly")
    done = kvtui(*given, "-c", "put a 1", "-c", "get a")
    assert (done.returncode, done.stdout) == (1, "a -> [not found]\n")
    assert done.stderr.startswith("put: refused")
    piped = kvtui("shell", *given, stdin="setreplica 2\nshow\n")
    assert piped.returncode == 1
    assert piped.stderr.startswith("setreplica: refused")
    assert "n1 (127.0.0.1:" in piped.stdout


@pytest.mark.parametrize(
    "arguments", [["--memory", "-c", "show"], ["shell", "--memory"], ["config"], ["recover"], ["--nodes", "1"]]
)
def test_with_a_wrong_configuration_nothing_starts_and_one_line_says_why(tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text('motion = "fast"\n')
    done = kvtui("--config", str(file), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    if arguments != ["--nodes", "1"]:  # which is told first that it needs a terminal
        assert done.stderr == f'kvtui: {file}: motion: "full" or "reduced", not "fast"\n'


def test_config_prints_where_it_is_and_what_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('nodes = 3\n[keys]\nhelp = "f9"\n')
    monkeypatch.setenv("KVTUI_CONFIG", str(file))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = kvtui("config")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == f"# {file}"
    assert {'theme = "kvtui-night"', 'glyphs = "auto"', "nodes = 3", 'help = "f9"', 'quit = "ctrl+q"'} <= set(
        done.stdout.splitlines()
    )


def test_config_tells_what_overrules_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("KVTUI_GLYPHS", "ascii")
    remember_theme(tmp_path / "kvtui" / "theme.json", "nord", "kvtui-night")
    lines = kvtui("config").stdout.splitlines()
    assert 'glyphs = "ascii"' in lines
    assert lines[1].startswith('# "nord" was chosen on the screen')


def test_a_configuration_completes_the_options_and_never_overrules_them() -> None:
    configuration = configuration_of('state = "/lab"\nnodes = 3\nreplicas = 2')
    assert Options().completed(configuration) == Options(nodes=3, replicas=2, state=Path("/lab"))
    given = Options(nodes=1, memory=True, replicas=1)
    assert given.completed(configuration) == given
    assert Options(state=Path("here")).completed(configuration).state == Path("here")


def test_the_readme_shows_a_configuration_and_a_theme_that_work() -> None:
    config, theme = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert configuration_of(config).keys == {"help": "f9"}
    assert theme_of(theme).name == "sea"
