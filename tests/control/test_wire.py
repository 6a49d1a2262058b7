"""Everything that goes over the control socket arrives as it was."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvtui.control import wire
from kvtui.core.change import AddNode, Change, RemoveNode, SetPolicy, SetReplication, SetWeight
from kvtui.core.cluster import (
    Given,
    Item,
    Location,
    NodeAdded,
    Outcome,
    OwnData,
    Read,
    Rebalanced,
    Written,
    WrittenMany,
)
from kvtui.core.events import Event
from kvtui.core.explanation import Explanation
from kvtui.core.plan import Both, Flow, NodePlan, Plan, Risk
from kvtui.core.snapshot import ClusterSnapshot, NodeState, RangeView

UNSIGNED = 2**64 - 1
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(0, UNSIGNED))
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(AddNode), st.builds(RemoveNode), st.builds(SetReplication), st.builds(SetPolicy), st.builds(SetWeight)
)


def both(kind: Any) -> st.SearchStrategy[Any]:
    return st.builds(Both, st.from_type(kind), st.from_type(kind))


BATCH_ENDS = st.builds(
    WrittenMany,
    others=st.dictionaries(st.binary(max_size=9), st.sampled_from(Outcome), max_size=3),
    given=st.lists(st.from_type(Given), max_size=3).map(tuple),
)
NODE_PLANS = st.builds(
    NodePlan,
    node=st.text(max_size=5),
    state=st.none() | st.sampled_from(NodeState),
    slots=both(int),
    firsts=both(int),
    keys=both(int),
)
PLANS = st.builds(
    Plan,
    change=CHANGES,
    nodes=st.lists(NODE_PLANS, max_size=3).map(tuple),
    flows=st.lists(st.from_type(Flow), max_size=3).map(tuple),
    copies=both(int),
    quorum=both(int),
    balance=both(float),
    first_balance=both(float),
    risks=st.lists(st.from_type(Risk), max_size=3).map(tuple),
    ranges=st.lists(st.from_type(RangeView), max_size=3).map(tuple),
)
KINDS: list[tuple[type, st.SearchStrategy[Any]]] = [
    (kind, st.from_type(kind))
    for kind in (
        Written,
        Read,
        Location,
        Item,
        NodeAdded,
        OwnData,
        Rebalanced,
        ClusterSnapshot,
        Event,
        Explanation,
    )
] + [(Plan, PLANS), (WrittenMany, BATCH_ENDS)]


@pytest.mark.parametrize(("kind", "values"), KINDS, ids=[kind.__name__ for kind, _ in KINDS])
def test_every_value_of_the_cluster_survives_the_wire(kind: type, values: st.SearchStrategy[Any]) -> None:
    @settings(max_examples=60, deadline=None)
    @given(values)
    def check(value: Any) -> None:
        encoded = msgspec.json.encode(value)
        assert b"\n" not in encoded
        arrived: Any = msgspec.json.Decoder(kind).decode(encoded)
        assert arrived == value
        assert type(arrived) is type(value)

    check()


@given(CHANGES)
def test_every_change_survives_the_wire_as_what_it_is(change: Change) -> None:
    arrived = msgspec.json.Decoder(tuple[Change]).decode(msgspec.json.encode((change,)))
    assert arrived == (change,)
    assert type(arrived[0]) is type(change)


RAW = msgspec.Raw(b'[1,"x"]')
MESSAGES: list[msgspec.Struct] = [
    wire.Put(1, b"\xff\n", b""),
    wire.Get(2, b"k"),
    wire.Delete(3, b"k"),
    wire.Ask(4, "locate", RAW),
    wire.Scan(5, b"", False),
    wire.Listen(6),
    wire.Look(),
    wire.More(7, 2),
    wire.Cancel(8),
    wire.Ping(),
    wire.Piece(b"\x00", True),
]
REPLIES: list[msgspec.Struct] = [
    wire.Answer(1, RAW),
    wire.Refused(2, "why\nnot"),
    wire.Refused(2, "no", True),
    wire.Part(3, RAW),
    wire.Passed(4, 0.5),
    wire.Ended(5),
    wire.Pong(),
    wire.NotBegun(6),
    wire.Farewell(""),
    wire.Farewell("", (1, 2)),
    wire.Piece(b"x", False),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_request_survives_in_one_line(message: msgspec.Struct) -> None:
    (arrived,) = wire.requests.decode_lines(wire.encode_lines([message]))
    assert arrived == message


@pytest.mark.parametrize("message", REPLIES, ids=lambda message: type(message).__name__)
def test_every_reply_survives_in_one_line(message: msgspec.Struct) -> None:
    (arrived,) = wire.replies.decode_lines(wire.encode_lines([message]))
    assert arrived == message


@settings(max_examples=30, deadline=None)
@given(st.from_type(Written), st.from_type(Read), st.from_type(ClusterSnapshot), st.from_type(RangeView))
def test_ends_and_pictures_survive_in_one_line(
    written: Written, read: Read, snapshot: ClusterSnapshot, part: RangeView
) -> None:
    sent: list[msgspec.Struct] = [
        wire.Wrote(1, written),
        wire.Found(2, read),
        wire.Picture(snapshot, None),
        wire.Picture(snapshot, (part, part)),
    ]
    assert wire.replies.decode_lines(wire.encode_lines(sent)) == sent


def test_every_message_is_tested() -> None:
    import typing

    tested = {type(message) for message in MESSAGES}
    assert tested == set(typing.get_args(wire.Request))
    assert {type(message) for message in REPLIES} | {wire.Wrote, wire.Found, wire.Picture} == set(
        typing.get_args(wire.Reply)
    )
