"""What a typed line means, and how a wrong one is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvtui.commands import COMMANDS, CommandError, Kind, parse, usage_line


def values(text: str) -> dict[str, str]:
    invocation = parse(text)
    assert invocation is not None
    return dict(invocation.values)


def error(text: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        parse(text)
    assert "\n" not in caught.value.text
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('put greeting "hello world"', "hello world"),
        ("put greeting hello world", "hello world"),
        ("put greeting 'hello world'", "hello world"),
        ("  put   greeting   hello  world  ", "hello  world"),
        ("put greeting it's fine", "it's fine"),
        ('put greeting {"a": "b"}', '{"a": "b"}'),
        ('put greeting "a" and "b"', '"a" and "b"'),
        (r'put greeting "say \"hi\" \\ bye"', 'say "hi" \\ bye'),
        (r"put greeting C:\new", r"C:\new"),
        ('put greeting ""', ""),
        ("put greeting --yes", "--yes"),
        ("put greeting # no comment", "# no comment"),
        ("put greeting ünïcödé 🍏", "ünïcödé 🍏"),
    ],
)
def test_a_value_is_the_rest_of_the_line_without_quotes_that_enclose_it(text: str, value: str) -> None:
    assert values(text) == {"key": "greeting", "value": value}


def test_a_key_in_quotes_may_hold_spaces() -> None:
    assert values('get "two words"') == {"key": "two words"}
    assert values('put "two words" x') == {"key": "two words", "value": "x"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (r'get "a\nb"', "a\nb"),
        (r"get a\nb", r"a\nb"),
        (r"get 'a\nb'", r"a\nb"),
        (r'get "\t\r\"\\"', '\t\r"\\'),
        (r'get "\x00\x7f\xff"', "\0\x7f\udcff"),
        (r'get "\xc3\xa9"', "é"),
        (r'get "zw\u200bsp"', "zw\u200bsp"),
        (r'get "\U0001f389\u00E9"', "🎉é"),
    ],
)
def test_escapes_stand_in_double_quotes_and_nowhere_else(text: str, key: str) -> None:
    assert values(text) == {"key": key}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (r'get "C:\dir"', r"key: \d at column"),
        (r'get "\x1"', r"key: \x at column"),
        (r'get "\u12"', r"key: \u at column"),
        (r'get "\ud800"', r"key: \ud800 at column"),
        (r'get "\U00110000"', r"key: \U00110000 at column"),
        (r'get "open\q', r"key: \q at column"),
        (r'get "\{0}"', r"key: \{ at column"),
        (r'put a "b\0"', r"value: \0 at column"),
        (r'put "b\0" a', r"key: \0 at column"),
    ],
)
def test_an_escape_that_stands_for_nothing_is_told_with_its_column(text: str, told: str) -> None:
    said = error(text).text
    assert said.startswith(told)
    assert f" at column {text.index(chr(92)) + 1} " in said


def test_half_a_character_is_refused_with_its_column() -> None:
    assert error("get a\ud800").text == r'what stands at column 6 is no character ("\ud800")'


def test_a_backslash_in_a_value_that_no_quotes_enclose_is_one() -> None:
    assert values(r'put a "b\q" and "c\n"')["value"] == r'"b\q" and "c\n"'


@given(st.text())
def test_no_line_breaks_the_parser(text: str) -> None:
    said = ""
    try:
        parse(text)
    except CommandError as problem:
        said = problem.text
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in said)


@pytest.mark.parametrize("text", ["", "   ", "\t", "# a comment", "  # put a 1"])
def test_blank_lines_and_comments_are_nothing(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("name", ["PUT", "Put", "put"])
def test_command_names_are_known_in_capitals_too(name: str) -> None:
    invocation = parse(f"{name} a 1")
    assert invocation is not None
    assert invocation.command.name == "put"


def test_quit_means_exit() -> None:
    invocation = parse("quit")
    assert invocation is not None
    assert invocation.command.name == "exit"


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("put", "key"),
        ("put apple", "value"),
        ("get", "key"),
        ("get a b", "key"),
        ('get ""', "key"),
        ('get "open', "key"),
        ('get "a"b', "key"),
        ('put a "open', "value"),
        ("addnode", "id"),
        ("addnode A", "port"),
        ("addnode A port", "port"),
        ("addnode A 70000", "port"),
        ("addnode A ::1:5001", "port"),
        ("addnode A :5001", "port"),
        ("setreplica", "N"),
        ("setreplica 0", "N"),
        ("setreplica -1", "N"),
        ("setreplica ٣", "N"),
        ("setreplica 1e3", "N"),
        ("setreplica 2 3", "N"),
        ("removenode", "id"),
        ("load", "file"),
    ],
)
def test_an_error_names_the_argument_and_shows_the_usage(text: str, argument: str) -> None:
    problem = error(text)
    assert problem.argument == argument
    assert problem.text.startswith(f"{argument}: ")
    assert f"Usage: {text.split()[0]} " in problem.text


def test_an_unknown_command_suggests_the_nearest() -> None:
    assert error("pot apple 123").text == '"pot" is not a command: did you mean "put"?'
    assert 'did you mean "addnode"?' in error("adnode A 5001").text
    assert 'did you mean "setreplica"?' in error("setrep 2").text
    assert "help lists them all" in error("xyzzy").text


def test_an_unknown_name_cannot_drive_the_terminal() -> None:
    assert error("\x1b[2Jboom").text.isprintable()


def test_an_error_about_a_value_does_not_repeat_it() -> None:
    assert "hunter2" not in error('put password "hunter2').text


def test_help_of_an_unknown_command_suggests_the_nearest() -> None:
    problem = error("help pot")
    assert problem.argument == "word"
    assert 'did you mean "help put"?' in problem.text


def test_a_command_without_arguments_takes_none() -> None:
    assert error("show all").text == "show takes no arguments. Usage: show"


@pytest.mark.parametrize("text", ["removenode A --yes", "removenode --yes A"])
def test_yes_goes_before_or_after_the_arguments(text: str) -> None:
    invocation = parse(text)
    assert invocation is not None
    assert invocation.yes
    assert invocation.values == {"id": "A"}
    assert invocation.question == ""


def test_a_destructive_command_has_a_question_until_it_is_confirmed() -> None:
    invocation = parse("removenode A")
    assert invocation is not None
    assert invocation.question == "Remove node A? Its keys move to the other nodes first."
    assert invocation.confirmed().question == ""


def test_a_switch_that_destroys_has_a_question_of_its_own() -> None:
    assert parse("addnode A 5001").question == ""  # type: ignore[union-attr]
    wiping = parse("addnode A 5001 --wipe")
    assert wiping is not None
    assert wiping.question == "Delete the keys that the node at 5001 holds of its own?"
    assert parse("addnode A 5001 --wipe --yes").question == ""  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("setquorum", "W"),
        ("setquorum -1", "W"),
        ("reads", "mode"),
        ("reads sometimes", "mode"),
        ("policy random", "policy"),
        ("policy classic 0", "vnodes"),
        ("weight A", "weight"),
        ("weight A 0", "weight"),
    ],
)
def test_tuning_that_makes_no_sense_names_the_argument(text: str, argument: str) -> None:
    assert error(text).argument == argument


def test_a_choice_is_taken_in_capitals_too() -> None:
    assert values("reads AVAILABLE") == {"mode": "available"}
    assert values("setquorum 0") == {"W": "0"}


def test_a_switch_that_the_command_does_not_know_is_refused() -> None:
    assert (
        error("removenode A --hard").text
        == "removenode does not know --hard, only --force, --yes. Usage: removenode <id>"
    )
    assert "--all" in error("stats --everything").text


def test_a_key_may_look_like_a_switch_where_there_are_none() -> None:
    assert values("where --yes") == {"key": "--yes"}
    assert values('keys "--all"') == {"prefix": "--all"}


def test_bytes_that_are_not_text_pass_through_as_surrogate_escapes() -> None:
    assert values(b"put k \xff".decode("utf-8", "surrogateescape"))["value"] == "\udcff"


def test_usage_lines_show_arguments_as_the_original_did() -> None:
    lines = {usage_line(command) for command in COMMANDS}
    assert {"addnode <id> [host:]<port>", "put <key> <value>", "setreplica <N>", "keys [prefix]", "show"} <= lines


def test_only_the_last_argument_takes_the_rest_or_is_optional() -> None:
    for command in COMMANDS:
        for argument in command.arguments[:-1]:
            assert not argument.rest, command.name
            assert not argument.optional, command.name


def test_every_command_and_argument_is_explained() -> None:
    for command in COMMANDS:
        assert command.summary, command.name
        assert all(argument.help and isinstance(argument.kind, Kind) for argument in command.arguments), command.name
        assert bool(command.question) == command.destructive, command.name
