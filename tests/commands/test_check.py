"""check: the verdict in words, what it asks, and what it saves."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from kvtui.check import Kind, Operation, Outcome, Staleness, Verdict, check, read_history
from kvtui.commands import Context, Level, Line, parse, run
from kvtui.commands.check import check_lines, verdict_lines
from kvtui.core.cluster import Read
from kvtui.core.reads import Reads
from kvtui.workload import CheckView, Phase
from tests.commands.person import Opened

pytestmark = pytest.mark.anyio
GOOD = check([Operation(1, Kind.PUT, "k", "1", 0.0, 1.0, Outcome.OK)])
BAD = check(
    [
        Operation(1, Kind.PUT, "k", "1", 0.0, 1.0, Outcome.OK),
        Operation(2, Kind.GET, "k", None, 2.0, 3.0, Outcome.OK),
    ]
)


async def test_a_check_of_a_second_says_what_it_found(opened: Opened) -> None:
    async with opened(nodes=2, replication=2) as person:
        first, second = await person.types("check 1")
        assert first.endswith("linearizable. Nothing acknowledged was lost, no read went back")
        assert " 0 failed, 0 unknown; the slowest took " in second
        assert person.bars[-1] == ("", 0, 0)
        assert await person.types("keys") == ["No keys"]


async def test_faults_are_asked_about_and_need_two_copies(opened: Opened) -> None:
    invocation = parse("check 5 --faults")
    assert invocation is not None
    assert invocation.question.startswith("Harm nodes while the check runs?")
    async with opened(nodes=1) as person:
        assert "setreplica 2 first" in (await person.fails("check 1 --faults"))[0]
        assert "600 at most" in (await person.fails("check 601"))[0]


async def test_a_check_can_be_stopped_and_then_has_no_verdict(opened: Opened) -> None:
    async with opened(nodes=1) as person:
        lines: list[Line] = []
        context = Context(person.cluster, lines.append, checked=lambda view, stop: stop() if view.operations else None)
        invocation = parse("check 600")
        assert invocation is not None
        assert not await run(invocation, context)
        assert [line.text for line in lines] == ["check: stopped before its end, no verdict; what it harmed is healed"]


async def test_a_violation_is_drawn_and_its_history_saved(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(nodes=1) as person:
        get = Reads.get

        async def forgetful(self: Reads, key: bytes) -> Read:
            return replace(await get(self, key), value=None)

        monkeypatch.setattr(Reads, "get", forgetful)
        said: list[Line] = []
        invocation = parse("check 1")
        assert invocation is not None
        assert not await run(invocation, Context(person.cluster, said.append))
    assert said[0].text.endswith("VIOLATED")
    assert said[0].level is Level.BAD
    (saved,) = tmp_path.iterdir()
    assert any(f"the history is saved as {saved}" in line.text for line in said)
    assert check(read_history(saved)).verdict is Verdict.VIOLATED


def test_a_report_in_words() -> None:
    assert verdict_lines(GOOD)[0].level is Level.GOOD
    bad = verdict_lines(BAD)
    assert bad[0].text == "Checked 2 operations on 1 key: VIOLATED"
    assert any("get -> nothing" in line.text for line in bad)
    view = CheckView(
        Phase.DONE,
        12.0,
        10.0,
        ok=1,
        staleness=Staleness(2, 1, 3, 40.0),
        faults=((1.0, "kill n1"),),
        unreadable=1,
        report=GOOD,
    )
    texts = [line.text for line in check_lines(view)]
    assert "      1.0 s  kill n1" in texts
    assert texts[-1] == "  1 key could not be read at the end"
