"""A result as a file: whole again when it is read, and refused in one line when it is none."""

import json

import pytest

from kvtui.bench.result import BadResult, decode, encode, omission
from tests.bench import runs


def test_a_result_is_the_same_after_it_was_written_and_read() -> None:
    for result in (runs.result(), runs.slower(), runs.result(runs.bad())):
        assert decode(encode(result)) == result


def test_it_states_what_ran_under_which_guarantee() -> None:
    told = json.loads(encode(runs.result()))
    assert (told["format"], told["version"], told["kvtui"]) == ("kvtui-bench", 1, "0.1.0")
    assert told["guarantee"] == {
        "words": runs.GUARANTEE,
        "weakened": "",
        "copies": 2,
        "quorum": 1,
        "durable": True,
        "reads": "strict",
        "policy": "balanced",
        "nodes": 3,
    }
    assert told["machine"]["loop"] == "uvloop"
    assert "(uvloop)" in told["clients"]
    assert told["counted"] == "percentiles within 0.1 % (HDR histograms)"
    assert told["request"]["mix"] == {"read": 50, "update": 50}
    assert told["request"]["seconds"] == 10
    assert set(told["operations"]) == {"read", "update"}
    assert len(told["seconds"]) == 10
    assert [node["id"] for node in told["nodes"]] == ["A", "B", "C"]


def test_words_for_coordinated_omission() -> None:
    assert omission(2_000, 0, 0).endswith("on a fixed schedule")
    assert "1,234 were late to the end, and never begun" in omission(2_000, 0, 1_234)
    assert "every 1.44 ms" in omission(None, 1_440, 0)


def test_a_result_of_before_that_was_said_counted_in_hdr_histograms() -> None:
    told = json.loads(encode(runs.result()))
    del told["counted"]
    assert decode(json.dumps(told).encode()).counted == "percentiles within 0.1 % (HDR histograms)"


def altered(**parts: object) -> bytes:
    told = json.loads(encode(runs.result()))
    return json.dumps({**told, **parts}).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no result"),
        (b"\xff\xfe\x00", "no result"),
        (b"[1, 2]", "no result"),
        pytest.param(b'{"more": ' + b"[" * 100_000, "no result", id="too deep"),
        (altered(workload="?").replace(b"?", b"\xff"), "damaged: not UTF-8"),
        (b'{"format": "kvtui-history", "version": 1}', "no result"),
        (b'{"key": "a", "value": "b"}', "no result"),
        (altered(version=2), r"^it was written by a newer kvtui \(format 2; this one reads 1\)$"),
        (altered(version=0), "format 0, and this kvtui reads format 1"),
        (altered(rate="fast"), "damaged"),
        (altered(guarantee={}), "damaged"),
        (altered(surplus=1), r"^it was written by a newer kvtui \(Object contains unknown field `surplus`;"),
        (encode(runs.result())[:-40], "no result"),
    ],
)
def test_what_is_no_result_is_refused_in_one_line(data: bytes, words: str) -> None:
    with pytest.raises(BadResult, match=words) as refusal:
        decode(data)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200
