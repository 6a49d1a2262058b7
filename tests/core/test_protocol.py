"""The wire's messages and limits."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core import protocol
from kvtui.core.protocol import (
    B64,
    BATCH_BYTES,
    BATCH_ENTRIES,
    FRAME_BYTES,
    INLINE_BYTES,
    KEY_BYTES,
    VALUE_BYTES,
    Entry,
    Get,
    Hello,
    Put,
    PutMany,
    PutRun,
    Reply,
    Scan,
    decode_reply,
    decode_request,
    encode,
    from_blob,
    to_blob,
)
from kvtui.core.version import Version

WORST = b"\x01"
"""A byte of UTF-8 text that JSON needs six characters for."""


@given(st.binary())
def test_bytes_come_back_from_the_wire(data: bytes) -> None:
    request = decode_request(encode(Put(key=to_blob(data), value=to_blob(data), version=Version(1, 2))))
    assert isinstance(request, Put)
    assert from_blob(request.key) == data
    assert from_blob(request.value) == data


@given(st.text())
def test_text_travels_as_text(text: str) -> None:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    assert to_blob(data) == text


@pytest.mark.parametrize("data", [b"\xff", b"ok\x80", b"\xed\xa0\x80"])
def test_what_is_no_text_travels_as_base64(data: bytes) -> None:
    blob = to_blob(data)
    assert isinstance(blob, B64)
    assert from_blob(blob) == data
    assert b'"b64"' in encode(Get(key=blob))


@pytest.mark.parametrize("bad", ["a", "ab=", "****", "YQ==\n", "YQ=", "é"])
def test_bad_base64_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"base64|ASCII"):
        from_blob(B64(bad))


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        from_blob("\ud800")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b'{"op":"fly"}', "fly"),
        (b'{"key":"a"}', "op"),
        (b'{"op":"put","value":"v"}', "key"),
        (b'{"op":"put","key":1,"value":"v"}', "key"),
        (b'{"op":"get","key":"a","id":"x"}', "id"),
        (b'{"op":"put","key":"a","version":[1]}', "version"),
        (b'{"op":"put","key":"a","version":[1,"2"]}', "version"),
        (b'{"op":"scan","start":0}', "stop"),
        (b'{"op":"put_many","entries":[["a"]]}', "entries"),
        (b'{"op":"put_run","first":[1],"keys":[],"values":[]}', "first"),
        (b'{"op":"put_run","first":[1,2],"keys":[null],"values":[null]}', "keys"),
        (b"[]", "object"),
    ],
)
def test_a_wrong_request_is_refused_and_the_reason_names_the_field(line: bytes, complaint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=complaint):
        decode_request(line)


@pytest.mark.parametrize("line", [b"", b"put a 1", b'{"op":"get"', b"{]", b'{"op":"size"} {"op":"size"}'])
def test_what_is_no_json_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_request(line)


def test_a_request_of_the_original_is_understood() -> None:
    request = decode_request(b'{"op":"put","key":"a","value":"1"}')
    assert request == Put(key="a", value="1")
    assert request.version is None
    assert request.id is None


def test_what_a_newer_peer_adds_is_ignored() -> None:
    assert decode_request(b'{"op":"get","key":"a","colour":"red"}') == Get(key="a")
    assert decode_reply(b'{"status":"ok","colour":"red"}') == Reply(status="ok")


def test_what_has_its_default_is_not_sent() -> None:
    assert encode(Get(key="a")) == b'{"op":"get","key":"a"}'
    assert encode(Reply(status="ok")) == b'{"status":"ok"}'
    assert encode(Hello()) == b'{"op":"hello"}'


def test_a_version_is_two_numbers_and_an_entry_a_list() -> None:
    entry = Entry("a", Version(3, 4), 1, "v")
    line = encode(PutMany(entries=[entry]))
    assert b'["a",[3,4],1,"v"' in line
    request = decode_request(line)
    assert isinstance(request, PutMany)
    assert request.entries == [entry]
    assert isinstance(request.entries[0].version, Version)


requests = st.one_of(
    st.builds(Put, id=st.none() | st.integers(0, 9), key=st.text(), value=st.text(), version=st.none()),
    st.builds(Scan, start=st.integers(0, 9), stop=st.integers(0, 9), after=st.none() | st.text(), prefix=st.text()),
    st.builds(Hello, cluster=st.text(), epoch=st.integers(0, 2**63), session=st.integers(0, 2**31), join=st.booleans()),
)


@given(requests)
def test_a_request_is_one_line_and_comes_back_as_it_was(request: protocol.Request) -> None:
    try:
        line = encode(request)
    except UnicodeEncodeError:
        return
    assert b"\n" not in line
    assert decode_request(line) == request


def test_every_op_has_its_own_name() -> None:
    ops = [kind.__struct_config__.tag for kind in protocol.Request.__args__]
    assert len(set(ops)) == len(ops)
    assert {"put", "get", "del", "size", "dump"} <= set(ops)


def test_the_largest_put_fits_into_a_frame() -> None:
    line = encode(
        Put(id=2**53, key=to_blob(WORST * KEY_BYTES), value=to_blob(WORST * INLINE_BYTES), version=Version(1, 2))
    )
    assert len(line) < FRAME_BYTES


def test_the_largest_batch_fits_into_a_frame() -> None:
    version = Version(2**63 - 1, 2**63 - 1)
    each = BATCH_BYTES // BATCH_ENTRIES
    many = PutMany(entries=[Entry(to_blob(WORST * (each - 1)), version, 1, to_blob(WORST))] * BATCH_ENTRIES)
    few = PutMany(entries=[Entry(to_blob(WORST * KEY_BYTES), version, 1, to_blob(WORST * INLINE_BYTES))] * 2)
    run = PutRun(version, [to_blob(WORST * (each - 1))] * BATCH_ENTRIES, [to_blob(WORST)] * BATCH_ENTRIES)
    assert len(encode(many)) < FRAME_BYTES
    assert len(encode(few)) < FRAME_BYTES
    assert len(encode(run)) < FRAME_BYTES


def test_limits_follow_from_one_another() -> None:
    assert INLINE_BYTES <= VALUE_BYTES
    assert 6 * (KEY_BYTES + INLINE_BYTES) < FRAME_BYTES
    assert KEY_BYTES + INLINE_BYTES <= BATCH_BYTES
    assert protocol.UPLOADS * VALUE_BYTES <= protocol.UPLOAD_BYTES
    assert 6 * KEY_BYTES < protocol.NOTE_BYTES < FRAME_BYTES
