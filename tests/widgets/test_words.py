import pytest

from kvtui.widgets.words import milliseconds, percent, short


@pytest.mark.parametrize("width", range(8))
def test_a_shortened_text_has_room_and_says_that_it_is_shortened(width: int) -> None:
    assert len(short("abcdefghij", width)) <= width
    assert short("abc", 3) == "abc"
    assert short("abcd", 3) == "ab…"
    assert short("鍵鍵鍵", 4) == "鍵…"


def test_numbers_are_written_in_few_digits() -> None:
    assert [percent(part) for part in (0, 1 / 3, 0.5, 0.99999, 1)] == ["0%", "33.3%", "50.0%", "100%", "100%"]
    assert [milliseconds(value) for value in (0, 0.04, 0.44, 1.94, 312.4)] == ["0.0", "0.04", "0.4", "1.9", "312"]
