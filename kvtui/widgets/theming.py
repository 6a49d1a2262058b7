"""The app's themes: its own, Textual's, and a person's; the one that was chosen last."""

from textual.app import App
from textual.theme import Theme

from kvtui.config import DEFAULT_THEME, Look
from kvtui.config.chosen_theme import remember_theme, remembered_theme
from kvtui.widgets.theme_files import known_theme, user_themes
from kvtui.widgets.themes import OWN


class Theming:
    """Gives an app its themes, and remembers what a person chooses."""

    def __init__(self, app: App[None], look: Look) -> None:
        """Register all themes, and show the one that is wanted."""
        self._look = look
        for theme in OWN:
            app.register_theme(theme)
        found = user_themes(look.themes, app.available_themes)
        for theme in found.themes:
            app.register_theme(theme)
        wanted = remembered_theme(look.choice, look.theme)
        shown, problem = known_theme(wanted, app.available_themes, DEFAULT_THEME)
        self.problems = (*found.problems, problem) if problem else found.problems
        """What a person should know about themes that can't be used."""
        self._current = app.theme = shown

    def changed(self, theme: Theme) -> None:
        """A person chose another theme."""
        if theme.name != self._current:
            self._current = theme.name
            remember_theme(self._look.choice, theme.name, self._look.theme)
