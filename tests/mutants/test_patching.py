"""A mistake is found by its meaning, made once, and told when it can't be."""

from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, Unfit
from tests.mutants.patching import patch_of

SOURCE = '''"""A module."""

LIMIT = 3


class Till:
    """Counts."""

    @property
    def full(self) -> bool:
        """Whether it is."""
        if self.held >= LIMIT and not self.lent:
            return True
        return False

    def add(
        self,
        coin: int,
    ) -> None:
        self.held += coin
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "kvtui" / "core").mkdir(parents=True)
    (tmp_path / "kvtui" / "core" / "till.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "kvtui" / "core" / "other.py").write_text("def add() -> None:\n    return None\n", encoding="utf-8")
    return tmp_path


def mutant(where: str, old: str, new: str) -> Mutant:
    return Mutant(name="it", where=where, promise=1, story="it goes wrong", old=old, new=new)


def test_a_snippet_is_replaced_whatever_its_white_space(root: Path) -> None:
    patch = patch_of(mutant("Till.full", "if self.held>=LIMIT\n   and not self.lent :", "if self.held > LIMIT:"), root)
    assert patch.module == "kvtui.core.till"
    assert patch.source == SOURCE.replace("if self.held >= LIMIT and not self.lent:", "if self.held > LIMIT:")


def test_several_lines_keep_their_margin(root: Path) -> None:
    new = """
    if self.lent:
        return False
    return True
    """
    source = patch_of(mutant("Till.full", "return False", new), root).source
    assert "        if self.lent:\n            return False\n        return True\n" in source


def test_a_whole_body_is_replaced_after_its_docstring(root: Path) -> None:
    source = patch_of(mutant("Till.full", "", "return not self.held"), root).source
    assert '        """Whether it is."""\n        return not self.held\n\n    def add(' in source
    source = patch_of(mutant("Till.add", "", "pass"), root).source
    assert source.endswith("    ) -> None:\n        pass\n")


def test_a_constant_is_replaced(root: Path) -> None:
    assert "\nLIMIT = 4\n" in patch_of(mutant("till.LIMIT", "3", "4"), root).source


def test_a_name_that_is_gone_or_is_there_twice_is_told(root: Path) -> None:
    with pytest.raises(Unfit, match=r"^Till\.gone: nothing in kvtui has that name$"):
        patch_of(mutant("Till.gone", "a", "b"), root)
    with pytest.raises(Unfit, match=r"^add may be in kvtui\.core\.other or kvtui\.core\.till: name more of its path$"):
        patch_of(mutant("add", "a", "b"), root)
    assert patch_of(mutant("other.add", "return None", "return"), root).module == "kvtui.core.other"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("self.gone", "self.held", "what it replaces is there 0 times, not once: self.gone"),
        ("return", "yield", "what it replaces is there 2 times, not once: return"),
        ("not self.lent", "(not self.lent)", "it changes nothing"),
        ("return True", "return (", "what it makes is no Python"),
        ("elf.held", "elf.lent", "what it replaces is there 0 times"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(root: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(Unfit) as told:
        patch_of(mutant("Till.full", old, new), root)
    assert str(told.value).startswith(f"it: {problem}")
    assert "\n" not in str(told.value)
