"""A hunt runs seeds until one fails that the product passes, and goes on where it was interrupted."""

from pathlib import Path

from tests.mutants.hunts import Diary, Hunt, hunt_all

BUG = "the_last_clean_copy_may_go"
"""One that few seeds show."""
SEEDS = 40


def test_a_hunt_ends_with_the_first_seed_that_shows_the_mistake() -> None:
    (hunt,) = hunt_all({BUG: BUG}, SEEDS, Diary(None, 0), 1)
    assert hunt.failure, f"{BUG} was not caught within {SEEDS} seeds"
    (again,) = hunt_all({BUG: BUG}, hunt.seeds, Diary(None, 0), 1)
    assert again == hunt
    assert hunt_all({BUG: BUG}, hunt.seeds - 1, Diary(None, 0), 1) == [Hunt(BUG, hunt.seeds - 1)]


def test_a_hunt_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    diary = Diary(tmp_path, 7)
    diary.note(Hunt("caught", 30, "it failed"))
    diary.note(Hunt("begun", 10))
    diary.note_unsound(9, "the product fails it")
    (kept,) = tmp_path.iterdir()
    with kept.open("a") as file:
        file.write('\n{"name": "cut sh')
    again = Diary(tmp_path, 7)
    assert again.hunts == diary.hunts
    assert again.unsound == {9: "the product fails it"}
    # What is over is not run again: there are no such mistakes to plant.
    assert hunt_all({"caught": "caught", "begun": "begun"}, 10, again, 1) == [
        again.hunts["caught"],
        again.hunts["begun"],
    ]
    again.note(Hunt("begun", 20))
    assert Diary(tmp_path, 7).hunts["begun"] == Hunt("begun", 20)
    assert Diary(tmp_path, 8).hunts == {}
