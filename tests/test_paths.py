"""Every option, setting and command that takes a path: what names no place is refused in one line, and nothing is made."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import kvtui
from kvtui import cli
from kvtui.core.cluster import ClusterError
from kvtui.core.recovery import recover
from kvtui.node import cli as node_cli
from kvtui.path_option import NamedPath
from tests.simulation.harness import STATE, SimCluster
from tests.simulation.loop import run_virtual

ROOT = Path(__file__).parent.parent


def run(*arguments: str, where: Path, module: str = "kvtui", **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(where), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("kvtui")
    assert all(word in done.stderr for word in words), done.stderr


def path_options() -> list[tuple[str, click.Option]]:
    """Every option of both programs that is a path, with the words before it."""
    found = []
    commands: list[tuple[str, click.Command]] = [("", cli.program), ("node", node_cli.program)]
    commands += list(cli.program.commands.items())
    for name, command in commands:
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.type, click.Path):
                found.append((name, option))
    return found


def test_every_option_that_is_a_path_is_checked() -> None:
    options = path_options()
    assert {option.opts[0] for _, option in options} == {
        *("--state", "--config", "--secret-file", "--tls-ca", "--tls-cert", "--tls-key"),
        *("--data", "--json", "--compare"),
    }
    assert [(name, option.opts) for name, option in options if not isinstance(option.type, NamedPath)] == []


@pytest.mark.parametrize(("text", "words"), [("", "it is empty"), ("~nosuchuser/x", "no user is called nosuchuser")])
def test_an_option_that_names_no_place_is_refused(text: str, words: str) -> None:
    for _, option in path_options():
        with pytest.raises(click.BadParameter, match=words):
            option.type.convert(text, option, None)


@pytest.mark.parametrize("before", [[], ["shell"], ["serve"], ["recover"]], ids=lambda before: " ".join(before))
def test_an_empty_state_directory_opens_nothing_here(tmp_path: Path, before: list[str]) -> None:
    refused(run(*before, "--state", "", where=tmp_path), "--state", "it is empty")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["localhost:5001", "redis://localhost/0", "127.0.0.1"])
def test_an_option_that_is_a_directory_is_no_address(text: str) -> None:
    directories = [option for _, option in path_options() if not option.type.file_okay]  # type: ignore[attr-defined]
    assert {option.opts[0] for option in directories} == {"--state", "--data"}
    for option in directories:
        with pytest.raises(click.BadParameter, match=r"it is a directory on this machine, .* looks like a"):
            option.type.convert(text, option, None)


def test_a_state_directory_that_is_an_address_is_told_how_nodes_elsewhere_join(tmp_path: Path) -> None:
    refused(run("serve", "--state", "localhost:5001", where=tmp_path), "--state", "an address", "addnode <id> <host>")
    assert list(tmp_path.iterdir()) == []


def test_a_node_without_a_place_for_its_data_does_not_start(tmp_path: Path) -> None:
    refused(run("0", "--data", "", where=tmp_path, module="kvtui.node"), "--data", "it is empty")
    assert list(tmp_path.iterdir()) == []


def test_the_variable_of_the_configuration_is_checked_too(tmp_path: Path) -> None:
    refused(
        run("-c", "show", where=tmp_path, KVTUI_CONFIG="~nosuchuser/x"), "KVTUI_CONFIG", "no user is called nosuchuser"
    )
    # As with the platform's own variables, empty is not set.
    assert run("--memory", "-c", "show", where=tmp_path, KVTUI_CONFIG="").returncode == 0


def test_a_setting_that_is_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('state = ""\n')
    refused(run("--config", "config.toml", "-c", "show", where=tmp_path), "config.toml: state:", "directory in quotes")
    (tmp_path / "config.toml").write_text('state = "~nosuchuser/x"\n')
    refused(
        run("--config", "config.toml", "-c", "show", where=tmp_path), "state directory", "no user is called nosuchuser"
    )


@pytest.mark.parametrize("command", ['load ""', 'save ""', "load ~nosuchuser/x.csv", "history record ~nosuchuser/x"])
def test_a_command_whose_file_names_no_place_fails_in_one_line(tmp_path: Path, command: str) -> None:
    done = run("--memory", "-c", command, where=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("file: ")
    assert "defect" not in done.stderr


def in_a_deleted_directory(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program, run in a directory that is deleted before it begins."""
    (tmp_path / "gone").mkdir(exist_ok=True)
    code = "import os, sys\nos.rmdir(os.getcwd())\nfrom kvtui.cli import main\nmain(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        cwd=tmp_path / "gone",
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_in_a_deleted_directory_whole_paths_work_and_others_are_refused(tmp_path: Path) -> None:
    for arguments in (["--state", "lab", "-c", "show"], ["recover", "--state", "lab"], ["config", "--config", "c"]):
        refused(in_a_deleted_directory(tmp_path, *arguments), "below the current directory, which was deleted")
    state = str(tmp_path / "lab")
    done = in_a_deleted_directory(tmp_path, "--state", state, "--nodes", "1", "-c", "put a 1", "-c", "save x.csv")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "PUT a = 1" in done.stdout
    assert "file: x.csv lies below the current directory" in done.stderr


def test_a_state_directory_that_is_a_link_to_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "lab").symlink_to(tmp_path / "nowhere")
    done = run("--state", "lab", "-c", "show", where=tmp_path)
    refused(done, f"{tmp_path}/lab is a link to {tmp_path}/nowhere, where nothing is")
    assert [entry.name for entry in tmp_path.iterdir()] == ["lab"]


def test_a_recovery_that_finds_no_node_leaves_nothing(tmp_path: Path) -> None:
    refused(run("recover", "--state", "lab", where=tmp_path), "no node was found")
    refused(run("recover", "--state", "lab", "1", where=tmp_path), "can't ask the node at 127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []


def test_a_recovery_beside_a_log_is_refused_before_any_node_is_started() -> None:
    async def main() -> None:
        async with SimCluster(nodes=1, slots=8) as cluster:
            seams = cluster.seams_of(cluster.machine, cluster.secret)
            started = dict(cluster.launcher.processes)
            with pytest.raises(ClusterError, match="in use by kvtui"):
                await recover(STATE, (), (), seams)
            await cluster.close()
            await cluster.open()
            await cluster.close()
            started = dict(cluster.launcher.processes)
            with pytest.raises(ClusterError, match="holds the log of cluster default already"):
                await recover(STATE, (), (), cluster.seams_of(type(cluster.machine)("other"), cluster.secret))
            assert cluster.launcher.processes == started
            await cluster.open()

    run_virtual(main)


@pytest.mark.parametrize(
    ("state", "words"),
    [("", "state='' is not possible: it is empty"), ("~nosuchuser/x", "no user is called nosuchuser")],
)
def test_a_store_is_connected_to_nowhere_else(state: str, words: str) -> None:
    with pytest.raises(ClusterError, match=words):
        kvtui.connect(state)
    with pytest.raises(ClusterError, match="tls_ca='' is not possible: it is empty"):
        kvtui.connect(memory=True, tls_ca="")
