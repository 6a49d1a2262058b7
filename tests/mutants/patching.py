"""Makes a mutant's change in the text of the module that it names, and in the module as it is imported."""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import dedent, indent
from types import CodeType, ModuleType
from typing import Final

from tests.mutants.mutant import Mutant, Unfit

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = "kvtui"

_Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True, slots=True)
class Patch:
    """A module's name, and its source with the mistake in it."""

    module: str
    path: Path
    source: str


def patch_of(mutant: Mutant, root: Path = ROOT) -> Patch:
    """What the mutant makes of its module. Raises Unfit."""
    module, path, node = _found(mutant.where, root)
    source = path.read_text(encoding="utf-8")
    try:
        changed = _changed(source, node, mutant)
    except Unfit as error:
        raise Unfit(f"{mutant.name}: {error} (in {mutant.where}, {path.relative_to(root)})") from None
    return Patch(module, path, changed)


def plant(patch: Patch) -> None:
    """From here on the module is imported with the mistake in it. Raises Unfit if it is imported already."""
    if patch.module in sys.modules:
        raise Unfit(f"{patch.module} was imported before the mistake was planted")
    sys.meta_path.insert(0, _Finder(patch))


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, patch: Patch) -> None:
        self._patch = patch

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._patch.module:
            return None
        return importlib.util.spec_from_file_location(name, self._patch.path, loader=_Loader(name, self._patch))


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, patch: Patch) -> None:
        super().__init__(name, str(patch.path))
        self._source = patch.source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)


def _found(where: str, root: Path) -> tuple[str, Path, _Named]:
    """The one thing of that name. Raises Unfit."""
    last = where.rpartition(".")[2]
    hits = [
        (module, path, node)
        for module, path, text in _files(root)
        if last in text
        for name, node in _named(text)
        if f"{module}.{name}" == where or f"{module}.{name}".endswith(f".{where}")
    ]
    if not hits:
        raise Unfit(f"{where}: nothing in {PACKAGE} has that name")
    if len(hits) > 1:
        raise Unfit(
            f"{where} may be in {' or '.join(sorted({module for module, _, _ in hits}))}: name more of its path"
        )
    return hits[0]


@cache
def _files(root: Path) -> tuple[tuple[str, Path, str], ...]:
    found = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append((module, path, path.read_text(encoding="utf-8")))
    return tuple(found)


@cache
def _named(text: str) -> tuple[tuple[str, _Named], ...]:
    return tuple(_of_body(ast.parse(text).body, ""))


def _of_body(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, _Named]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield prefix + node.name, node
            yield from _of_body(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield prefix + node.target.id, node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield prefix + node.targets[0].id, node


def _changed(source: str, node: _Named, mutant: Mutant) -> str:
    lines = source.splitlines(keepends=True)
    decorated = [each.lineno for each in getattr(node, "decorator_list", [])]
    first, last = min([node.lineno, *decorated]) - 1, node.end_lineno or node.lineno
    segment = "".join(lines[first:last])
    after = _replaced(segment, mutant.old, mutant.new) if mutant.old else _with_body(segment, node, first, mutant.new)
    changed = "".join([*lines[:first], after, *lines[last:]])
    try:
        same = ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source))
    except SyntaxError as error:
        raise Unfit(f"what it makes is no Python: {error.msg}") from None
    if same:
        raise Unfit("it changes nothing")
    return changed


def _replaced(segment: str, old: str, new: str) -> str:
    hits = list(_pattern(old).finditer(segment))
    if len(hits) != 1:
        raise Unfit(f"what it replaces is there {len(hits)} times, not once: {' '.join(old.split())}")
    start, stop = hits[0].span()
    line = segment[segment.rfind("\n", 0, start) + 1 : start]
    margin = line[: len(line) - len(line.lstrip())]
    return segment[:start] + indent(_straight(new), margin).lstrip() + segment[stop:]


def _pattern(text: str) -> re.Pattern[str]:
    """``text`` with any white space between its words and signs."""
    words = re.findall(r"\w+|[^\w\s]", text)
    pattern = re.escape(words[0])
    for before, word in pairwise(words):
        both = before[-1].isidentifier() or before[-1].isdigit()
        pattern += (r"\s+" if both and re.match(r"\w", word) else r"\s*") + re.escape(word)
    edges = [r"(?<!\w)" if re.match(r"\w", words[0]) else "", r"(?!\w)" if re.match(r"\w", words[-1][-1]) else ""]
    return re.compile(edges[0] + pattern + edges[1])


def _with_body(segment: str, node: _Named, first: int, new: str) -> str:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        margin = " " * node.col_offset
        return indent(_straight(new), margin) + "\n"
    body = node.body
    kept = 1 if ast.get_docstring(node) is not None else 0
    begin = (body[0].end_lineno or 0) if kept else body[0].lineno - 1
    margin = " " * body[0].col_offset
    return "".join(segment.splitlines(keepends=True)[: begin - first]) + indent(_straight(new), margin) + "\n"


def _straight(text: str) -> str:
    """Text in triple quotes, without the margin that it has there."""
    return dedent(text.lstrip("\n")).rstrip()
