"""Searching the lines typed before."""

from hypothesis import given
from hypothesis import strategies as st

from kvtui.commands import Search

LINES = st.lists(st.text("ab ", min_size=1, max_size=6), max_size=8)
STEPS = st.lists(st.sampled_from(["a", "b", " ", "older", "newer", "shortened"]), max_size=20)


def walked(search: Search, steps: list[str]) -> Search:
    for step in steps:
        search = getattr(search, step)() if len(step) > 1 else search.typed(step)
    return search


def test_typing_narrows_from_the_newest_line() -> None:
    search = Search(["put a 1", "get a", "put b 2", "get b"])
    assert search.found is None
    assert search.typed("p").found == "put b 2"
    assert search.typed("p").typed("ut a").found == "put a 1"
    assert search.typed("t b").place == (2, 5)


def test_older_goes_on_past_lines_that_repeat_the_one_shown() -> None:
    search = Search(["get c", "get a", "get b", "get b"]).typed("get")
    assert [found.found for found in (search, search.older(), search.older().older())] == ["get b", "get a", "get c"]
    assert search.older().newer().found == "get b"


def test_what_was_found_stays_when_nothing_more_is() -> None:
    search = Search(["put a 1"]).typed("put")
    assert (search.older().found, search.older().failed) == ("put a 1", True)
    assert (search.typed("z").found, search.typed("z").failed) == ("put a 1", True)
    assert search.typed("z").place == (0, 0)
    assert search.typed("z").shortened() == search


@given(LINES, STEPS)
def test_what_is_shown_holds_the_query_unless_the_search_failed(lines: list[str], steps: list[str]) -> None:
    search = walked(Search(lines), steps)
    if search.failed:
        return
    assert (search.found is None) == (not search.query)
    if search.found is not None:
        start, stop = search.place
        assert search.found[start:stop] == search.query


@given(LINES, st.text("ab", min_size=1, max_size=3))
def test_older_reaches_every_line_that_has_the_query(lines: list[str], query: str) -> None:
    search = Search(lines).typed(query)
    found = set()
    while not search.failed:
        found.add(search.found)
        search = search.older()
    assert found == {line for line in lines if query in line}
