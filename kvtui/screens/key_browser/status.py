"""A search in one line of words."""

from kvtui.commands.wording import counted, harmless, shown
from kvtui.screens.key_browser.found import Found, Phase
from kvtui.widgets.words import percent


def status_words(found: Found, width: int) -> str:
    """How many keys were found, how far round the ring that is, and whether more may follow; shorter where there is little
    room. A failure is told in full."""
    if found.phase is Phase.FAILED:
        return harmless(found.trouble)
    candidates = _wordings(found)
    return next((words for words in candidates if len(words) <= width), candidates[-1])


def _wordings(found: Found) -> list[str]:
    """The same, the longest first."""
    first, last = found.skipped + 1, found.skipped + len(found.rows)
    rows = f"rows {first:,} to {last:,}" if found.skipped else counted(len(found.rows), "key")
    far = f"{percent(found.position)} of the ring"
    if found.phase is Phase.SEARCHING:
        return [f"searching: {rows} so far, {far} passed", f"{rows}, {far}…", f"{rows}…"]
    if found.phase is Phase.FULL:
        more = "more may follow"
        return [
            f"{rows}, in ring order, {far}; {more}: m shows the next",
            f"{rows}, {far}; {more} (m)",
            f"{rows}; {more} (m)",
            f"{last:,}, m: more",
        ]
    if not found.rows and not found.skipped:
        if not found.prefix:
            return ["no keys yet"]
        return [f"no key begins with {shown(found.prefix)}", "no such key"]
    return [f"{rows}, in ring order; no more follow", f"{rows}; no more follow", rows]
