"""Options for a new cluster, where there is one already."""

from dataclasses import replace

import pytest

from kvtui.control.unheeded import unheeded_words
from kvtui.core.opening import Settings
from tests.widgets import frozen

THERE = frozen.healthy()
GIVEN = Settings(state=None, nodes=3, replication=2)


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        (GIVEN, ("--nodes", "--replicas", "--policy", "--grace"), ""),
        (replace(GIVEN, nodes=5), ("--grace",), ""),
        (
            replace(GIVEN, nodes=5),
            ("--nodes", "--replicas"),
            "--nodes changes nothing: this cluster exists already, with 3 nodes, 2 copies of each key, balanced",
        ),
        (
            replace(GIVEN, replication=1, policy="classic"),
            ("--replicas", "--policy", "--vnodes"),
            "--replicas, --policy, --vnodes change nothing: this cluster exists already, with 3 nodes, 2 copies of each key,"
            " balanced",
        ),
    ],
)
def test_who_asks_for_another_cluster_than_there_is_is_told(
    settings: Settings, options: tuple[str, ...], words: str
) -> None:
    assert unheeded_words(options, settings, THERE) == words


def test_a_classic_ring_that_is_as_asked_for_is_no_news() -> None:
    asked = replace(GIVEN, policy="classic", vnodes=128)
    assert unheeded_words(("--policy", "--vnodes"), asked, replace(THERE, policy="classic 128")) == ""
