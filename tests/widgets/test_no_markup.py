"""Textual takes strings for markup in many places. None of them gets a string that isn't written in the code: a key that holds a
bracket would end the screen, or hide."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import kvtui
from kvtui.commands import COMMANDS

ROOT = Path(kvtui.__file__).parent
FILES = sorted([*ROOT.glob("widgets/**/*.py"), *ROOT.glob("screens/**/*.py"), *ROOT.glob("*.py")])
TITLES = {"border_title", "border_subtitle", "tooltip", "BORDER_TITLE", "BORDER_SUBTITLE"}
"""What Textual reads as markup when it is given a string."""
MADE = {"titled", "highlighted", "Content", "Content.assemble", "Content.styled", "Text"}
"""What makes content of plain text."""
TAKERS = {
    "Static": 0,
    "Label": 0,
    "Button": 0,
    "notify": 0,
    "Hit": 1,
    "DiscoveryHit": 0,
    "Option": 0,
    "Checkbox": 0,
    "Link": 0,
}
"""Calls, and which of their arguments is read as markup, unless they are told that there is none."""
FORBIDDEN = {"escape", "from_markup", "markup", "render_str", "render_markup", "to_content"}
"""Ways to and from markup."""


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id="Content"), attr=name):
            return f"Content.{name}"
        case ast.Attribute(attr=name):
            return name
        case _:
            return ""


def is_plain(value: ast.expr | None) -> bool:
    """Whether it is content, nothing, or written in the code without a bracket."""
    match value:
        case None | ast.Constant(value=None):
            return True
        case ast.Constant(value=str(text)):
            return "[" not in text
        case ast.Call(func=called):
            return name_of(called) in MADE
        case ast.IfExp(body=one, orelse=other):
            return is_plain(one) and is_plain(other)
        case ast.Name(id=name):
            return name.isupper()
        case _:
            return False


def faults(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                if module.startswith(("textual", "rich")) and FORBIDDEN & {name.name for name in names}:
                    yield f"line {node.lineno}: imports markup from {module}"
            case ast.Attribute(attr=name, ctx=ast.Load()) if name in FORBIDDEN:
                if name_of(node.value) not in ("re", ""):
                    yield f"line {node.lineno}: {name}"
            case ast.Assign(targets=[ast.Attribute(attr=name) | ast.Name(id=name)], value=value) if name in TITLES:
                if not is_plain(value):
                    yield f"line {node.lineno}: {name} = {ast.unparse(value)}"
            case ast.Call(func=called, args=given, keywords=named) if (name := name_of(called)) in TAKERS:
                told = any(word.arg == "markup" and is_false(word.value) for word in named)
                ours = name == "Label" and "Label" in own_names(tree)
                if (
                    not told
                    and not ours
                    and (given or name == "Static")
                    and not is_plain((given + [ANY] * 2)[TAKERS[name]])
                ):
                    yield f"line {node.lineno}: {ast.unparse(node)}"
            case ast.ClassDef(bases=bases, body=body) if {"Static", "Label"} & set(map(name_of, bases)):
                if "markup=False" not in "".join(map(ast.unparse, body)):
                    yield f"line {node.lineno}: class {node.name} reads markup"


ANY = ast.Name("anything")
"""A call that is given nothing now is given something later."""


def own_names(tree: ast.Module) -> set[str]:
    """What is imported from kvtui's own modules."""
    ours = (node for node in tree.body if isinstance(node, ast.ImportFrom) and str(node.module).startswith("kvtui"))
    return {name.name for node in ours for name in node.names}


def is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_string_that_is_made_at_run_time_is_read_as_markup(path: Path) -> None:
    assert list(faults(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "code",
    [
        "self.border_title = f'Key {key}'",
        "self.border_title = escape(key)",
        "self.border_title = Content(key).markup",
        "frame.border_subtitle = told or new",
        "from textual.markup import escape",
        "yield Static(told)",
        "yield Static(id='told')",
        "app.notify(told)",
        "DiscoveryHit(usage, act)",
        "BORDER_TITLE = '[b]x[/b]'",
        "class Notice(Static):\n    pass",
        "Content.from_markup(told)",
    ],
)
def test_it_would_be_noticed(code: str) -> None:
    assert list(faults(ast.parse(code)))


def test_what_the_palette_says_of_commands_has_no_brackets() -> None:
    assert not [command.name for command in COMMANDS if "[" in command.summary]
