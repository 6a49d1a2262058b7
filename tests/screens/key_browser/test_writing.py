"""Writes: asked where something may be lost, told as they ended."""

from dataclasses import dataclass, field

import pytest

from kvtui.core.cluster import Outcome, ReplicaAnswer, Written
from kvtui.core.events import Level
from kvtui.core.version import NEVER, Version
from kvtui.screens.key_browser.writing import Seen, delete, delete_ended, put, put_ended
from tests.screens.key_browser.stores import KeyCluster
from tests.widgets import frozen

pytestmark = pytest.mark.anyio


@dataclass
class Person:
    """Answers questions, and remembers them."""

    answer: bool
    asked: list[str] = field(default_factory=list)

    async def ask(self, command: str, question: str) -> bool:
        self.asked.append(f"{command}: {question}")
        return self.answer


def stored() -> KeyCluster:
    cluster = KeyCluster(frozen.healthy())
    cluster.store(b"a", b"old")
    return cluster


async def test_a_value_that_nobody_changed_is_put_without_a_question() -> None:
    cluster, person = stored(), Person(False)
    ended = await put(cluster, b"a", b"new", Seen(Version(4, 1), True), person.ask)
    assert (ended.done, ended.version, person.asked) == (True, Version(4, 2), [])
    assert cluster.stored[b"a"] == b"new"


@pytest.mark.parametrize("answer", [True, False])
async def test_a_value_that_changed_since_is_overwritten_only_after_a_yes(answer: bool) -> None:
    cluster, person = stored(), Person(answer)
    cluster.store(b"a", b"of another")
    ended = await put(cluster, b"a", b"new", Seen(Version(4, 1), True), person.ask)
    assert "from version 4.1 to 4.2, 10 bytes now" in person.asked[0]
    assert ended.done is answer
    assert cluster.stored[b"a"] == (b"new" if answer else b"of another")


async def test_a_new_key_that_exists_and_an_old_one_that_is_gone_are_asked_about() -> None:
    cluster, person = stored(), Person(False)
    await put(cluster, b"a", b"new", None, person.ask)
    assert "is there already, with a value of 3 bytes" in person.asked[0]
    del cluster.stored[b"a"]
    await put(cluster, b"a", b"new", Seen(Version(4, 1), True), person.ask)
    assert "was deleted since you read it" in person.asked[1]
    assert cluster.stored == {}
    assert (await put(cluster, b"b", b"new", None, person.ask)).done
    assert len(person.asked) == 2


async def test_nothing_is_put_where_a_change_can_not_be_ruled_out() -> None:
    cluster, person = stored(), Person(True)
    cluster.unreadable = "no answer within 2 s"
    ended = await put(cluster, b"a", b"new", Seen(Version(4, 1), True), person.ask)
    assert not ended.done
    assert "not stored" in ended.text
    assert "no answer within 2 s" in ended.text
    assert cluster.stored[b"a"] == b"old"


async def test_a_key_is_deleted_only_after_a_yes() -> None:
    cluster, person = stored(), Person(False)
    assert not (await delete(cluster, b"a", person.ask)).done
    assert b"a" in cluster.stored
    person.answer = True
    assert (await delete(cluster, b"a", person.ask)).done
    assert cluster.stored == {}


def test_failed_and_unknown_are_told_apart() -> None:
    failed = Written(Outcome.FAILED, NEVER, text="2 clean copies are needed")
    unknown = Written(Outcome.UNKNOWN, Version(4, 2), text="A did not answer")
    assert put_ended(b"a", failed).text == "failed, a was not stored: 2 clean copies are needed"
    assert put_ended(b"a", unknown).text == "outcome unknown, a may or may not be stored: A did not answer"
    assert delete_ended(b"a", failed).text.startswith("failed, a was not deleted")
    assert delete_ended(b"a", unknown).text.startswith("outcome unknown, a may or may not be deleted")
    for written in (failed, unknown):
        assert not put_ended(b"a", written).done
        assert put_ended(b"a", written).level is Level.BAD


def test_an_acknowledged_write_names_the_replicas_that_lack_it() -> None:
    answers = (ReplicaAnswer("A", "ok"), ReplicaAnswer("B", "silent", "no answer"))
    ended = put_ended(b"a", Written(Outcome.OK, Version(4, 2), answers))
    assert ended.done
    assert ended.text == "stored a, version 4.2; not yet on B, which catches up"
    assert ended.level is Level.WARNING


def test_deleting_what_was_gone_already_says_so() -> None:
    assert delete_ended(b"a", Written(Outcome.OK, NEVER, existed=False)).text == "a was not there any more"
