"""Keys that a person chooses."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.binding import Binding

from kvtui.app import KvtuiApp
from kvtui.config.keys import ACTIONS, EDITING, KeyProblem, chosen_keys
from kvtui.screens import CheckScreen, Dashboard, Help
from kvtui.screens.sheet import Sheet
from kvtui.widgets.command_line import CommandLine
from kvtui.widgets.keys import written

OWNERS = (KvtuiApp, Dashboard, CommandLine, CheckScreen, Help, Sheet)
KEYS = st.sampled_from(["f1", "f2", "f3", "ctrl+g", "alt+x", "pageup", "tab", "f1,f3", " F5 ", "Ctrl+T"])


def test_every_action_has_a_binding_of_that_key_and_every_named_binding_is_an_action() -> None:
    bound: dict[str, set[str]] = {}
    for owner in OWNERS:
        for binding in Binding.make_bindings(vars(owner)["BINDINGS"]):
            if binding.id:
                bound.setdefault(binding.id, set()).add(binding.key)
    assert bound == {action: {key} for action, key in ACTIONS.items()}


def test_the_keys_of_the_line_are_those_that_it_has() -> None:
    own = {binding.key for binding in Binding.make_bindings(CommandLine.BINDINGS) if not binding.id}
    assert own == EDITING


def test_the_default_keys_do_not_clash_and_may_be_written_out() -> None:
    assert chosen_keys({}) == ACTIONS
    assert chosen_keys(ACTIONS) == ACTIONS


def test_keys_may_change_places_and_be_several() -> None:
    keys = chosen_keys({"help": "F2", "ring_view": "f1, Shift+Ctrl+V"})
    assert (keys["help"], keys["ring_view"]) == ("f2", "f1,ctrl+shift+v")


@given(st.dictionaries(st.sampled_from(sorted(ACTIONS)), KEYS))
def test_keys_are_never_shared(given: dict[str, str]) -> None:
    with contextlib.suppress(KeyProblem):
        keys = chosen_keys(given)
        single = [key for several in keys.values() for key in several.split(",")]
        assert len(single) == len(set(single))


@pytest.mark.parametrize(
    "key", ["shift+a", "space", "ctrl", "ctrl+", "+", "ctrl+ctrl+a", "ctrl+é", "f25", "up", "a,f1"]
)
def test_what_is_no_key_of_its_own_is_refused(key: str) -> None:
    with pytest.raises(KeyProblem):
        chosen_keys({"help": key})


@pytest.mark.parametrize(
    ("key", "text"),
    [("f1", "F1"), ("ctrl+p", "^P"), ("shift+tab", "Shift+Tab"), ("pageup", "PgUp"), ("alt+x", "Alt+x"), ("up", "↑")],
)
def test_keys_are_written_as_people_write_them(key: str, text: str) -> None:
    assert written(key) == text
