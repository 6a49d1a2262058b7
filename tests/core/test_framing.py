"""Lines of a byte stream, however it is cut."""

from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.framing import Lines

LIMIT = 8


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(stream) + 1) for place in places} | {len(stream)})
    return [stream[start:stop] for start, stop in zip([0, *ends], ends, strict=False)]


@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8),
    st.binary(max_size=5),
    st.lists(st.integers(0, 100)),
)
def test_lines_are_the_same_however_the_stream_is_cut(lines: list[bytes], rest: bytes, places: list[int]) -> None:
    rest = rest.replace(b"\n", b"")
    stream = b"".join(line + b"\n" for line in lines) + rest
    fed = Lines(LIMIT)
    got = b"".join(fed.feed(chunk) for chunk in cut(stream, places))
    first_long = next((at for at, line in enumerate(lines) if len(line) > LIMIT), None)
    assert fed.overlong is (first_long is not None)
    assert got == b"".join(line + b"\n" for line in lines[:first_long])
    if first_long is None:
        assert (fed.pending, fed.rest()) == (len(rest), rest)
        assert fed.take_rest() == rest
        assert fed.take_rest() == b""


def test_an_endless_line_is_noticed_before_it_ends_and_not_kept() -> None:
    lines = Lines(LIMIT)
    assert lines.feed(b"ok\n" + b"x" * LIMIT) == b"ok\n"
    assert not lines.overlong
    assert lines.feed(b"x") == b""
    assert lines.overlong
    assert (lines.pending, lines.rest()) == (0, b"")
    assert lines.feed(b"\nok\n") == b""
