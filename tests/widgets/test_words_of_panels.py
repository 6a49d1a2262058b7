"""Header, stats and nodes as text."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

from kvtui.core.read_mode import ReadMode
from kvtui.core.snapshot import ClusterSnapshot, NodeState, OperationView, Progress
from kvtui.widgets.header import header_line
from kvtui.widgets.node_lines import NodeLines
from kvtui.widgets.panel import plain
from kvtui.widgets.stats import stats_lines
from tests.widgets import frozen


def header(snapshot: ClusterSnapshot, width: int = 120) -> str:
    return plain(header_line(snapshot, width))


def test_the_header_says_every_key_is_on_two_nodes_only_when_it_is_so() -> None:
    healthy = frozen.healthy()
    assert "3 of 3 nodes up" in header(healthy, 80)
    assert "every key on 2 nodes" in header(healthy, 80)
    behind = header(replace(healthy, under_replicated=31), 80)
    assert "every key" not in behind
    assert "31 of 256 slots on fewer than 2 nodes" in behind
    assert "12 slots lost" in header(replace(healthy, under_replicated=31, lost=12))


def test_a_wide_header_tells_the_guarantee_in_full() -> None:
    assert "every acknowledged write on 2 nodes; no stale reads" in header(frozen.healthy())
    weak = frozen.one_down()
    assert weak.guarantee_weakened
    assert "31 slots on 1 node only; no stale reads" in header(weak)


@pytest.mark.parametrize("width", [80, 120])
def test_the_header_says_that_reads_may_be_stale(width: int) -> None:
    assert "stale" in header(replace(frozen.healthy(), reads=ReadMode.AVAILABLE), width)


def test_the_header_does_not_call_a_key_safe_that_lies_on_a_node_that_is_down() -> None:
    down = replace(frozen.one_down(), under_replicated=0, clean_copies=frozen.healthy().clean_copies)
    assert "2 of 3 nodes up" in header(down)
    assert "every key on 2 nodes, some of them down" in header(down)


def test_the_header_of_a_coordinator_that_stopped_promises_nothing() -> None:
    stopped = header(replace(frozen.healthy(), stopped="another coordinator took this cluster over"))
    assert "stopped: leave, and open it again" in stopped
    assert "every key" not in stopped


def test_the_header_says_that_the_coordinator_is_another_process_and_when_that_ended() -> None:
    attached = replace(frozen.healthy(), attached="kvtui serve (process 7)")
    assert "attached" in header(attached)
    assert "attached" not in header(frozen.healthy())
    for width, words in ((120, "coordinator ended: takeup"), (40, "ended: takeup")):
        ended = header(replace(attached, stopped="the coordinator in kvtui serve (process 7) ended"), width)
        assert words in ended
        assert "every key" not in ended


def test_the_header_names_what_is_wanted_but_not_possible() -> None:
    single = frozen.healthy(["A"], replication=2)
    assert "every key on 1 node, 2 wanted" in header(single, 80)
    assert "every acknowledged write on 1 node (2 wanted)" in header(single, 120)


def test_the_header_says_when_nothing_is_durable_and_how_far_a_move_is() -> None:
    snapshot = replace(frozen.joining(part=0.5), durable=False)
    assert "memory only" in header(snapshot)
    assert "moving 50.0%" in header(snapshot)


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("width", [120, 80, 60, 40])
def test_no_word_about_safety_is_cut(width: int, readonly: bool) -> None:
    healthy, down = frozen.healthy(), frozen.one_down()
    for snapshot, words in {
        healthy: ("every key on 2 nodes", "every acknowledged write on 2 nodes; no stale reads"),
        replace(down, slots=16_384, under_replicated=8_192, clean_copies=()): ("lack copies", "on fewer than 2 nodes"),
        replace(down, under_replicated=0, clean_copies=()): ("some of them down", "on nodes that are down"),
        replace(healthy, reads=ReadMode.AVAILABLE): ("reads may be stale",),
        replace(healthy, stopped="taken over"): ("open it again",),
        replace(healthy, replication=3): ("2 nodes, 3 wanted", "2 nodes (3 wanted)"),
        replace(healthy, lost=12): ("12 slots lost",),
    }.items():
        text = plain(header_line(snapshot, width, readonly=readonly))
        assert cell_len(text) <= width
        assert any(end in text for end in words), text


@pytest.mark.parametrize("width", [120, 80, 60, 40])
def test_safety_stays_in_the_header_when_it_gets_narrow(width: int) -> None:
    text = header(frozen.healthy(), width)
    assert "3 of 3 nodes up" in text
    assert ("every acknowledged write on 2 nodes" if width == 120 else "every key on 2 nodes") in text
    assert cell_len(text) <= max(width, 45)


def stats(snapshot: ClusterSnapshot, width: int = 50) -> list[str]:
    return [plain(line) for line in stats_lines(snapshot, width)]


def test_stats_begin_with_nodes_keys_and_copies_which_are_not_the_same() -> None:
    """The average number of copies stood beside the number of keys, as if it was one of keys."""
    first, second, *_ = stats(frozen.healthy())
    assert first.split() == ["nodes", "3", "keys", "10,332", "copies", "20,664"]
    assert second.startswith("copies/node 6,888")


def test_stats_show_rates_with_percentiles_of_their_latencies() -> None:
    heading, put, get = stats(frozen.healthy())[-3:]
    assert heading.split() == ["ms,", "last", "10", "s", "p50", "p99", "p99.9", "max"]
    assert (put.split()[:2], put.split()[-4:]) == (["put", "8,912/s"], ["0.4", "1.9", "4.2", "18.6"])
    assert (get.split()[:2], get.split()[-4:]) == (["get", "12,408/s"], ["0.3", "1.1", "2.7", "9.4"])
    assert len(heading) == len(put) == len(get)
    idle = next(line for line in stats(replace(frozen.healthy(), puts=OperationView())) if line.startswith("put"))
    assert idle.split() == ["put", "0/s", "-", "-", "-", "-"]


@pytest.mark.parametrize(
    ("width", "names"), [(60, "p50 p99 p99.9 max"), (44, "p50 p99 max"), (36, "p99 max"), (27, "p99")]
)
def test_a_narrow_panel_keeps_the_p99(width: int, names: str) -> None:
    heading = stats(frozen.healthy(), width)[-3]
    assert heading.endswith(names.split()[-1])
    assert [word for word in heading.split() if word in ("p50", "p99", "p99.9", "max")] == names.split()


def test_stats_tell_whether_the_data_is_safe() -> None:
    assert "lost 0   behind 0   hints 0   under-replicated 0" in stats(frozen.healthy())
    assert "lost 0   behind 31   hints 118   under-replicated 31" in stats(frozen.one_down(), 60)
    assert "lost 4   behind 31   hints 118   under 31" in stats(replace(frozen.one_down(), lost=4))


def test_stats_say_what_is_not_served_and_how_many_keys_that_leaves() -> None:
    away = frozen.two_down()
    lines = stats(away, 60)
    assert f"{away.unavailable} slots can't be served: they wait for A and B" in lines
    assert f"{away.keys:,} of {away.keys + (away.unreachable_keys or 0):,} keys can be reached" in lines
    assert not any("wait" in line for line in stats(frozen.one_down(), 60))


@pytest.mark.parametrize("width", [160, 120, 80, 60, 40, 20])
def test_the_header_says_in_red_what_is_not_served_and_for_whom_that_waits(width: int) -> None:
    """It went on saying that so many slots were on one node only."""
    away = replace(frozen.two_down(), slots=16_384, unavailable=2_870)
    line = header_line(away, width)
    words = {
        160: "2,870 slots can't be served: they wait for A and B; ", 120: "2,870 slots can't be served: they wait for A and B",
        80: "2,870 slots can't be served: they wait for A and B", 60: "2,870 slots can't be served: they wait for A and B",
        40: "2,870 slots wait for A and B", 20: "2,870 slots wait",
    }[width]  # fmt: skip
    assert any(words in text and style == "bad bold" for text, style in line), line
    assert sum(cell_len(text) for text, _ in line) <= width
    assert "12 slots lost; " in plain(header_line(replace(away, lost=12), 120))


def test_under_replicated_unavailable_and_lost_are_three_things_in_the_header() -> None:
    healthy = frozen.healthy()
    assert "on fewer than 2 nodes" in header(replace(healthy, under_replicated=3, clean_copies=()), 80)
    assert "3 slots can't be served: they wait for A" in header(replace(healthy, unavailable=3, waits_for=("A",)), 80)
    assert "3 slots lost" in header(replace(healthy, lost=3), 80)
    assert "3 slots take no writes: they wait for A" in header(
        replace(healthy, unwritable=3, writes_wait_for=("A",)), 80
    )


def test_the_header_says_for_whom_a_move_waits() -> None:
    assert "moving 50.0%, waits for C" in header(replace(frozen.joining(part=0.5), moves_wait_for=("C",)), 120)


def test_the_header_says_why_a_move_of_lost_slots_stands_still() -> None:
    assert "moving 50.0%, waits: accept-loss" in header(replace(frozen.joining(part=0.5), moves_lost=7), 120)


def test_that_nothing_is_durable_stands_in_the_header_once() -> None:
    assert header(replace(frozen.healthy(), durable=False), 160).count("memory") == 1


def test_a_node_that_is_down_and_one_that_is_filled_have_signs_of_their_own_in_the_header() -> None:
    assert "○ 2 of 3 nodes up" in header(frozen.one_down(), 120)


def node_text(snapshot: ClusterSnapshot) -> list[str]:
    lines = NodeLines(snapshot, {}, "", 60)
    return [plain(lines[row].line) for row in range(len(lines))]


def test_a_node_that_is_down_says_how_many_slots_wait_for_it_and_one_that_moves_for_whom() -> None:
    away = frozen.two_down()
    text = node_text(away)
    assert f"  {away.nodes[0].awaited} slots wait for it" in text
    waiting = replace(away.nodes[2], waits_for=("A", "C"))
    text = node_text(replace(away, nodes=(waiting,)))
    assert "  its moves wait for A" in text


@pytest.mark.parametrize("width", [20, 26, 34, 50, 90])
def test_no_width_hides_a_number_that_tells_whether_the_data_is_safe(width: int) -> None:
    words = " ".join(stats(frozen.one_down(), width)).split()
    told = {name: words[words.index(name) + 1] for name in ("lost", "behind", "hints")}
    assert told == {"lost": "0", "behind": "31", "hints": "118"}
    assert words[1 + next(at for at, word in enumerate(words) if word.startswith("under"))] == "31"


@pytest.mark.parametrize("width", [20, 26, 34, 50, 90])
def test_stats_fit_into_the_panel(width: int) -> None:
    assert max(cell_len(line) for line in stats(frozen.one_down(), width)) <= max(width, 21)


def test_stats_say_that_memory_is_not_durable() -> None:
    assert "memory only: nothing is durable" in stats(replace(frozen.healthy(), durable=False))
    assert not any("durable" in line for line in stats(frozen.healthy()))


def lines(snapshot: ClusterSnapshot, width: int = 50) -> list[str]:
    colours = {node.id: place for place, node in enumerate(snapshot.nodes)}
    found = NodeLines(snapshot, colours, "", width)
    return [plain(found[row].line) for row in range(len(found))]


def test_a_node_shows_state_address_keys_and_share() -> None:
    first = lines(frozen.healthy())[0]
    for part in ("●", "A", "up", ":5001", "7,003", "33.4%", "█", "│"):
        assert part in first


def test_states_have_a_word_beside_the_glyph() -> None:
    nodes = frozen.healthy(["a", "b", "c", "d", "e"]).nodes
    mixed = replace(
        frozen.healthy(),
        nodes=(
            nodes[0],
            replace(nodes[1], state=NodeState.DOWN),
            replace(nodes[2], state=NodeState.SUSPECT),
            replace(nodes[3], leaving=True),
            replace(nodes[4], receiving=Progress(1, 4), share=0.0),
        ),
    )
    words = [line.split()[:3] for line in lines(mixed) if line[0] != " "]
    assert words == [
        ["●", "a", "up"], ["○", "b", "down"], ["◌", "c", "suspect"], ["◑", "d", "leaving"], ["◐", "e", "joining"],
    ]  # fmt: skip


def test_a_node_that_receives_shows_its_progress() -> None:
    text = lines(frozen.joining(part=0.5))
    assert any("receiving" in line and "━" in line and line.endswith("50%  21/s  4 s left") for line in text)
    wide = lines(frozen.joining(part=0.5), 80)
    assert any("receiving 85 of 170 slots" in line for line in wide)


def test_a_move_that_stands_still_promises_no_end() -> None:
    moving = replace(frozen.joining().nodes[2], receiving=Progress(1, 4))
    text = lines(replace(frozen.joining(), nodes=(moving,)))
    assert text[1].split()[0] == "receiving"
    assert text[1].endswith("25%")


def test_a_node_that_lags_says_how_much_and_why() -> None:
    text = lines(frozen.one_down())
    assert "  behind: 31 slots may lack writes, 118 keys missing" in lines(frozen.one_down(), 60)
    assert "  behind: 31 slots may lack writes" in text
    assert "  connection refused" in text


@pytest.mark.parametrize("width", [80, 50, 38, 30, 24])
def test_lines_of_nodes_fit_into_the_panel(width: int) -> None:
    for snapshot in (frozen.healthy(), frozen.joining(), frozen.one_down()):
        assert max(cell_len(line) for line in lines(snapshot, width)) <= max(width, 28)


def test_no_nodes_yet_says_what_to_type() -> None:
    assert "addnode A 5001" in " ".join(lines(frozen.empty()))


def test_a_node_without_durability_is_named_only_among_durable_ones() -> None:
    healthy = frozen.healthy()
    odd = replace(healthy, nodes=(replace(healthy.nodes[0], durable=False), *healthy.nodes[1:]))
    assert lines(odd)[1] == "  memory only"
    assert not any("memory" in line for line in lines(replace(odd, durable=False)))


def test_entries_that_are_damaged_are_told_in_red() -> None:
    healthy = frozen.healthy()
    odd = replace(healthy, nodes=(replace(healthy.nodes[0], damaged=2),))
    found = NodeLines(odd, {}, "", 50)
    assert found[1].line == (("  damaged: 2 entries not served", "bad"),)


def test_a_cluster_whose_name_can_not_be_shown_is_named_in_the_notation() -> None:
    odd = replace(frozen.healthy(), name="st[-red]\n\x1b[31m日本")
    assert ' · "st[-red]\\n\\x1b[31m日本" ' in plain(header_line(odd, 120))
