"""Keys that a person may choose: which actions have them, what they are, and which keys can't be given away."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from kvtui.notation import in_quotes

ACTIONS: Final[Mapping[str, str]] = {
    "help": "f1",
    "ring_view": "f2",
    "keys": "f3",
    "node_bars": "f4",
    "bench": "f5",
    "next_panel": "f6",
    "save_picture": "f12",
    "palette": "ctrl+p",
    "quit": "ctrl+q",
    "complete": "tab",
    "search_history": "ctrl+r",
    "scroll_up": "pageup",
    "scroll_down": "pagedown",
}
"""Every rebindable action with its key, as long as nobody chooses another. A binding has its action's name as its id."""

EDITING: Final = frozenset(
    {
        *("enter", "escape", "up", "down", "left", "right", "home", "end", "backspace", "delete"),
        *(f"shift+{key}" for key in ("tab", "left", "right", "home", "end")),
        *(f"ctrl+{key}" for key in ("a", "c", "d", "e", "k", "u", "v", "w", "x", "left", "right", "backspace")),
        *("ctrl+shift+a", "ctrl+shift+left", "ctrl+shift+right", "alt+backspace", "super+backspace", "super+c"),
    }
)
"""Keys of the line that is being typed; they stay its own."""
SAME: Final[Mapping[str, str]] = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+j": "enter",
    "ctrl+h": "backspace",
    "ctrl+left_square_bracket": "escape",
}
"""Keys that a terminal sends as another key."""

_MODIFIERS: Final = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_NAMED: Final = frozenset(
    {
        *(f"f{number}" for number in range(1, 25)),
        *("tab", "space", "insert", "pageup", "pagedown"),
        *(key for key in EDITING if "+" not in key),
    }
)


class KeyProblem(ValueError):
    """A key that an action can't have; ``action`` says whose, the text why not, and what to do."""

    def __init__(self, action: str, text: str) -> None:
        super().__init__(text)
        self.action = action


def chosen_keys(given: Mapping[str, str]) -> dict[str, str]:
    """The keys of all actions, where a person gave some. Raises KeyProblem."""
    keys = dict(ACTIONS)
    for action, text in given.items():
        if action not in ACTIONS:
            near = get_close_matches(action, ACTIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(ACTIONS)}"
            raise KeyProblem(action, f"no such action; {hint}")
        keys[action] = ",".join(_checked(action, key) for key in text.split(","))
    owners: dict[str, str] = {}
    for action in sorted(keys, key=lambda action: action in given):  # a chosen key is at fault before a given one
        for key in keys[action].split(","):
            if owners.setdefault(key, action) != action:
                raise KeyProblem(action, f'"{key}" is the key of {owners[key]} already; choose another for one of them')
    return keys


def _checked(action: str, text: str) -> str:
    """One key as Textual names it."""
    key = text.strip().lower()
    *modifiers, name = key.split("+")
    unknown = [modifier for modifier in modifiers if modifier not in _MODIFIERS]
    known = name in _NAMED or (len(name) == 1 and name.isascii() and name.isalnum())
    if unknown or not known or len(set(modifiers)) < len(modifiers):
        raise KeyProblem(action, f"{in_quotes(text)} is no key; keys are f1 to f24, pageup, ctrl+b, alt+x and the like")
    if (name == "space" or len(name) == 1) and not set(modifiers) - {"shift"}:
        raise KeyProblem(action, f"{in_quotes(text)} is what is typed into the command bar; add ctrl+ or alt+")
    key = "+".join([*sorted(modifiers), name])
    if key in SAME:
        raise KeyProblem(action, f"{in_quotes(text)} is {SAME[key]} to a terminal; choose another")
    if key in EDITING:
        raise KeyProblem(action, f"{in_quotes(text)} edits the line in the command bar; choose another")
    return key
