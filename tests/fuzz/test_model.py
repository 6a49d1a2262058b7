"""What the fuzzing judges by can itself be wrong: it must tell a node that errs from one that does not."""

import pytest

from kvtui.core.protocol import Entry, Reply
from kvtui.core.version import Version
from tests.fuzz.directories import Directory
from tests.fuzz.files import Damage, Outcome, judge
from tests.fuzz.model import Exchange, Written, Wrong
from tests.fuzz.mutator import Mutator

OK = Reply(status="ok")
REFUSED = Reply(status="error", code="bad_request", msg="no")


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b'{"op":"get","key":"a"}', Reply(status="ok", value="3")),
        (b'{"op":"get","key":"b"}', Reply(status="ok", value="1")),
        (b'{"op":"get","key":"a"}', Reply(status="ok", value="refused")),
        (b'{"op":"get","key":"a","id":5}', Reply(status="ok", value="1", id=6)),
        (b'{"op":"size"}{"op":"size"}', Reply(status="ok", keys=1)),
        (b'{"op":"scan","start":0,"stop":1}', Reply(status="ok", entries=[Entry("a", Version(0, 1), 1, "3")])),
        (b'{"op":"dump"}', Reply(status="ok", data={"b": "1"})),
        (b'{"op":"note"}', Reply(status="ok", note="never left")),
        (b'{"op":"fetch","key":"u","offset":1}', Reply(status="ok", value="bca")),
        (b'{"op":"get","key":"a"}', Reply(status="error", code="bad_request", msg="")),
        (b'{"op":"get","key":"a"}', Reply(status="error", code="", msg="why")),
    ],
)
def test_what_was_not_written_is_seen(line: bytes, reply: Reply) -> None:
    with pytest.raises(Wrong):
        taught().take([Exchange([line], [reply])])


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b'{"op":"get","key":"a","id":5}', Reply(status="ok", value="1", id=5)),
        (b'{"op":"get","key":{"b64":"YQ=="}}', Reply(status="ok", value="unanswered")),
        (b'{"op":"get","key":"a"}', Reply(status="not_found")),
        (b'{"op":"scan","start":0,"stop":1}', Reply(status="ok", entries=[Entry("c", Version(0, 1), 1, "4")])),
        (b'{"op":"fetch","key":"u","offset":1}', Reply(status="ok", value="bcd")),
        (b'{"op":"note"}', Reply(status="ok", note="left")),
    ],
)
def test_what_was_written_may_be_served(line: bytes, reply: Reply) -> None:
    taught().take([Exchange([line], [reply])])


def taught() -> Written:
    """After some writes, one of them refused and one unanswered."""
    written = Written()
    lines = [
        b'{"op":"put","key":"a","value":"1"}',
        b'{"op":"put","key":"a","value":"refused"}',
        b'{"op":"put_many","entries":[["c",[0,0],1,"4"]]}',
        b'{"op":"piece","upload":"x","offset":0,"total":4,"data":"ab"}',
        b'{"op":"piece","upload":"x","offset":2,"total":4,"data":"cd"}',
        b'{"op":"put","key":"u","upload":"x"}',
        b'{"op":"note","text":"left"}',
        b'{"op":"put","key":"a","value":"unanswered"}',
    ]
    written.take([Exchange(lines, [OK, REFUSED, OK, OK, OK, OK, OK])])
    return written


def test_a_node_that_takes_nothing_from_strangers_may_serve_nothing_of_theirs() -> None:
    written = Written(writable=False)
    lines = [b'{"op":"put","key":"a","value":"1"}', b'{"op":"get","key":"a"}']
    with pytest.raises(Wrong):
        written.take([Exchange(lines, [OK, Reply(status="ok", value="1")])])


def test_the_same_seed_gives_the_same_frames() -> None:
    first, again, other = (Mutator(seed, versioned=False) for seed in (1, 1, 2))
    frames = [first.frame() for _ in range(500)]
    assert frames == [again.frame() for _ in range(500)]
    assert frames != [other.frame() for _ in range(500)]


def test_damage_is_one_byte_or_the_end() -> None:
    assert Damage("a", 2).of(b"abcd") == b"ab"
    assert Damage("a", 2, 0x01).of(b"abcd") == b"abbd"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, Outcome.WHOLE),
        ({"values": {"a": "1", "b": None}, "scanned": ["a"], "counter": 1}, Outcome.CUT_BACK),
        ({"values": {"a": "1", "b": None}, "scanned": ["a"]}, Outcome.LOST),
        ({"scanned": ["a"]}, Outcome.LOST),
        ({"values": {"a": "1"}, "damaged": ["b"], "damages": 1, "scanned": ["a"]}, Outcome.REPORTED),
        ({"values": {"a": "1", "b": "3"}}, Outcome.WRONG),
        ({"values": {"a": None, "b": None}, "scanned": [], "keys": 0, "counter": 1, "id": "new"}, Outcome.ANEW),
        ({"refused": "damaged"}, Outcome.REFUSED),
        ({"refused": "Traceback\nof something"}, Outcome.CRASHED),
        ({"crashed": "KeyError()"}, Outcome.CRASHED),
    ],
)
def test_outcomes_of_an_opening(change: dict[str, object], outcome: Outcome) -> None:
    states = [
        {"values": {"a": "1"}, "counter": 1, "note": ""},
        {"values": {"a": "1", "b": "2"}, "counter": 2, "note": ""},
    ]
    directory = Directory("node", {}, states, "id", ["a", "b"])
    found = {
        "values": {"a": "1", "b": "2"},
        "damaged": [],
        "scanned": ["a", "b"],
        "damages": 0,
        "keys": 2,
        "counter": 2,
        "id": "id",
        "note": "",
    }
    assert judge(directory, found | change) is outcome
