"""One write and the answers of its replicas."""

import asyncio

import pytest

from kvtui.core.pending_write import PendingWrite
from kvtui.core.protocol import ERROR, FENCED, FULL, NOT_FOUND, OK, SUPERSEDED, Reply
from kvtui.core.version import Version
from tests.simulation.loop import run_virtual

STORED = Reply(status=OK)
REFUSED = Reply(status=ERROR, code=FULL, msg="no space")


def feed(*answers: tuple[str, Reply | None], waiting: str = "AB", sent: str = "") -> tuple[PendingWrite, list[bool]]:
    """A write of one key that was ``sent`` and waits for ``waiting``, and what each feeding returned."""

    async def main() -> tuple[PendingWrite, list[bool]]:
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        write = PendingWrite((b"key",), (3,), Version(1, 7), set(waiting), 10.0, settled, may_hold=set(sent or waiting))
        return write, [write.feed(node, reply, 10.25) for node, reply in answers]

    return run_virtual(main)


def test_a_write_is_finished_with_the_last_answer_it_waits_for() -> None:
    write, finished = feed(("A", STORED), ("B", STORED))
    assert finished == [False, True]
    assert write.acknowledged == ["A", "B"]
    assert not write.stored_nowhere


def test_a_follower_that_answers_first_does_not_finish_it() -> None:
    write, finished = feed(("C", STORED), ("A", STORED), ("C", None), ("B", STORED))
    assert finished == [False, False, False, True]
    assert write.silent == ["C"]


@pytest.mark.parametrize("reply", [REFUSED, None])
def test_a_replica_that_does_not_store_it_finishes_it_all_the_same(reply: Reply | None) -> None:
    _, finished = feed(("A", STORED), ("B", reply))
    assert finished == [False, True]


def test_only_a_write_that_every_node_refused_is_stored_nowhere() -> None:
    assert feed(("A", REFUSED), ("B", REFUSED))[0].stored_nowhere
    assert not feed(("A", REFUSED), ("B", None))[0].stored_nowhere
    assert not feed(("A", None), ("B", None))[0].stored_nowhere
    assert not feed(("A", REFUSED), ("B", STORED))[0].stored_nowhere
    assert not feed(("A", REFUSED), ("B", REFUSED), ("C", STORED), sent="ABC")[0].stored_nowhere
    assert not feed(("A", REFUSED), ("B", REFUSED), sent="ABC")[0].stored_nowhere, "C may store it yet"


def test_a_node_that_went_silent_may_hold_the_write_and_one_that_refused_does_not() -> None:
    write, _ = feed(("A", REFUSED), ("B", None))
    assert write.refused == {"A": "no space"}
    assert write.silent == ["B"]


@pytest.mark.parametrize("code", [FENCED, SUPERSEDED])
def test_a_node_that_obeys_another_says_so(code: str) -> None:
    write, _ = feed(("A", Reply(status=ERROR, code=code, msg="epoch 9 is granted")), ("B", STORED))
    assert write.fenced == "A: epoch 9 is granted"


def test_the_first_to_fence_is_named() -> None:
    refusals = [Reply(status=ERROR, code=FENCED, msg=f"epoch {epoch}") for epoch in (8, 9)]
    write, _ = feed(("B", refusals[0]), ("A", refusals[1]))
    assert write.fenced == "B: epoch 8"


def test_other_refusals_do_not_fence() -> None:
    assert feed(("A", REFUSED), ("B", None))[0].fenced == ""


def test_a_deletion_found_a_value_where_any_replica_had_one() -> None:
    absent = Reply(status=NOT_FOUND)
    assert not feed(("A", absent), ("B", absent))[0].existed
    assert feed(("A", absent), ("B", STORED))[0].existed
    assert feed(("A", absent), ("B", absent))[0].acknowledged == ["A", "B"]


def test_each_answer_is_kept_with_its_time() -> None:
    write, _ = feed(("A", STORED), ("B", REFUSED), ("C", None))
    answers = [write.answers[node] for node in "ABC"]
    assert [(answer.node, answer.status, answer.text) for answer in answers] == [
        ("A", OK, ""),
        ("B", ERROR, "no space"),
        ("C", "silent", ""),
    ]
    assert {answer.milliseconds for answer in answers} == {250.0}
