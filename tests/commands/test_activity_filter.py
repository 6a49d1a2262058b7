"""Which lines of the activity are shown."""

import pytest

from kvtui.commands import EVERYTHING, ActivityFilter, CommandError, Level
from tests.commands.person import Opened


def test_nothing_asked_for_shows_everything() -> None:
    assert ActivityFilter.parse("  ") == EVERYTHING
    assert EVERYTHING.text == ""
    for level in Level:
        assert EVERYTHING.admits("", level)


def test_all_words_must_be_there_in_whatever_case() -> None:
    wanted = ActivityFilter.parse("Joined c")
    assert wanted.admits("C joined: 127.0.0.1:5003", Level.GOOD)
    assert not wanted.admits("B joined", Level.GOOD)


def test_a_node_is_meant_whole_and_counts_where_an_event_is_about_it() -> None:
    wanted = ActivityFilter.parse("node:n1")
    assert wanted.admits("[n1] PUT a = 1", Level.INFO)
    assert wanted.admits("connection refused", Level.BAD, ("n1",))
    assert not wanted.admits("n10 joined", Level.GOOD, ("n10",))
    either = ActivityFilter.parse("node:n1 node:n2")
    assert either.admits("n2 is down", Level.BAD)


def test_a_level_admits_what_is_worse() -> None:
    shown = {
        text: [at for at in Level if ActivityFilter.parse(text).admits("x", at)]
        for text in ("level:warning", "LEVEL:bad")
    }
    assert shown == {"level:warning": [Level.WARNING, Level.BAD], "LEVEL:bad": [Level.BAD]}


@pytest.mark.parametrize("text", ["node:B level:warning slow", "level:bad", "put a", "node:[x] node:"])
def test_a_filter_can_be_written_down_again(text: str) -> None:
    wanted = ActivityFilter.parse(text)
    assert ActivityFilter.parse(wanted.text) == wanted


def test_levels_go_round() -> None:
    wanted = ActivityFilter.parse("node:B")
    seen = []
    for _ in range(3):
        wanted = wanted.with_next_level()
        seen.append(wanted.text)
    assert seen == ["node:B level:warning", "node:B level:bad", "node:B"]


def test_an_unknown_level_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(CommandError, match="there is no level loud; use level:warning or level:bad"):
        ActivityFilter.parse("level:loud")


@pytest.mark.anyio
async def test_where_there_is_no_activity_the_command_says_so(opened: Opened) -> None:
    async with opened() as person:
        assert "a panel of the dashboard" in (await person.fails("filter node:B"))[0]
        assert "there is no level" in (await person.fails("filter level:loud"))[0]
