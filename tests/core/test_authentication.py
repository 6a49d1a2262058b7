"""The proofs of a shared secret: each fits one role, one place and one exchange, and nothing shows the secret."""

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.authentication import (
    SECRET_BYTES_LEAST,
    SECRET_BYTES_MOST,
    BadSecret,
    Role,
    Secret,
    place_of,
    read_hex,
)

TEXT = b"correct horse battery staple"
SECRET = Secret(TEXT)
PLACE = "127.0.0.1:5001"
ONE, OTHER = b"1" * 32, b"2" * 32


def test_the_proof_is_the_one_that_both_sides_compute() -> None:
    proof = SECRET.proof(Role.NODE, PLACE, ONE, OTHER)
    assert len(proof) == 32
    assert Secret(TEXT + b"\n").proves(proof, Role.NODE, PLACE, ONE, OTHER)


@pytest.mark.parametrize(
    "different",
    [
        {"role": Role.COORDINATOR},
        {"place": "127.0.0.1:5002"},
        {"asked": b"3" * 32},
        {"answered": b"3" * 32},
        {"asked": OTHER, "answered": ONE},
        {"secret": Secret(TEXT + b"!")},
    ],
)
def test_a_proof_fits_no_other_role_place_exchange_or_secret(different: dict[str, Any]) -> None:
    proof = SECRET.proof(Role.NODE, PLACE, ONE, OTHER)
    terms: dict[str, Any] = {"role": Role.NODE, "place": PLACE, "asked": ONE, "answered": OTHER} | different
    assert not terms.pop("secret", SECRET).proves(proof, **terms)


def test_no_two_exchanges_share_a_proof_because_their_fields_join_alike() -> None:
    proof = SECRET.proof(Role.NODE, "10.0.0.1:50", b"01" + ONE, OTHER)
    assert SECRET.proves(proof, Role.NODE, "10.0.0.1:50", b"01" + ONE, OTHER)
    assert not SECRET.proves(proof, Role.NODE, "10.0.0.1:5001", ONE, OTHER)
    assert not SECRET.proves(proof, Role.NODE, "10.0.0.1:50", b"01" + ONE + OTHER, b"")


@pytest.mark.parametrize("given_proof", [b"", b"x", b"x" * 31, b"x" * 32, b"x" * 33])
def test_what_is_no_proof_proves_nothing(given_proof: bytes) -> None:
    assert not SECRET.proves(given_proof, Role.NODE, PLACE, ONE, OTHER)


def test_a_secret_shows_itself_in_no_text_and_no_copy() -> None:
    shown = f"{SECRET} {SECRET!r} {[SECRET]} {SECRET!s}"
    assert TEXT.decode() not in shown
    for store in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not to be stored") as refusal:
            store(SECRET)
        assert TEXT.decode() not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "0 bytes"),
        (b"  short \n", "5 bytes"),
        (b"x" * (SECRET_BYTES_LEAST - 1), "15 bytes"),
        (b"x" * (SECRET_BYTES_MOST + 1), "1025 bytes"),
        (b"sixteen bytes or\nmore", "control characters"),
        (b"sixteen bytes or\0more", "control characters"),
    ],
)
def test_what_can_be_no_secret_is_refused_without_being_named(text: bytes, reason: str) -> None:
    with pytest.raises(BadSecret, match=reason) as refusal:
        Secret(text)
    assert not text.strip() or text.strip().decode() not in str(refusal.value)


@pytest.mark.parametrize("length", [SECRET_BYTES_LEAST, SECRET_BYTES_MOST])
def test_the_shortest_and_the_longest_secret(length: int) -> None:
    assert Secret(b"\n" + b"x" * length + b" \n").reveal() == b"x" * length


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (("127.0.0.1", 5001), "127.0.0.1:5001"),
        (("::ffff:127.0.0.1", 5001, 0, 0), "127.0.0.1:5001"),
        (("::1", 5001, 0, 0), "::1:5001"),
        (("fe80::1%eth0", 5001, 0, 2), "fe80::1:5001"),
        (("n1", 5001), "n1:5001"),
    ],
)
def test_both_ends_name_the_place_alike(address: Any, place: str) -> None:
    assert place_of(address) == place
    assert place_of(address, "abcd") == "certificate abcd"


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "é" * 64, "00 " * 21 + "0", "00" * 33])
def test_only_digits_of_the_right_length_are_read(text: str) -> None:
    assert read_hex(text, 32) is None


@given(st.binary(min_size=32, max_size=32))
def test_digits_are_read_as_written(data: bytes) -> None:
    assert read_hex(data.hex(), 32) == data
