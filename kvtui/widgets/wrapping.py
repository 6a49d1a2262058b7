"""Text in lines of so many cells."""

from rich.cells import cell_len, chop_cells


def wrapped_text(text: str, width: int, further: int | None = None) -> list[str]:
    """Lines of at most ``width`` cells, those after the first of at most ``further``, broken at spaces where there are any; at
    least one. Spaces that the text begins with are kept."""
    lines: list[str] = []
    while cell_len(text) > width:
        head = chop_cells(text, width)[0]
        space = head.rfind(" ")
        if text[len(head) : len(head) + 1] == " ":
            space = len(head)
        if space > width // 3 and head[:space].strip(" "):
            head = head[:space]
            text = text[len(head) :].lstrip(" ")
        else:
            text = text[len(head) :]
        lines.append(head)
        width = width if further is None else further
    return [*lines, text]
