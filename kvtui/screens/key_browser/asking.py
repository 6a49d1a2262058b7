"""Asking a person before something may be lost."""

from textual.app import App

from kvtui.screens.confirm import Confirm
from kvtui.screens.key_browser.writing import Ask


def asking(app: App[object]) -> Ask:
    """Asks on a screen over the present one; No unless the person says yes. For workers only."""

    async def ask(command: str, question: str) -> bool:
        answer: bool = await app.push_screen_wait(Confirm(command, question))
        return answer

    return ask
