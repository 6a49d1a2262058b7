"""Values that arrive in pieces: one to which something comes is kept, however long it takes."""

import pytest

from kvtui.core.protocol import UPLOAD_SECONDS
from kvtui.node.membership import Refused
from kvtui.node.uploads import Uploads, UploadSpace


def test_a_value_expires_after_its_last_piece_not_after_its_first() -> None:
    space = UploadSpace()
    uploads = Uploads(space)
    uploads.add("u", 0, 3, b"a", 0.0)
    uploads.add("u", 1, 3, b"b", UPLOAD_SECONDS)
    uploads.expire(2 * UPLOAD_SECONDS)
    uploads.add("u", 2, 3, b"c", 2 * UPLOAD_SECONDS)
    assert uploads.take("u") == b"abc"
    uploads.add("v", 0, 3, b"a", 0.0)
    uploads.expire(UPLOAD_SECONDS + 0.1)
    assert space.used == 0
    with pytest.raises(Refused):
        uploads.take("v")
