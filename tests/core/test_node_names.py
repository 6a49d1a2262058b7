"""What may be a node's id and address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.core.cluster import ClusterError
from kvtui.core.loopback import is_loopback
from kvtui.core.node_names import NAME_CHARACTERS, check_address, check_name
from kvtui.core.refusals import check_member
from kvtui.core.topology import Topology


@pytest.mark.parametrize("name", ["A", "n1", "7", "node-1.rack_2", "x" * NAME_CHARACTERS])
def test_letters_digits_dots_and_dashes_make_a_name(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-x", ".hidden", "a/b", "../a", "a b", "a\n", "a\0", "é", "x" * (NAME_CHARACTERS + 1)]
)
def test_other_names_are_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ClusterError, match="can't be a node id: use letters, digits") as refusal:
        check_name(name)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("日本", "日本"),
        ("e\u0301", r'"e\u0301"'),
        ("[red]", "[red]"),
        ("a b", '"a b"'),
        ("a\n", '"a\\n"'),
        ("", '""'),
        ("x" * 900, "x" * 39 + "…"),
    ],
)
def test_what_is_no_name_is_told_in_the_notation(name: str, said: str) -> None:
    with pytest.raises(ClusterError) as refusal:
        check_name(name)
    assert str(refusal.value).startswith(f"{said} can't be a node id")
    with pytest.raises(ClusterError) as refusal:
        check_member(Topology(), name)
    assert str(refusal.value).startswith(f"there is no node {said};")


@given(st.text(max_size=40))
def test_a_name_that_is_accepted_names_one_directory_below_its_parent(name: str) -> None:
    try:
        check_name(name)
    except ClusterError:
        return
    assert name.isascii()
    assert not set(name) & set("/\\\0 \n")
    assert name not in (".", "..")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)
    check_address(host, 5001)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", "", "localhost.example.org", "127.1"])
def test_other_machines_are_refused_by_name(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ClusterError, match="is not this machine's loopback address"):
        check_address(host, 5001)


@pytest.mark.parametrize("port", [-1, 65_536, 1_000_000])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(ClusterError, match=f"{port} is no port"):
        check_address("127.0.0.1", port)


@pytest.mark.parametrize("port", [0, 1, 65_535])
def test_every_port_and_none_in_particular_may_be_asked_for(port: int) -> None:
    check_address("127.0.0.1", port)
