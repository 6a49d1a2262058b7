"""What is said of bytes is the same, whichever release of msgspec raised what it raises for them."""

import msgspec
import pytest

from kvtui.core.malformed import MALFORMED, Fault, fault_of, what_is_wrong
from kvtui.core.protocol import decode_reply, decode_request

NOT_UTF8 = b'{"op":"get","key":"\xff"}'
OLD = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
NEW = msgspec.DecodeError("Invalid UTF-8 encoded string")


@pytest.mark.parametrize("error", [OLD, NEW, RecursionError("maximum recursion depth exceeded")])
def test_bytes_that_are_not_utf8_are_told_by_the_bytes(error: Exception) -> None:
    assert fault_of(error, NOT_UTF8) is Fault.NOT_UTF8
    assert what_is_wrong(error, NOT_UTF8) == "not UTF-8"


@pytest.mark.parametrize(
    ("data", "fault", "words"),
    [
        (NOT_UTF8, Fault.NOT_UTF8, "not UTF-8"),
        (b'{"op":"get","key":"\xed\xa0\x80"}', Fault.NOT_UTF8, "not UTF-8"),
        (b"\xff\xfe", Fault.NOT_UTF8, "not UTF-8"),
        (b'{"op":"get","more":' + b"[" * 100_000, Fault.TOO_DEEP, "nested too deeply"),
        (b"GET / HTTP/1.1", Fault.NOT_JSON, "not JSON: "),
        (b'{"op":"get","key":"\\ud800"}', Fault.NOT_JSON, "not JSON: "),
        (b"", Fault.NOT_JSON, "not JSON: "),
        (b'{"op":"get","key":7}', Fault.MISFIT, "$.key"),
    ],
    ids=["not UTF-8", "surrogate", "binary", "too deep", "not JSON", "lone escape", "nothing", "misfit"],
)
def test_what_this_release_raises_is_told_as_ever(data: bytes, fault: Fault, words: str) -> None:
    with pytest.raises(MALFORMED) as raised:
        decode_request(data)
    assert fault_of(raised.value, data) is fault
    assert words in what_is_wrong(raised.value, data)


def test_sound_bytes_raise_nothing_of_it() -> None:
    assert decode_reply(b'{"status":"ok"}').status == "ok"
