"""The screens: the dashboard, and what comes over it for a moment. Each is imported when it is first asked for: the dashboard's
first picture waits for none of the others."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvtui.screens.bench import BenchScreen, BenchScreens
    from kvtui.screens.check import CheckScreen, CheckScreens
    from kvtui.screens.confirm import Confirm
    from kvtui.screens.dashboard import Dashboard
    from kvtui.screens.explain import ExplainScreen
    from kvtui.screens.help import Help
    from kvtui.screens.keys import KeyBrowser
    from kvtui.screens.plan import PlanScreen

__all__ = [
    "BenchScreen",
    "BenchScreens",
    "CheckScreen",
    "CheckScreens",
    "Confirm",
    "Dashboard",
    "ExplainScreen",
    "Help",
    "KeyBrowser",
    "PlanScreen",
]

_MODULES = {
    "BenchScreen": "bench", "BenchScreens": "bench",
    "CheckScreen": "check", "CheckScreens": "check", "Confirm": "confirm", "Dashboard": "dashboard",
    "ExplainScreen": "explain", "Help": "help", "KeyBrowser": "keys", "PlanScreen": "plan",
}  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
