"""Letters for signs: what a whole screen is drawn in where a terminal or its font has nothing else."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

PLAIN = {
    "●": "o", "◇": "+", **dict.fromkeys("○", "-"), **dict.fromkeys("◐◑", "%"), "◌": "?", "◆": "*",
    "•": ":", "·": ".", "×": "x", "…": "~", "µ": "u", "✓": "+", "✗": "x",
    **dict.fromkeys("→›▶", ">"), **dict.fromkeys("←◀", "<"), "↑": "^", **dict.fromkeys("↓▼", "v"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"), **dict.fromkeys("─╌−▔", "-"), **dict.fromkeys("│┃", "|"),
    **dict.fromkeys("━╸", "="),
    **dict.fromkeys("█▉▊▋▌▍▎▏▐", "#"), "▓": "+", "░": ".",
    **dict(zip("▁▂▃▄▅▆▇", "_.:-=+*", strict=True)), "▀": "^",
    **dict.fromkeys("▖▗▘▙▚▛▜▝▞▟", "#"),
}  # fmt: skip
"""A letter, one cell wide, for each sign that kvtui or Textual draws; bars and sparklines stay readable."""
_TABLE = str.maketrans(PLAIN)


class PlainSigns(LineFilter):
    """Draws signs as letters, in whatever panel, border or bar they are; what people wrote stays as it is."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same cells in letters."""
        return [
            segment
            if segment.text.isascii()
            else Segment(segment.text.translate(_TABLE), segment.style, segment.control)
            for segment in segments
        ]
