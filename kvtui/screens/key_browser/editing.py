"""Which values can be edited as text without being changed by it. Pure functions."""

from textual.widgets.text_area import Document

from kvtui.commands.wording import counted
from kvtui.notation import escape
from kvtui.screens.key_browser.value import Kind, kind_of

EDITED_BYTES = 64 * 1024
"""Longer values are not edited here."""


def not_editable(value: bytes) -> str:
    """Why a value can't be edited as text; empty when it can."""
    if len(value) > EDITED_BYTES:
        return (
            f"it has {counted(len(value), 'byte')}: {EDITED_BYTES:,} at most can be edited here; use load to replace it"
        )
    if kind_of(value) is Kind.BINARY:
        return "it is binary: only text can be edited here"
    text = value.decode()
    if Document(text).text != text or "\x1b" in text:
        return "its line ends or control characters would not survive an editor"
    seen = text.replace("\n", "").replace("\r", "").replace("\t", "")
    if escape(seen) != seen:
        return "it holds what can't be seen in an editor; put it as it is shown, in double quotes"
    return ""
