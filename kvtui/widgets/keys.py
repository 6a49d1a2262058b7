"""Keys as they are written on the screen."""

from textual.screen import Screen

_NAMES = {
    "up": "↑", "down": "↓", "left": "←", "right": "→", "pageup": "PgUp", "pagedown": "PgDn", "escape": "Esc", "delete": "Del",
    "insert": "Ins",
}  # fmt: skip


def written(key: str) -> str:
    """A key as Textual names it, as a person reads it: ``F1``, ``^R``, ``Shift+Tab``, ``PgUp``."""
    *modifiers, name = key.split("+")
    name = _NAMES.get(name, name if len(name) == 1 else name.capitalize())
    if modifiers == ["ctrl"]:
        return f"^{name.upper() if len(name) == 1 else name}"
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])


def key_of(screen: Screen[object], action: str) -> str:
    """How the key of a rebindable action is written; empty where it has none here."""
    bound = next((bound for bound in screen.active_bindings.values() if bound.binding.id == action), None)
    return screen.app.get_key_display(bound.binding) if bound is not None else ""
