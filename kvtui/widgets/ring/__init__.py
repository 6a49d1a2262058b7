"""The ring as a circle of coloured arcs: pure geometry, colours and text, and the widget that shows them."""

from kvtui.widgets.ring.motion import Motion
from kvtui.widgets.ring.view import View
from kvtui.widgets.ring.widget import Ring

__all__ = ["Motion", "Ring", "View"]
