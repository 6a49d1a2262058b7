"""Editing keys that are obeyed in the order in which they were typed."""

from collections.abc import Mapping

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget


def actions_of(*bindings: list[BindingType]) -> dict[str, str]:
    """Key and action of a text widget's own bindings."""
    # Copying also copies what is selected on the screen, and is no edit.
    made = (binding for some in bindings for binding in Binding.make_bindings(some))
    return {binding.key: binding.action for binding in made if binding.action != "copy"}


async def obey(widget: Widget, event: events.Key, actions: Mapping[str, str]) -> None:
    """Obey a key that a text widget acts upon here and now. Textual lets it bubble up to the screen first, while letters typed
    after it are inserted at once: keys that arrive together would change places."""
    action = None if event.is_printable else actions.get(event.key)
    if action is not None and await widget.app.run_action(action, widget):
        event.stop()
        event.prevent_default()
