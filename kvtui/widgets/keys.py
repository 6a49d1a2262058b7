"""The keys that a person chose, as they are written on the screen."""

from textual.screen import Screen


def key_of(screen: Screen[object], action: str) -> str:
    """How the key of a rebindable action is written, such as ``F1`` or ``^r``; empty where it has none here."""
    bound = next((bound for bound in screen.active_bindings.values() if bound.binding.id == action), None)
    return screen.app.get_key_display(bound.binding) if bound is not None else ""
