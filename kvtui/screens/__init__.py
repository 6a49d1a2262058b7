"""The screens: the dashboard, and what comes over it for a moment."""

from kvtui.screens.check import CheckScreen, CheckScreens
from kvtui.screens.confirm import Confirm
from kvtui.screens.dashboard import Dashboard
from kvtui.screens.explain import ExplainScreen
from kvtui.screens.help import Help
from kvtui.screens.keys import KeyBrowser
from kvtui.screens.plan import PlanScreen

__all__ = ["CheckScreen", "CheckScreens", "Confirm", "Dashboard", "ExplainScreen", "Help", "KeyBrowser", "PlanScreen"]
