"""A soak that was interrupted goes on where it was."""

from collections.abc import Generator
from pathlib import Path

from tests.simulation.many import CHUNK, kept_at, run_many, total_of

SEEDS = range(100, 102 + CHUNK)


def test_a_soak_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    kept = kept_at(tmp_path, SEEDS[0])
    runs = run_many(SEEDS, 1, kept)
    first = next(runs)
    assert first.seeds == CHUNK
    operations = first.operations
    # As an interruption does.
    assert isinstance(runs, Generator)
    runs.close()
    assert total_of(kept) == first
    (again,) = run_many(SEEDS, 1, kept)
    assert again.seeds == len(SEEDS)
    assert again.operations > operations
    # Nothing is left to do.
    assert list(run_many(SEEDS, 1, kept)) == []
    assert total_of(kept) == again
