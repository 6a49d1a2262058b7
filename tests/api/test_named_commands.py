"""What texts of errors tell people to type is told to programs too, as methods."""

import ast
import re
from collections.abc import Iterator

from kvtui.core import cluster
from tests.api.test_documents import ROOT

TABLE = re.compile(r"\| A text says \| It is \|\n\| --- \| --- \|\n((?:\|.*\n)+)")
UNLIKE_WORDS = r"\b(addnode|removenode|setreplica|setquorum|accept-loss|takeup|kvtui recover)\b"
BEHIND_COLON = (
    r"(?:: |, or |or: )(start|stop|resume|heal|wipe|reads|compact|throttle|policy|weight|kill|rebalance)(?: $|$)"
)
IN_BRACKETS = r"\((start|stop|resume|heal|wipe|reads|compact|throttle|policy|weight|rebalance)\b"
"""Commands that are words as well tell what to type only there."""
NO_METHOD = {"kvtui recover"}


def texts() -> Iterator[str]:
    """The literals of what a program asks, without docstrings."""
    for part in ("core", "control", "api"):
        for file in (ROOT / "kvtui" / part).rglob("*.py"):
            tree = ast.parse(file.read_text())
            prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                    yield node.value


def test_each_command_that_an_error_names_is_a_method_in_the_documents() -> None:
    named = {
        found
        for text in texts()
        for each in (UNLIKE_WORDS, BEHIND_COLON, IN_BRACKETS)
        for found in re.findall(each, text)
    }
    assert {"start", "resume", "heal", "addnode", "accept-loss", "setquorum"} <= named
    (table,) = TABLE.findall((ROOT / "docs/python.md").read_text())
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    told = {re.sub(r" ?(n1|A|\d+)\b", "", command) for row in rows for command in re.findall(r"`([^`]+)`", row[0])}
    assert named <= told
    methods = {method for row in rows for method in re.findall(r"`(\w+)\(", row[1])}
    known = {name for kind in vars(cluster).values() if isinstance(kind, type) for name in vars(kind)}
    assert methods <= known
    assert len(methods - {"remove_node"}) == len(told - NO_METHOD)  # of that one, texts name no command
