"""The metadata log's records on disk."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.formats import WrittenByNewer
from kvtui.core.placement import Placement
from kvtui.core.records import (
    Behind,
    Cleaned,
    Created,
    CutOver,
    Dual,
    Forgotten,
    Joined,
    LossAccepted,
    Opened,
    Placed,
    Planned,
    Record,
    Recovered,
    Seen,
    Wiped,
    encode_record,
    read_record,
)
from kvtui.core.ring import Balanced, Classic, Ring
from tests.core.clusters import member, planned

nodes = st.text(min_size=1, max_size=8)
lists = st.lists(nodes, max_size=3).map(tuple)
slots = st.integers(0, 16_384)
numbers = st.integers(0, 2**63 - 1)
members = st.builds(member, nodes, nodes, numbers, st.booleans())
rings = st.sampled_from(
    [planned("AB", 2).to_record(), Ring.empty(Classic(16), 3).to_record(), Ring.empty(Balanced(), 1).to_record()]
)
records: st.SearchStrategy[Record] = st.one_of(
    st.builds(Created, nodes, nodes, rings),
    st.builds(Opened, numbers, nodes),
    st.builds(Joined, members),
    st.builds(Seen, members),
    st.builds(Forgotten, nodes),
    st.builds(Planned, rings),
    st.builds(Placed, slots, slots, st.builds(Placement, lists, lists, lists, lists, lists)),
    st.builds(Dual, slots, slots, lists),
    st.builds(CutOver, slots, slots),
    st.builds(Cleaned, nodes, slots, slots),
    st.builds(Behind, nodes, st.lists(st.tuples(slots, slots), max_size=3)),
    st.builds(Recovered, nodes, slots, slots),
    st.builds(Wiped, nodes, nodes, numbers, st.booleans()),
    st.builds(LossAccepted, slots, slots, lists),
)


@given(records)
def test_a_record_is_read_back_as_it_was_written(record: Record) -> None:
    again = read_record(encode_record(record))
    assert again == record
    assert type(again) is type(record)


@given(records)
def test_a_record_is_one_line_of_text_that_a_person_can_read(record: Record) -> None:
    text = encode_record(record).decode()
    assert "\n" not in text
    assert text.startswith('{"type":"')


@pytest.mark.parametrize("damaged", [b"", b'{"type":"opened","epoch":1,"coordinator":"x"'])
def test_what_is_no_record_is_refused(damaged: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_record(damaged)


@pytest.mark.parametrize(
    "strange",
    [
        b"{}",
        b'{"type":"dual","start":1}',
        b'{"type":"unheard of"}',
        b'{"type":"cutover","start":"1","stop":2}',
    ],
)
def test_what_is_a_record_of_another_kind_is_a_newer_kvtui_s(strange: bytes) -> None:
    with pytest.raises(WrittenByNewer):
        read_record(strange)
