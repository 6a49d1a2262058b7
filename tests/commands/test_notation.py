"""The notation: what is shown can be typed and means exactly that; it hides nothing, moves nothing, and looks like no other's."""

import os
import subprocess
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size

from kvtui.commands import CommandError, candidates, parse
from kvtui.commands.completion import Names
from kvtui.commands.wording import (
    SHOWN_CHARACTERS,
    WRITTEN_CHARACTERS,
    from_bytes,
    is_tame,
    shown,
    shown_value,
    to_bytes,
    whole,
    whole_value,
)
from kvtui.notation import as_rest, as_shell_word, as_word, escape, use_ascii_alone

NASTY = st.sampled_from(
    [
        *"\n\t\r\"'\\ -…#=[]{}/",
        *"\u200b\u200e\u202e\u2066\u00ad\ufeff\u00a0\u3000\u2028\u3164\u115f\u2800\ufe0f\u034f\ue000\uffff\ufffd\x00\x1b\x7f\x9b",
        *"e\u0301\u0308\u0336\u093f\u094d\u1161\u11a8\u1112\u212b\u2126\u0958\u0e33\u20e3",
        *"日ｶ🎉👩\U0001f3fd\U0001f1e9\U000e0041\u2630",
        *["\\n", "\\x41", "[/", "[@click=app.quit]", " -> ", "[not found]", "א", "ب"],
    ]
)
TEXTS = st.lists(NASTY | st.characters(), max_size=12).map("".join)
DATA = st.binary(max_size=40) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass"))


def key_of(line: str) -> bytes:
    invocation = parse(line)
    assert invocation is not None
    return to_bytes(invocation.values["key"])


def value_of(line: str) -> bytes:
    invocation = parse(line)
    assert invocation is not None
    return to_bytes(invocation.values["value"])


@given(DATA.filter(bool))
@example(b"a\\nb")
@example(b"a\nb")
@example("क्षि".encode())
def test_what_is_shown_of_a_key_or_value_can_be_typed_and_means_it(data: bytes) -> None:
    assert key_of(f"get {whole(data)}") == key_of(f"keys {whole(data)}".replace("keys", "del", 1)) == data
    assert key_of(f"put {whole(data)} {whole_value(data)}") == data
    assert value_of(f"put {whole(data)} {whole_value(data)}") == data


def test_an_empty_value_is_seen_and_can_be_typed() -> None:
    assert whole_value(b"") == '""'
    assert value_of('put a ""') == b""


@given(DATA)
def test_nothing_in_it_hides_drives_a_terminal_or_has_a_width_of_its_own(data: bytes) -> None:
    for text in (whole(data), whole_value(data), shown(data), shown_value(data)):
        assert text.isprintable()
        text.encode()
        assert unicodedata.is_normalized("NFC", text)
        assert text.strip() == text
        assert cell_len(text) == sum(map(get_character_cell_size, text))  # nothing joins what stands beside it
        for place, character in enumerate(text):
            if get_character_cell_size(character) == 0:
                assert unicodedata.category(character) == "Mn"
                assert text[max(0, place - 3) : place].rstrip(character)[-1:].isalnum() or place > 1


@given(st.text(alphabet=st.characters(categories=["Mn", "Mc", "Me", "Cf", "Co", "Zs", "So"]), max_size=4))
def test_marks_that_stand_on_no_letter_are_named(text: str) -> None:
    assert not any(unicodedata.category(character).startswith(("M", "C")) for character in as_word("/" + text))


@pytest.mark.parametrize(
    "text",
    ["नमस्ते", "กำ", "é", "한국어", "キー", "مفتاح", "עברית", "🎉", "C:\\new", "it's", "#c", ";", "-x", "[/", "a,b"],
)
def test_what_can_be_read_stands_as_it_is(text: str) -> None:
    assert as_word(text) == as_rest(text) == text


@pytest.mark.parametrize("beside", ["e\u0301", "\u212b", "\u200b", "a\u0323\u0301\u0308\u0336"])
@pytest.mark.parametrize("text", ["नमस्ते", "กำลัง", "x̱y"])
def test_what_can_be_read_is_read_beside_anything_else(text: str, beside: str) -> None:
    for whole_text in (f"{beside} {text}", f"{text} {beside}", f"{text}{beside[1:]}/{text}"):
        assert text in as_word(whole_text)
        assert key_of(f"get {as_word(whole_text)}") == to_bytes(whole_text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\nb", r"a\nb"),
        ("zw\u200bsp", "zwsp"),
        ("trail ", "trail"),
        ("e\u0301", "é"),
        ("\u1112\u1161\u11ab", "한"),
        ("❤\ufe0f", "❤"),
        ("a\u00a0b", "a b"),
        ("\u212b", "Å"),
        ("[not found]x"[:-1], '"[not found]"'),
        ("x" * (SHOWN_CHARACTERS + 1), "x" * SHOWN_CHARACTERS + "…"),
    ],
)
def test_two_texts_never_look_alike(one: str, other: str) -> None:
    for show in (shown, shown_value):
        assert unicodedata.normalize("NFKC", show(one.encode())) != unicodedata.normalize("NFKC", show(other.encode()))


def test_a_value_that_reads_as_an_answer_of_kvtui_is_quoted() -> None:
    assert whole_value(b"[not found]") == '"[not found]"'
    assert whole_value(b'1 -> {"status":"ok"}') == r'"1 -> {\"status\":\"ok\"}"'


@given(st.binary(min_size=SHOWN_CHARACTERS // 2, max_size=3 * SHOWN_CHARACTERS))
def test_a_cut_text_is_seen_to_be_cut(data: bytes) -> None:
    for text, everything in ((shown(data), whole(data)), (shown_value(data), whole_value(data))):
        assert len(text) <= WRITTEN_CHARACTERS
        if text != everything:
            assert text.endswith(f'"… ({len(data):,} bytes)')
            begun, _, _ = text.rpartition("…")
            assert value_of(f"put a {text}") != data
            assert data.startswith(key_of(f"get {begun}"))


@given(DATA.filter(bool), DATA)
def test_a_command_can_be_written_anew_as_it_was_meant(key: bytes, value: bytes) -> None:
    for line in (
        f"put {whole(key)} {whole_value(value)}",
        f"get --raw {whole(key)}",
        f"bench {as_word('save=' + from_bytes(key))}",
    ):
        try:
            meant = parse(line)
        except CommandError:  # not every key is the name of a file
            continue
        assert meant is not None
        assert parse(meant.line) == meant


def test_an_output_of_ascii_alone_gets_the_rest_as_escapes() -> None:
    use_ascii_alone(True)
    try:
        assert (whole("a→".encode()), whole_value("grün 🍏".encode())) == (r'"a\u2192"', r'"gr\u00fcn \U0001f34f"')
        assert shown(b"plain") == "plain"
        assert key_of(f"get {whole('→é日'.encode())}") == "→é日".encode()
    finally:
        use_ascii_alone(False)


@given(TEXTS.filter(bool))
def test_completion_offers_a_key_as_it_is_to_be_typed(text: str) -> None:
    key = text.encode("utf-8", "surrogatepass")
    offered = candidates("get ", Names(keys=[from_bytes(key)]))
    assert [key_of(found.line) for found in offered if found.word != "--raw"] == [key]


@pytest.mark.parametrize(
    ("data", "tame"), [(b"a\tb\n", True), ("grün".encode(), True), (b"\x1b[2J", False), (b"\xff", False)]
)
def test_what_a_terminal_may_be_given_as_it_is(data: bytes, tame: bool) -> None:
    assert is_tame(data) is tame


def test_a_word_for_a_shell_is_what_the_shell_reads_and_hides_nothing() -> None:
    texts = [
        "plain",
        "my lab",
        "it's",
        "$HOME;`x`!!",
        "-red]\n\x1b[31m日本",
        "e\u0301",
        "a\u03361",
        "\x017",
        "\udcff9",
        "\u202ex",
        "\\\t",
    ]
    texts += [f"{left}{right}7" for left in "\n'\\e日" for right in '\u0301\u3164\x7f"$ ']
    words = [as_shell_word(text) for text in texts]
    use_ascii_alone(True)
    try:
        words += (plain := [as_shell_word(text) for text in texts])
    finally:
        use_ascii_alone(False)
    assert all(word.isascii() for word in plain)
    assert [word for word in words if escape(word) != word] == []
    assert words[:4] == ["plain", "'my lab'", "'it'\"'\"'s'", "'$HOME;`x`!!'"]
    script = b"printf '%s\\0' " + os.fsencode(" ".join(words))
    read = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    assert [os.fsdecode(word) for word in read.split(b"\0")[:-1]] == texts * 2
