"""The dashboard: lays out the panels and hands the picture down to them."""

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.screen import Screen

from kvtui.commands import ActivityFilter, History
from kvtui.commands.wording import harmless
from kvtui.core.cluster import Location
from kvtui.core.snapshot import ClusterSnapshot
from kvtui.notation import as_rest
from kvtui.screens.steady import Steady
from kvtui.widgets.activity import Activity
from kvtui.widgets.choosing import NodeChosen, NodeInspected
from kvtui.widgets.command_bar import CommandBar
from kvtui.widgets.footer import Footer
from kvtui.widgets.header import Header
from kvtui.widgets.inspector import Inspector
from kvtui.widgets.nodes import Nodes
from kvtui.widgets.picture import Picture, Subject
from kvtui.widgets.ring import Motion, Ring, View
from kvtui.widgets.stats import Stats
from kvtui.widgets.titles import titled

PANELS = ("ring", "nodes", "stats", "inspector", "activity")
"""In the order in which a small screen shows one after the other; the inspector while there is something in it."""
FLAT, TINY = 10, 8
"""With fewer rows than these panels have no frame, and there is no line of keys."""


class Dashboard(Steady, Screen[None]):
    """Ring, nodes, stats, activity and command bar, as many as the size has room for."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (104, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high"), (30, "-tall")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "app.help", "Help", id="help"),
        Binding("f2", "ring_view", "Ring view", id="ring_view"),
        Binding("f3", "app.browse", "Keys", id="keys"),
        Binding("f4", "node_bars", "Node bars", id="node_bars"),
        Binding("f5", "app.bench", "Bench", id="bench"),
        Binding("f6", "next_panel", "Panel", id="next_panel"),
        Binding("escape", "back", "Back to the command bar, or close", show=False, priority=True),
        Binding("f12", "app.save_picture", "Save as SVG", id="save_picture"),
        Binding("ctrl+q", "app.quit", "Quit", priority=True, id="quit"),
        Binding("pageup", "scroll_activity(-1)", "Scroll the activity back", show=False, id="scroll_up"),
        Binding("pagedown", "scroll_activity(1)", "Scroll the activity on", show=False, id="scroll_down"),
    ]
    AUTO_FOCUS = "#command"
    HELP = """\
# Dashboard
The ring with the keys on it, the nodes, the numbers and what happened. A click on a node, in the list or on
the ring, puts it in focus, a second one shows all of it; a small screen shows one panel at a time. Text can be selected with the
mouse and copied."""

    picture: reactive[Picture] = reactive(Picture(), repaint=False)

    def __init__(self, history: History, motion: Motion | None = None, *, readonly: bool = False) -> None:
        super().__init__()
        self.readonly = readonly
        self._ring_panel = Ring(id="ring", motion=motion)
        self._node_panel = Nodes(id="nodes")
        self._panel = PANELS[0]
        self._came_from = ""
        """The panel that gave way to an answer, where there is room for one."""
        self._stop: Callable[[], None] | None = None
        """Ends the command whose progress the bar shows."""
        self._inspector = Inspector(id="inspector")
        self.activity = Activity(id="activity")
        self.bar = CommandBar(history, readonly=readonly, id="bar")

    def compose(self) -> ComposeResult:
        yield Header(id="header", readonly=self.readonly).data_bind(Dashboard.picture)
        with Horizontal(id="panels"):
            yield self._ring_panel.data_bind(Dashboard.picture)
            with Vertical(id="side"):
                yield self._node_panel.data_bind(Dashboard.picture)
                yield Stats(id="stats").data_bind(Dashboard.picture)
                yield self._inspector.data_bind(Dashboard.picture)
                yield self.activity
        yield self.bar.data_bind(Dashboard.picture)
        yield Footer(id="footer")

    def on_mount(self) -> None:
        """Start with the ring, the newest view, and one panel where there is room for one."""
        self._ring_panel.border_title = titled("Ring", View.ARCS)
        self._show_panel(self._panel)

    def on_screen_resume(self) -> None:
        """What was said over another screen is in the activity, which is seen again."""
        self.app.clear_notifications()

    def watch_picture(self, picture: Picture) -> None:
        """The inspector is there while there is something in it."""
        inspecting = picture.inspected is not Subject.NOTHING
        self.set_class(inspecting, "-inspecting")
        if not inspecting and self._inspector.has_focus:
            self.bar.take_keyboard()
        if not inspecting and self._panel == "inspector":
            self._show_panel("nodes")
        elif not inspecting and self._came_from == "inspector":
            self._came_from = "nodes"

    def show_snapshot(self, snapshot: ClusterSnapshot) -> None:
        """Draw a newer cluster."""
        self.picture = self.picture.with_snapshot(snapshot)

    def show_location(self, location: Location) -> None:
        """Show where a key is."""
        self.picture = replace(self.picture, located=location, held=None)

    def show_held(self, location: Location) -> None:
        """Show what the replicas of that key hold by now, if it still is the key that was looked up."""
        located = self.picture.located
        if located is not None and located.key == location.key and location != self.picture.known:
            self.picture = replace(self.picture, held=location)

    def inspect_key(self, location: Location) -> None:
        """Show where a key is, and open the inspector on it."""
        self.picture = replace(self.picture, located=location, held=None, inspected=Subject.KEY)
        self._show_panel("inspector")

    def inspect_node(self, node: str) -> None:
        """Put a node in focus and open the inspector on it."""
        self.picture = replace(self.picture, selected=node, inspected=Subject.NODE)
        self._ring_panel.view = None
        self._show_panel("inspector")

    def filter_activity(self, wanted: ActivityFilter) -> None:
        """Show only some of the activity."""
        self.activity.show_only(wanted)
        self._show_panel("activity")

    def answer_seen(self) -> None:
        """A command answers: a screen with room for one panel turns to where the answer is read, until Escape."""
        came_from = self._came_from or (self._panel if self._panel != "activity" else "")
        self._show_panel("activity")
        self._came_from = came_from
        self._tell_way_back()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is the command bar's while something is typed, or there is nothing to go back from."""
        if action == "back" and self.bar.has_keyboard:
            return not self.bar.engaged and (self._somewhere or self._stop is not None)
        return True

    @property
    def _somewhere(self) -> bool:
        """Whether Esc in the command bar goes back from something."""
        return bool(self.picture.selected) or self.picture.inspected is not Subject.NOTHING or self._answering

    def progress(self, text: str, done: int, total: int, *, stop: Callable[[], None] | None = None) -> None:
        """How far a long command is; Esc calls its ``stop`` where there is nothing else to go back from. An empty text ends it."""
        self._stop = stop if text else None
        stops = self._stop is not None and self.bar.is_attached and not self._somewhere
        self.bar.progress(text, done, total, hint="Esc stops" if stops else "")

    @property
    def _answering(self) -> bool:
        """Whether an answer has the room of something else."""
        return self.activity.reading or (self._single and self._panel == "activity" and bool(self._came_from))

    @property
    def _single(self) -> bool:
        return self.has_class("-narrow") or self.has_class("-low")

    def _show_panel(self, panel: str) -> None:
        self._panel, self._came_from = panel, ""
        if panel != "activity":
            self._end_answer()
        for name in PANELS:
            self.set_class(name == panel, f"-show-{name}")
        self._tell_way_back()
        if self._single and self.focused is not None and self.focused.id in PANELS and self.focused.id != panel:
            self.bar.take_keyboard()  # what is not seen can't be used

    def action_ring_view(self) -> None:
        """Another view of the ring; where one panel is shown, the ring first."""
        if self._single and self._panel != "ring":
            self._show_panel("ring")
        else:
            self._ring_panel.switch_view()

    def action_node_bars(self) -> None:
        """Bars of another measure; where one panel is shown, the nodes first."""
        if self._single and self._panel != "nodes":
            self._show_panel("nodes")
        else:
            self._end_answer()
            self._node_panel.next_measure()

    def action_node_order(self) -> None:
        """Sort the nodes otherwise; where one panel is shown, the nodes first."""
        if self._single and self._panel != "nodes":
            self._show_panel("nodes")
        else:
            self._end_answer()
            self._node_panel.next_order()

    def _end_answer(self) -> None:
        """The panels that gave way to a long answer are wanted."""
        if self.activity.reading:
            self.activity.follow()

    def action_next_panel(self) -> None:
        """The next of the panels: it has the keyboard, and where there is room for one it is the one that is shown."""
        if self._single:
            there = [name for name in PANELS if name != "inspector" or self.picture.inspected is not Subject.NOTHING]
            at = there.index(self._panel) if self._panel in there else 0
            self._show_panel(there[(at + 1) % len(there)])
            self.call_after_refresh(self._follow_panel)
            return
        stops = [panel for panel in (self._node_panel, self._inspector, self.activity) if panel.display]
        at = next((place for place, panel in enumerate(stops) if panel is self.focused), -1)
        if at + 1 < len(stops):
            stops[at + 1].focus()
        else:
            self.bar.take_keyboard()

    def _follow_panel(self) -> None:
        """Give the keyboard to the one panel that is shown, or to the command bar where that has no use for it."""
        shown = next(
            (panel for panel in (self._node_panel, self._inspector, self.activity) if panel.id == self._panel), None
        )
        if shown is not None and shown.display:
            shown.focus()
        else:
            self.bar.take_keyboard()

    def action_back(self) -> None:
        """The keyboard goes back to the command bar; from there, the inspector closes, no node is in focus, a long command ends."""
        if self.focused in (self._node_panel, self.activity):
            self.bar.take_keyboard()
        elif self._answering:
            self.activity.follow()
            self._show_panel(self._came_from or self._panel)
        elif self.picture.inspected is not Subject.NOTHING:
            self._close_inspector()
        elif not self.picture.selected and self._stop is not None:
            self._stop()
        else:
            self.picture = self.picture.with_node("")
            self._ring_panel.view = None

    def _close_inspector(self) -> None:
        self.picture = replace(self.picture, inspected=Subject.NOTHING)

    def action_scroll_activity(self, pages: int) -> None:
        """Page through what happened."""
        if pages < 0:
            self.activity.scroll_page_up(animate=False)
        else:
            self.activity.scroll_page_down(animate=False)

    def on_resize(self, _event: events.Resize) -> None:
        """Some keys are there at some sizes only, and so are frames."""
        self.set_class(self.size.height < FLAT, "-flat")
        self.set_class(self.size.height < TINY, "-tiny")
        self._tell_way_back()
        self.call_after_refresh(self.refresh_bindings)

    @on(Ring.ViewShown)
    def _view_shown(self, event: Ring.ViewShown) -> None:
        node = f" on {harmless(event.focused)}" if event.focused else ""
        self._ring_panel.border_title = titled("Ring", f"{event.view}{node}")

    @on(NodeChosen)
    def _node_chosen(self, event: NodeChosen) -> None:
        """Put a node in focus."""
        self.picture = self.picture.with_node(event.node)
        self._ring_panel.view = None

    @on(NodeInspected)
    def _node_inspected(self, event: NodeInspected) -> None:
        self.inspect_node(event.node)

    @on(Inspector.Closed)
    def _inspector_closed(self) -> None:
        self._close_inspector()

    @on(Activity.Reading)
    def _reading(self, event: Activity.Reading) -> None:
        """A long answer has the room of the side column, and no panel that was asked for gives way to it."""
        self.set_class(event.below is not None and self.picture.inspected is Subject.NOTHING, "-reading")
        self._tell_way_back()

    def _tell_way_back(self) -> None:
        """Say how to get back from an answer: in the panel's frame, or where it has none, below."""
        self.activity.way_back = self._single and self._panel == "activity" and bool(self._came_from)
        flat = self.has_class("-flat") and self._panel == "activity"
        self.bar.note(*(self.activity.ways if flat else ()))

    @on(Activity.FilterWanted)
    def _filter_wanted(self, event: Activity.FilterWanted) -> None:
        """A filter is typed as the command that it is."""
        self.bar.fill(f"filter {as_rest(event.text) if event.text else ''}")
        self.bar.take_keyboard()
