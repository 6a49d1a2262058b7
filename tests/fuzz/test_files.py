"""Files that a disk gave back cut or with flipped bits: what was written is read, or it is said that it can't be."""

from pathlib import Path

import pytest

from tests.fuzz.files import Outcome
from tests.fuzz.sweep import DIRECTORIES, sweep

EVERY = 211
"""One in so many damages; all of them: ``python benchmarks/fuzz.py --files``. A prime, so that all kinds come."""


@pytest.mark.parametrize("what", list(DIRECTORIES))
def test_no_damaged_file_makes_data_wrong_or_absent_in_silence(what: str, tmp_path: Path) -> None:
    swept = sweep(DIRECTORIES[what](tmp_path), tmp_path, every=EVERY)
    assert swept.bad == []
    assert swept.openings > 80
    outcomes = {outcome for _, _, outcome in swept.outcomes}
    assert outcomes >= {Outcome.WHOLE, Outcome.REFUSED}
