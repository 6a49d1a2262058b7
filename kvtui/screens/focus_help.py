"""What help says about what has the focus: the texts that widgets and screens declare (``HELP``), and their own keys.

A ``HELP`` is plain text whose first line, after ``#``, is its title. A widget without one adds its keys to the next around it.
"""

from collections.abc import Iterator

from textual.actions import parse
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from kvtui.screens.help import Section


def help_for(screen: Screen[object]) -> list[Section]:
    """The focused widget's section first, then those around it, the screen's last; then what else the screen shows."""
    sections, seen = [], set()
    keys: list[tuple[str, str]] = []
    for node in _around(screen):
        keys += _keys(screen, node)
        text = node.HELP if isinstance(node, Widget) else None
        if text:
            sections.append(_section(text, keys))
            seen.add(node)
            keys = []
    if keys:
        last = sections.pop() if sections else Section("Keys")
        sections.append(Section(last.title, last.text, (*last.rows, *keys)))
    beside = [node for node in screen.walk_children(Widget) if node.HELP and node not in seen]
    return [*sections, *(_section(node.HELP or "", _declared(screen, node)) for node in beside)]


def _around(screen: Screen[object]) -> Iterator[DOMNode]:
    node: DOMNode | None = screen.focused or screen
    while node is not None:
        yield node
        node = node.parent if isinstance(node.parent, DOMNode) else None


def _section(text: str, keys: list[tuple[str, str]]) -> Section:
    title, _, rest = text.partition("\n")
    return Section(title.lstrip("# "), " ".join(rest.split()), tuple(keys))


def _declared(screen: Screen[object], node: Widget) -> list[tuple[str, str]]:
    """The keys that a node will have once it has the focus."""
    own = [kind for kind in type(node).__mro__ if kind.__module__.startswith("kvtui.")]
    rows: dict[str, list[str]] = {}
    for kind in own:
        for binding in Binding.make_bindings(vars(kind).get("BINDINGS", ())):
            _, action, parameters = parse(binding.action)
            if binding.show and binding.description and node.check_action(action, parameters) is not False:
                words = binding.tooltip or binding.description
                rows.setdefault(words, []).append(screen.app.get_key_display(binding))
    return [(" ".join(written), words) for words, written in rows.items()]


def _keys(screen: Screen[object], node: DOMNode) -> list[tuple[str, str]]:
    """The keys that a node's own classes declare, as they are written here; those of Textual's widgets go without saying."""
    declared: dict[bool, set[str]] = {True: set(), False: set()}
    for kind in type(node).__mro__:
        bindings = Binding.make_bindings(vars(kind).get("BINDINGS", ()))
        declared[kind.__module__.startswith("kvtui.")] |= {binding.action for binding in bindings}
    own = declared[True] - declared[False]
    rows: dict[str, list[str]] = {}
    for bound in screen.active_bindings.values():
        binding = bound.binding
        if bound.node is node and binding.action in own and binding.description:
            rows.setdefault(binding.tooltip or binding.description, []).append(screen.app.get_key_display(binding))
    return [(" ".join(written), words) for words, written in rows.items()]
