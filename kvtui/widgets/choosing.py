"""A person chooses a node: in the list, or on the ring itself."""

from textual.message import Message

from kvtui.widgets.picture import Picture, Subject


class NodeChosen(Message):
    """A person chose a node; an empty id: none."""

    def __init__(self, node: str) -> None:
        self.node = node
        super().__init__()


class NodeInspected(Message):
    """A person wants to see all of a node."""

    def __init__(self, node: str) -> None:
        self.node = node
        super().__init__()


def clicked(picture: Picture, node: str) -> NodeChosen | NodeInspected:
    """What a click on a node means. Clicks go round: a node in focus, all of it, none. An empty ``node``: a click beside all."""
    if not node or node != picture.selected:
        return NodeChosen(node)
    if picture.inspected is not Subject.NODE:
        return NodeInspected(node)
    return NodeChosen("")
