"""Text in lines of so many cells."""

from rich.cells import cell_len, chop_cells


def wrapped_text(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, broken at spaces where there are any; at least one."""
    lines = []
    while cell_len(text) > width:
        head = chop_cells(text, width)[0]
        space = head.rfind(" ")
        if text[len(head) : len(head) + 1] == " ":
            space = len(head)
        if space > width // 3:
            head = head[:space]
        lines.append(head)
        text = text[len(head) :].lstrip(" ") if space > width // 3 else text[len(head) :]
    return [*lines, text]
