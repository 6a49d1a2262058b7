"""What ``connect`` is given: checked at the call, in Python's words, and what works is accepted."""

import ast
import enum
import inspect
import os
import re
import ssl
from array import array
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import kvtui
from kvtui.core.opening import Settings


class Seven:
    """As the numbers of other libraries are: no int, and good as one."""

    def __index__(self) -> int:
        return 7


class OtherBool:
    """As numpy has one: of Python's name, and none of Python's."""

    def __bool__(self) -> bool:
        return True


OtherBool.__name__ = "bool"


class Sizes(enum.IntEnum):
    FEW = 2


def settings(**given: Any) -> Settings:
    return kvtui.connect(**({"memory": True} | given))._settings


@pytest.mark.parametrize("connect", [kvtui.connect, kvtui.connect_sync])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nodes": 65}, "nodes=65 is not possible: use 0 to 64"),
        ({"nodes": -1}, "nodes=-1 is not possible: use 0 to 64"),
        ({"replicas": 0}, "replicas=0 is not possible: use 1 to 8"),
        ({"replicas": 9}, "replicas=9 is not possible: use 1 to 8"),
        ({"policy": "classic", "vnodes": 0}, "vnodes=0 is not possible: use 1 to 1024"),
        ({"vnodes": 16}, "vnodes=16 needs policy='classic': the balanced ring has no virtual nodes"),
        ({"policy": "Classic"}, "policy='Classic' is not possible: use 'balanced' or 'classic'"),
        ({"policy": "x"}, "policy='x' is not possible: use 'balanced' or 'classic'"),
        ({"policy": ""}, "policy='' is not possible: use 'balanced' or 'classic'"),
        ({"grace": -1}, "grace=-1 is not possible: use seconds, 0 to 2,592,000"),
        ({"grace": float("inf")}, "grace=inf is not possible: use seconds, 0 to 2,592,000"),
        ({"grace": float("nan")}, "grace=nan is not possible: use seconds, 0 to 2,592,000"),
        ({"state": "lab", "memory": True}, "memory=True keeps no state: leave out the state directory, or memory=True"),
        ({"state": "", "memory": False}, "state='' is not possible: it is empty: name a path, or leave it out"),
        ({"state": "a\0b", "memory": False}, r"state='a\x00b' is not possible: a path holds no zero bytes"),
        ({"state": "\ud800", "memory": False}, r"state='\ud800' is not possible: it holds what no file's name can"),
        ({"state": "~nosuchuser/x", "memory": False}, "is not possible: no user is called nosuchuser; where ~"),
        ({"state": Path(__file__), "memory": False}, "is not possible: it is a file, and a directory is wanted"),
        ({"secret_file": ""}, "secret_file='' is not possible: it is empty"),
        ({"secret_file": "/nowhere"}, "the secret file /nowhere can't be read: no such file or directory"),
        (
            {"tls_cert": "a.pem"},
            "tls_cert and tls_key need tls_ca too: without it no node's certificate can be checked",
        ),
        ({"tls_ca": "a.pem", "tls_key": "a.pem"}, "tls_key belongs to tls_cert: give both"),
        ({"tls_ca": "/nowhere"}, "can't use /nowhere as the TLS authority: no such file or directory"),
        ({"tls_ca": __file__}, "as the TLS authority: "),
        ({"tls_ca": "/dev/null"}, "can't use /dev/null as the TLS authority: it is a device, and a file is wanted"),
        ({"tls_ca": "/dev"}, "can't use /dev as the TLS authority: it is a directory, and a file is wanted"),
        ({"secret_file": "/dev/null"}, "the secret file /dev/null can't be read: it is a device, and a file is wanted"),
        ({"secret_file": "/dev/zero"}, "the secret file /dev/zero can't be read: it is a device, and a file is wanted"),
        ({"secret_file": "/dev"}, "the secret file /dev can't be read: it is a directory, and a file is wanted"),
        ({"takeup": True}, "memory=True leaves nothing to take up: leave out takeup=True, or memory=True"),
    ],
)
def test_a_value_that_can_t_be_is_refused_at_the_call(connect: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(kvtui.ArgumentError, match=re.escape(said)) as refused:
        connect(**({"memory": True} | given))
    assert isinstance(refused.value, kvtui.ClusterError)
    assert isinstance(refused.value, ValueError)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nodes": "3"}, "nodes is a whole number, not str"),
        ({"nodes": 3.0}, "nodes is a whole number, not float"),
        ({"nodes": True}, "nodes is a whole number, not bool"),
        ({"replicas": 2.0}, "replicas is a whole number, not float"),
        ({"vnodes": "64"}, "vnodes is a whole number, not str"),
        ({"policy": 1}, "policy is text, not int"),
        ({"policy": b"classic"}, "policy is text, not bytes"),
        ({"grace": "60"}, "grace is a number of seconds, not str"),
        ({"grace": True}, "grace is a number of seconds, not bool"),
        ({"grace": [60]}, "grace is a number of seconds, not list"),
        ({"grace": memoryview(b"1")}, "grace is a number of seconds, not memoryview"),
        ({"grace": array("b", b"1")}, "grace is a number of seconds, not array"),
        ({"memory": OtherBool()}, "memory is True or False, not tests.api.test_arguments.bool"),
        ({"nodes": OtherBool()}, "nodes is a whole number, not tests.api.test_arguments.bool"),
        ({"memory": "no"}, "memory is True or False, not str"),
        ({"state": b"lab"}, "state is a path (str or os.PathLike of it), not bytes"),
        ({"state": 3}, "state is a path (str or os.PathLike of it), not int"),
        ({"secret_file": b"s"}, "secret_file is a path (str or os.PathLike of it), not bytes"),
        ({"tls_ca": ssl.create_default_context()}, "tls_ca is a path (str or os.PathLike of it), not SSLContext"),
    ],
)
def test_a_kind_that_can_t_be_is_a_type_error(given: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=re.escape(said)):
        kvtui.connect(**({"memory": True} | given))


def test_what_works_as_a_number_or_a_path_is_one(tmp_path: Path) -> None:
    assert settings(nodes=Seven(), replicas=Sizes.FEW).nodes == 7
    assert settings(policy="classic", vnodes=Seven()).vnodes == 7
    assert [settings(grace=given).grace for given in (0, 1.5, Fraction(1, 2), Decimal(3))] == [0, 1.5, 0.5, 3]
    assert settings(state=tmp_path / "new", memory=False).state == tmp_path / "new"
    assert settings(state="~/lab", memory=False).state == Path.home() / "lab"


def test_a_text_of_an_enum_is_what_it_holds_and_not_the_name_of_the_member() -> None:
    class Names(str, enum.Enum):  # noqa: UP042
        RING = "classic"
        PLACE = "lab"

    policy: Any = Names.RING
    made = settings(policy=policy, state=Names.PLACE, memory=False)
    assert (made.policy, type(made.policy), made.state) == ("classic", str, Path("lab").absolute())


def test_what_is_not_given_is_as_the_page_says() -> None:
    made = settings()
    assert (made.nodes, made.first_copies, made.policy, made.vnodes, made.grace) == (3, 2, "balanced", 64, 60.0)
    assert settings(nodes=1).first_copies == 1


COMMAND_LINES = {"cli.py", "path_option.py", "options.py", "lifetime.py", "farewell.py"}
"""They speak to who typed a command line."""
OF_THE_SHELL = {"recovery.py", "rebuilding.py"}
"""``kvtui recover`` alone reads them."""
GIVEN_TO_NODES = {"node_command.py"}
"""It makes the command lines of nodes."""
OF_OTHERS = {"--worker-class"}
"""Options of other programs (gunicorn's)."""


def test_what_a_program_can_be_told_names_no_option_of_a_command_line() -> None:
    """A text of the coordinator is read by a dashboard, a shell and a program at the same time, each attached to it."""
    package = Path(inspect.getfile(kvtui)).parent
    told = []
    for room in ("api", "config", "control", "core"):
        for file in sorted((package / room).rglob("*.py")):
            if file.name in COMMAND_LINES | OF_THE_SHELL | GIVEN_TO_NODES:
                continue
            tree = ast.parse(file.read_text())
            documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            told += [
                f"{file.name}: {node.value}"
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents
                if set(re.findall(r"--[a-z][a-z-]+", node.value)) - OF_OTHERS
            ]
    assert told == []


def test_a_refusal_can_be_printed_and_is_short_whatever_was_given(tmp_path: Path) -> None:
    state = tmp_path / os.fsdecode(b"lab-\xff")
    for given in (
        {"state": state},
        {"nodes": 10**5000},
        {"nodes": -(10**400)},
        {"grace": 10**400},
        {"policy": "x" * 9999},
        {"state": "x" * 5000},
        {"state": "/x" * 2040},
        {"state": "~" + "x" * 5000},
        {"secret_file": "/x" * 2500},
        {"secret_file": "/x" * 1000},
        {"tls_ca": "y" * 5000},
        {"tls_ca": "/y" * 1000},
        {"policy": type("x" * 9999, (), {})()},
    ):
        with pytest.raises((kvtui.ArgumentError, TypeError)) as raised:
            kvtui.connect(**{"memory": "state" not in given, **given})
        assert len(str(raised.value).encode()) < 500
    assert not state.exists()


def test_a_directory_that_the_system_refuses_is_a_cluster_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_self: object, directory: Path) -> list[str]:
        raise PermissionError(13, "Permission denied", str(directory))

    monkeypatch.setattr("kvtui.core.seams.processes.ProcessLauncher.stored", refused)
    with pytest.raises(kvtui.ClusterError, match=r"can't be used: permission denied$"):
        kvtui.connect_sync(tmp_path / "lab")


@pytest.mark.parametrize("connect", [kvtui.connect, kvtui.connect_sync])
@pytest.mark.parametrize(
    "given",
    [
        *("localhost:5001", "127.0.0.1:5001", ":5001", "[::1]:5001", "db.example.com:5001/", "127.0.0.1", "::1"),
        *("redis://me:hunter2@localhost/0", "kvtui://localhost", "unix:///tmp/s", "file:///tmp/lab", "HTTP://x"),
    ],
)
def test_an_address_is_no_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connect: Any, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kvtui.ArgumentError, match=r"^state: it is a directory on this machine, .* looks like a") as met:
        connect(given)
    assert "add_node" in str(met.value)
    assert "hunter2" not in str(met.value)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_may_be_called_like_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab:1").mkdir()
    for given in ("lab:1", "./lab:2", tmp_path / "lab:3", "~/lab:4", "at:noon", "a:b", "5001", "v1.2.3", "x:123456"):
        assert settings(state=given, memory=False).state is not None
