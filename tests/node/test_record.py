"""Where an entry lies, and what its record says."""

from kvtui.node.record import engine_key, placed


def test_an_entry_is_placed_where_its_key_belongs_and_nowhere_else() -> None:
    where = engine_key(b"key")
    assert placed(where)
    for at in range(1, len(where)):
        moved = bytearray(where)
        moved[at] ^= 1
        assert not placed(bytes(moved)), f"byte {at}"
