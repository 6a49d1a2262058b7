"""How many copies a new cluster makes of every key, where nobody says, and that one that has keys stays as it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from kvtui.config import Configuration
from kvtui.core.opening import Settings
from kvtui.lifetime import settings_of
from kvtui.options import Options
from kvtui.widgets.header import header_line
from kvtui.widgets.panel import plain
from tests.simulation.harness import SimCluster
from tests.simulation.loop import run_virtual


@pytest.mark.parametrize(
    ("nodes", "asked", "copies"), [(0, None, 1), (1, None, 1), (2, None, 2), (5, None, 2), (3, 1, 1), (1, 3, 3)]
)
def test_a_cluster_made_with_several_nodes_makes_two_copies_unless_told_otherwise(
    nodes: int, asked: int | None, copies: int
) -> None:
    assert Settings(None, nodes=nodes, replication=asked).first_copies == copies


@pytest.mark.parametrize("role", ["dashboard", "shell", "serve"])
def test_an_option_and_the_configuration_count_alike(role: str, tmp_path: Path) -> None:
    assert settings_of(Options(nodes=3, state=tmp_path), role).first_copies == 2
    assert settings_of(Options(state=tmp_path).completed(Configuration(nodes=3)), role).first_copies == 2
    assert settings_of(Options(nodes=3, state=tmp_path, replicas=1), role).first_copies == 1
    assert settings_of(Options(nodes=3, state=tmp_path).completed(Configuration(replicas=1)), role).first_copies == 1


def test_a_ring_that_grows_by_addnode_has_one_copy_and_stays_so_when_opened_with_more_nodes() -> None:
    async def story() -> None:
        async with SimCluster(nodes=0) as cluster:
            cluster.settings = replace(cluster.settings, replication=None)
            await cluster.coordinator.add_node("A", "127.0.0.1", 5001)
            await cluster.coordinator.add_node("B", "127.0.0.1", 5002)
            assert cluster.coordinator.snapshot().replication == 1
            await cluster.close()
            cluster.settings = replace(cluster.settings, nodes=3)
            await cluster.open()
            assert [view.id for view in cluster.coordinator.snapshot().nodes] == ["A", "B"]
            assert cluster.coordinator.snapshot().replication == 1

    run_virtual(story)


def test_a_cluster_that_was_opened_with_no_nodes_first_has_two_copies_once_it_is_given_some() -> None:
    """Whoever tried kvtui alone, and then kvtui --nodes 3, had three nodes and one copy."""

    async def story() -> None:
        async with SimCluster(nodes=0) as cluster:
            cluster.settings = replace(cluster.settings, replication=None)
            await cluster.close()
            cluster.settings = replace(cluster.settings, nodes=3)
            await cluster.open()
            picture = cluster.coordinator.snapshot()
            assert (len(picture.nodes), picture.replication) == (3, 2)
            assert "every key on 2 nodes" in plain(header_line(picture, 80))
            assert "every acknowledged write on 2 nodes; no stale reads" in plain(header_line(picture, 120))

    run_virtual(story)
