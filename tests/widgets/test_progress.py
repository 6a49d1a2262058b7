"""How far a long command is, in as much room as there is."""

import pytest

from kvtui.widgets.progress import progress_line

BAR = "━━━╸────────────"


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (60, f"Filling: 58,000 keys {BAR}  22%  Esc stops"),
        (54, f"Filling: 58,000 keys {BAR}  22%  Esc stops"),
        (52, "Filling: 58,000 keys 22%  Esc stops"),
        (34, "Filling: 58,000 keys  Esc stops"),
        (16, "22%  Esc stops"),
        (8, "22%"),
    ],
)
def test_what_has_no_room_goes_the_bar_first(width: int, line: str) -> None:
    assert progress_line("Filling: 58,000 keys", 58, 261, "Esc stops", width) == line


def test_without_a_total_or_a_hint() -> None:
    assert progress_line("Looking", 1_234, 0, "", 40) == "Looking 1,234"
    assert progress_line("Looking", 1_234, 0, "Esc stops", 12) == "Looking"
    assert progress_line("Looking", 1, 2, "", 60).endswith(" 50%")
    assert progress_line("", 0, 0, "Esc stops", 60) == ""


def test_a_name_in_it_can_do_nothing_and_takes_no_more_than_its_room() -> None:
    line = progress_line("Loading \x1b[31m" + "x" * 500, 1, 2, "", 100)
    assert line.isprintable()
    assert len(line) <= 40 + 1 + 16 + 5
