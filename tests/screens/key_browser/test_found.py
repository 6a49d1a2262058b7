"""What is held of a search: bounded, in ring order, and honest about what may follow."""

from kvtui.core.cluster import Item
from kvtui.core.ring.token import token_of
from kvtui.core.version import Version
from kvtui.screens.key_browser.found import KEY_BYTES_MOST, ROWS_MOST, Found, Phase
from kvtui.screens.key_browser.status import status_words


def item(key: bytes, seq: int = 1) -> Item:
    return Item(key, None, Version(1, seq), 3)


def items(count: int, start: int = 0) -> list[Item]:
    """In ring order, as a scan brings them."""
    keys = sorted((b"k%d" % number for number in range(start, start + count)), key=lambda key: (token_of(key), key))
    return [item(key) for key in keys]


def test_rows_are_bounded_and_what_came_beyond_them_waits() -> None:
    came = items(ROWS_MOST + 300)
    found = Found().with_matches(came[: ROWS_MOST - 100]).with_matches(came[ROWS_MOST - 100 :])
    assert found.rows == tuple(came[:ROWS_MOST])
    assert found.waiting == tuple(came[ROWS_MOST:])
    assert found.phase is Phase.FULL


def test_going_on_begins_with_what_waited_and_counts_what_is_gone() -> None:
    came = items(ROWS_MOST + 300)
    found = Found().with_matches(came).went_on()
    assert found.rows == tuple(came[ROWS_MOST:])
    assert (found.skipped, found.waiting, found.phase) == (ROWS_MOST, (), Phase.SEARCHING)


def test_going_on_where_nothing_follows_keeps_the_rows() -> None:
    came = items(ROWS_MOST)
    found = Found().with_matches(came)
    assert found.phase is Phase.FULL
    ended = found.went_on().ended()
    assert ended.rows == tuple(came)
    assert (ended.skipped, ended.phase) == (0, Phase.DONE)


def test_going_on_is_nothing_while_the_scan_goes_on_anyway() -> None:
    found = Found().with_matches(items(3))
    assert found.went_on() is found


def test_long_keys_fill_the_rows_by_their_bytes() -> None:
    long = [item(b"%d" % number + b"k" * 64_000) for number in range(200)]
    found = Found().with_matches(long)
    assert found.phase is Phase.FULL
    assert sum(len(row.key) for row in found.rows) <= KEY_BYTES_MOST
    assert found.rows + found.waiting == tuple(long)


def test_a_stored_key_renews_its_row_or_comes_in_at_its_place_on_the_ring() -> None:
    came = items(10)
    found = Found(b"k").with_matches([*came[:4], *came[5:]]).ended()
    renewed = found.stored(item(came[2].key, 9))
    assert renewed.rows[2].version == Version(1, 9)
    assert found.stored(came[4]).rows == tuple(came)
    assert found.stored(item(b"other")).rows == found.rows


def test_a_stored_key_that_the_scan_still_comes_to_is_not_shown_twice() -> None:
    came = items(10)
    found = Found(b"k").with_matches(came[:5]).far(token_of(came[4].key) / 2**64)
    assert found.stored(came[9]) is found


def test_a_stored_key_behind_full_rows_waits_with_the_others() -> None:
    came = items(ROWS_MOST + 3)
    found = Found(b"k").with_matches([*came[:-2], came[-1]]).far(1.0)
    assert found.stored(came[-2]).waiting == tuple(came[-3:])


def test_a_stored_key_among_full_rows_moves_the_last_of_them_to_those_that_wait() -> None:
    came = items(ROWS_MOST + 3)
    found = Found(b"k").with_matches([*came[:5], *came[6:]]).far(1.0).stored(came[5])
    assert found.rows == tuple(came[:ROWS_MOST])
    assert found.waiting == tuple(came[ROWS_MOST:])


def test_a_deleted_key_leaves_the_rows_and_what_waits() -> None:
    came = items(ROWS_MOST + 2)
    found = Found().with_matches(came)
    assert found.without(came[0].key).rows == tuple(came[1:ROWS_MOST])
    assert found.without(came[-1].key).waiting == (came[-2],)


def test_the_status_says_how_far_the_scan_is_and_that_more_may_follow() -> None:
    assert status_words(Found(b"a").far(0.25), 100) == "searching: 0 keys so far, 25.0% of the ring passed"
    full = Found().with_matches(items(ROWS_MOST + 1))
    assert "more may follow: m shows the next" in status_words(full, 100)
    assert status_words(full, 10) == "2,000, m: more"
    assert status_words(full.went_on(), 100).startswith("searching: rows 2,001 to 2,001 so far")
    assert status_words(full.went_on().ended(), 100) == "rows 2,001 to 2,001, in ring order; no more follow"
    assert status_words(Found(b"a\x1b").ended(), 100) == 'no key begins with "a\\x1b"'
    assert status_words(Found().ended(), 100) == "no keys yet"
    assert status_words(Found().failed("n1 can't be reached"), 5) == "n1 can't be reached"


def test_every_width_has_words_that_fit_it() -> None:
    for found in (Found().far(0.5), Found().with_matches(items(ROWS_MOST)), Found(b"x").ended()):
        for width in range(38, 120):
            assert len(status_words(found, width)) <= width
