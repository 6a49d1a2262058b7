"""Where an entry lies, and what its record says."""

from kvtui.core.version import Version
from kvtui.node.record import engine_key, is_live, pack, pack_version, part_of, placed, size_of, value_of, version_of


def test_an_entry_is_placed_where_its_key_belongs_and_nowhere_else() -> None:
    where = engine_key(b"key")
    assert placed(where)
    for at in range(1, len(where)):
        moved = bytearray(where)
        moved[at] ^= 1
        assert not placed(bytes(moved)), f"byte {at}"


def test_a_record_says_its_version_and_what_was_stored() -> None:
    live = pack(b"key", pack_version(Version(3, 1 << 40)), b"a value")
    gone = pack(b"key", pack_version(Version(3, 7)), None)
    assert [version_of(one) for one in (live, gone)] == [Version(3, 1 << 40), Version(3, 7)]
    assert [is_live(one) for one in (live, gone)] == [True, False]
    assert [size_of(one) for one in (live, gone)] == [7, -1]
    assert value_of(live) == b"a value"
    assert [part_of(live, 2, 3), part_of(live, 5, 9)] == [b"val", b"ue"]
