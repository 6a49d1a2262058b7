"""Titles and labels made of plain text. Textual takes a string for markup, in which a key can end the screen, or hide: what it is
given is content."""

from textual.content import Content
from textual.fuzzy import Matcher

from kvtui.commands.wording import harmless


def titled(*parts: str) -> Content:
    """What a frame says, its parts that aren't empty side by side."""
    return Content(harmless(" · ".join(part for part in parts if part)))


def highlighted(matcher: Matcher, text: str) -> Content:
    """A text with what was searched for in it."""
    content = Content(text)
    _, places = matcher.fuzzy_search.match(matcher.query, text)
    for place in places:
        if not text[place].isspace():
            content = content.stylize(matcher.match_style, place, place + 1)
    return content
