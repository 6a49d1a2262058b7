"""Numbers three rows high, out of half blocks."""

from typing import Final

_PIXELS: Final = {
    "0": "111 101 101 101 111", "1": "010 110 010 010 111", "2": "111 001 111 100 111", "3": "111 001 111 001 111",
    "4": "101 101 111 001 001", "5": "111 100 111 001 111", "6": "111 100 111 101 111", "7": "111 001 001 001 001",
    "8": "111 101 111 101 111", "9": "111 101 111 001 111", ",": "0 0 0 0 1 1", "-": "000 000 111 000 000",
}  # fmt: skip
_HALVES: Final = {"00": " ", "10": "▀", "01": "▄", "11": "█"}
ROWS: Final = 3


def large(number: str) -> list[str]:
    """``number``, made of digits, commas and ``-``, as rows of equal width."""
    rows = [""] * ROWS
    for place, sign in enumerate(number):
        lines = _PIXELS[sign].split()
        lines += ["0" * len(lines[0])] * (2 * ROWS - len(lines))
        gap = " " if place else ""
        for row in range(ROWS):
            upper, lower = lines[2 * row], lines[2 * row + 1]
            rows[row] += gap + "".join(_HALVES[above + below] for above, below in zip(upper, lower, strict=True))
    return rows
