"""Escape stops a command that takes long, where there is nothing else to go back from."""

from collections.abc import Sequence

import anyio
import pytest

from kvtui.core.cluster import WrittenMany
from tests.widgets import frozen
from tests.widgets.running import running


class Stuck(frozen.FrozenCluster):
    """Takes one batch, and never answers another."""

    batches = 0

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        self.batches += 1
        if self.batches > 1:
            await anyio.sleep_forever()
        return WrittenMany(len(items))


@pytest.mark.anyio
async def test_escape_stops_a_long_command_once_there_is_nothing_else_to_go_back_from() -> None:
    async with running(Stuck(frozen.healthy())) as shown:
        await shown.type("fill 5000")
        await shown.until(lambda: "Filling: 1,000 keys" in shown.hint)
        assert shown.hint.endswith("20%  Esc stops it")
        await shown.type("get a", enter=False)
        await shown.pilot.press("escape")
        assert shown.line.value == ""
        assert shown.hint.endswith("Esc stops it")
        assert "interrupted" not in shown.activity
        await shown.pilot.press("escape")
        await shown.until(lambda: "fill: interrupted. Stopped: 1,000 of" in shown.activity)
        await shown.until(lambda: "Esc" not in shown.hint)
        assert shown.app.is_running


@pytest.mark.anyio
async def test_escape_closes_the_inspector_before_it_stops_a_command() -> None:
    async with running(Stuck(frozen.healthy())) as shown:
        await shown.type("inspect A")
        await shown.type("fill 5000")
        await shown.until(lambda: "Filling: 1,000 keys" in shown.hint)
        assert "Esc" not in shown.hint
        await shown.pilot.press("escape", "escape")
        await shown.pilot.pause()
        assert "interrupted" not in shown.activity
        await shown.pilot.press("escape")
        await shown.until(lambda: "fill: interrupted" in shown.activity)
