"""Escape stops a command that takes long, where there is nothing else to go back from."""

from collections.abc import Sequence

import anyio
import pytest

from kvtui.core.cluster import WrittenMany
from tests.widgets import frozen
from tests.widgets.running import running


class Stuck(frozen.FrozenCluster):
    """Of each fill it takes one batch, and never answers another."""

    async def put_many(self, items: Sequence[tuple[bytes, bytes]]) -> WrittenMany:
        if items[0][0] != b"made-1":
            await anyio.sleep_forever()
        return WrittenMany(len(items))


@pytest.mark.anyio
async def test_escape_stops_a_long_command_once_there_is_nothing_else_to_go_back_from() -> None:
    async with running(Stuck(frozen.healthy())) as shown:
        await shown.type("inspect A")
        await shown.type("fill 5000")
        await shown.until(lambda: "Filling: 1,000 keys" in shown.hint)
        assert "Esc" not in shown.hint
        await shown.pilot.press("escape", "escape")
        await shown.type("get a", enter=False)
        await shown.pilot.press("escape")
        assert shown.line.value == ""
        assert "interrupted" not in shown.activity
        await shown.pilot.press("escape")
        await shown.until(lambda: "fill: interrupted. Stopped: at least 1,000 of" in shown.activity)
        await shown.until(lambda: "Filling" not in shown.hint)
        await shown.type("fill 5000")
        await shown.until(lambda: shown.hint.endswith("20%  Esc stops"))
