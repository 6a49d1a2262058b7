"""What Tab lists at the prompt."""

from hypothesis import given
from hypothesis import strategies as st

from kvtui.commands import Candidate
from kvtui.shell.listing import listed


def test_names_stand_side_by_side_and_commands_one_a_line() -> None:
    assert listed([Candidate("", word) for word in ("n1", "n2", "n10")], 12) == ["n1   n2", "n10"]
    assert listed([Candidate("", "put", "Store"), Candidate("", "policy", "Place")], 80) == [
        "put      Store",
        "policy   Place",
    ]


@given(
    st.lists(st.builds(Candidate, st.just(""), st.text("ab", min_size=1, max_size=9), st.text("cd ", max_size=90))),
    st.integers(20, 99),
)
def test_everything_is_listed_in_the_columns_there_are(found: list[Candidate], columns: int) -> None:
    lines = listed(found, columns)
    assert all(len(line) <= columns for line in lines)
    assert [word for line in lines for word in line.split() if set(word) <= set("ab")] == [each.word for each in found]
