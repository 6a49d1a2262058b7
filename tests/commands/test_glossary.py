"""``help <word>``: two sentences and what the word is of this cluster now, for whoever asks, however they spell it."""

import re
from dataclasses import replace

import pytest

from kvtui.commands import Names, candidates, parse, usage_for
from kvtui.commands.command import CommandError
from kvtui.commands.glossary import TERMS, Term, find_term, term_lines
from kvtui.commands.guide import topic_lines
from kvtui.commands.registry import COMMANDS
from kvtui.core.snapshot import ClusterSnapshot
from tests.commands.person import Opened
from tests.widgets import frozen

HEALTHY, DOWN, MOVING, EMPTY = frozen.healthy(), frozen.one_down(), frozen.joining(part=0.5), frozen.empty()


def now(word: str, picture: ClusterSnapshot) -> str:
    term = find_term(word)
    assert term is not None, word
    return term.now(picture)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_two_sentences_and_has_a_value_in_every_cluster(term: Term) -> None:
    assert find_term(term.name) is term
    sentences = re.split(r"(?<=\.)\s", term.text)
    assert len(sentences) == 2, term.text
    assert all(text[0].isalnum() and text.endswith(".") for text in sentences)
    for picture in (HEALTHY, DOWN, MOVING, EMPTY):
        value = term.now(picture)
        assert value.endswith("."), value
        assert term_lines(term, picture) == [f"{term.name}: {term.text}", f"  {value}"]


@pytest.mark.parametrize(
    ("word", "picture", "value"),
    [
        ("slot", HEALTHY, "This ring has 256 slots; 86 of them have A as first replica, 85 B and 85 C."),
        ("token", HEALTHY, "The first 8 of its bits say which of the 256 slots a key is in"),
        ("clean", HEALTHY, "256 of 256 slots have both copies clean now."),
        ("clean", DOWN, "225 of 256 slots have both copies clean now."),
        ("behind", HEALTHY, "Nobody is behind now."),
        ("behind", DOWN, "Behind now: B in 31 slots."),
        ("hint", DOWN, "Known to be missing: 118 keys on B."),
        ("epoch", DOWN, "The epoch is 5 now; the highest that nodes obey: A 4, B 4 and C 4."),
        ("balance", HEALTHY, "It is 1.00 now; the fullest node is A."),
        ("quorum", HEALTHY, "W is 1 now, of 2 copies of every key"),
        ("virtual node", HEALTHY, "This ring is balanced and has none"),
        ("virtual node", replace(HEALTHY, policy="classic 64"), "64 for each node of weight 1, 192 in all."),
        ("replica", HEALTHY, "Every key has 2 replicas here, on 3 nodes"),
        ("replica", frozen.healthy(["A"]), "Every key is to have 2 replicas here, and has 1: more need more nodes."),
        ("under-replicated", DOWN, "31 slots of 256 now; every one should have 2 clean copies."),
        ("down", DOWN, "Down now: B."),
        ("filling", MOVING, "Being filled now: C, 85 of 170 slots."),
        ("attached", replace(HEALTHY, attached="kvtui serve (process 7)"), "attached to kvtui serve (process 7)."),
        ("memory only", replace(HEALTHY, durable=False), "This cluster keeps nothing"),
    ],
)  # fmt: skip
def test_the_value_is_this_cluster_s_own(word: str, picture: ClusterSnapshot, value: str) -> None:
    assert value in now(word, picture)


def test_what_can_not_be_served_waits_for_nodes_that_are_named() -> None:
    away = frozen.two_down()
    assert now("unavailable", HEALTHY) == "No slot is unavailable now."
    assert re.fullmatch(rf"Now {away.unavailable} slots can't be served: they wait for .*\.", now("unavailable", away))
    assert now("failed", away) == f"Operations fail now in {away.unavailable} slots of 256."
    assert now("served", away) == f"{256 - away.unavailable} of 256 slots are served now."
    assert "can be reached, in" in now("key", away)


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("later copies", "later copy", "Every key has 1 later copy here now."),
        ("another copy", "later copy", "1 later copy"),
        ("first copies", "first replica", "Of the ring: A 33."),
        ("can be reached", "served", "256 of 256 slots are served now."),
        ("can't be reached", "unavailable", "No slot is unavailable now."),
        ("killed", "killed", "Down now: nobody."),
        ("node bars", "node bars", "Keys now: A "),
        ("focus", "focus", "arcs for 3 nodes"),
        ("share view", "ring view", "As first replica: A 33."),
        ("looked up", "looked up", "A key is in one of 256 slots, on 2 nodes of 3."),
        ("connect", "connect", "This cluster"),
    ],
)
def test_what_stands_on_the_screen_can_be_asked_for_as_it_stands(words: str, name: str, value: str) -> None:
    invocation = parse(f"help {words}")
    assert invocation is not None
    term = find_term(invocation.values["word"])
    assert term is not None
    assert term.name == name
    assert value in term.now(HEALTHY)


@pytest.mark.parametrize(
    "text", ["help slot", "help SLOTS", "help virtual node", "help Virtual  Nodes", 'help "read repair"']
)
def test_words_are_typed_plainly_in_any_spelling(text: str) -> None:
    invocation = parse(text)
    assert invocation is not None
    assert find_term(invocation.values["word"]) is not None


def test_what_is_a_command_and_a_word_is_told_as_both_the_command_first() -> None:
    lines = topic_lines("weight", COMMANDS, HEALTHY)
    assert lines[0].startswith("weight <id> <weight>")
    assert lines[-2].startswith("weight: ")
    assert lines[-1] == "  Weights now: A 1, B 1 and C 1."
    assert not any(line.startswith("put: ") for line in topic_lines("put", COMMANDS, HEALTHY))


@pytest.mark.parametrize(
    ("typed", "meant"), [("slott", "slot"), ("quorom", "quorum"), ("tombston", "tombstone"), ("setrep", "setreplica")]
)
def test_a_mistyped_word_gets_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(f"help {typed}")
    assert f'did you mean "help {meant}"?' in caught.value.text


def test_a_word_typed_as_a_command_says_how_to_ask_for_it() -> None:
    with pytest.raises(CommandError) as caught:
        parse("virtual")
    assert "help virtual" not in caught.value.text, "which help does not know"
    with pytest.raises(CommandError) as caught:
        parse("quorum")
    assert "help quorum" in caught.value.text
    assert "help quorum" in usage_for("quorum ")


def test_completion_offers_words_with_what_they_are() -> None:
    offered = {candidate.line: candidate.help for candidate in candidates("help vi", Names())}
    assert offered == {
        "help virtual node": "A virtual node is one of the many points that a node has on a classic ring"
    }
    assert "help replica" in [candidate.line for candidate in candidates("help rep", Names())]
    assert [candidate.line for candidate in candidates("help virtual n", Names())] == ["help virtual node"]


@pytest.mark.anyio
async def test_the_shell_says_it_too_and_help_lists_the_words(opened: Opened) -> None:
    async with opened(nodes=2) as person:
        lines = await person.types("help slot")
        assert lines[0].startswith("slot: ")
        assert lines[1] == "  This ring has 64 slots; 32 of them have n1 as first replica and 32 n2."
        overview = " ".join(await person.types("help"))
        assert all(term.name in overview for term in TERMS)
