"""What is written over the ring, cell by cell."""

from kvtui.widgets.ring.cells import Overlay, write


def test_marks_stand_in_the_cell_of_what_they_are_on() -> None:
    rows: Overlay = {}
    assert write(rows, 2, 0, "日\u0323à\u0323b", "text") == 6
    assert [rows[0][x][0] for x in range(2, 6)] == ["日\u0323", "", "à\u0323", "b"]
