"""The dashboard's own three themes."""

from collections.abc import Mapping

from textual.theme import Theme

NIGHT = Theme(
    name="kvtui-night",
    primary="#6c9eff",
    secondary="#40c4a0",
    accent="#6c9eff",
    foreground="#d6dbe6",
    background="#0f1219",
    surface="#0f1219",
    panel="#1a1f2b",
    success="#5cc98a",
    warning="#f0b232",
    error="#f57070",
    dark=True,
    variables={"footer-key-foreground": "#6c9eff", "footer-background": "#1a1f2b", "border": "#6c9eff"},
)

DAY = Theme(
    name="kvtui-day",
    primary="#245cd6",
    secondary="#008064",
    accent="#245cd6",
    foreground="#1c2230",
    background="#fbfbf8",
    surface="#fbfbf8",
    panel="#e9ebf0",
    success="#1a7f44",
    warning="#a86400",
    error="#c02c2c",
    dark=False,
    variables={"footer-key-foreground": "#245cd6", "footer-background": "#e9ebf0", "border": "#245cd6"},
)

CONTRAST = Theme(
    name="kvtui-contrast",
    primary="#8fb8ff",
    secondary="#5ce6c0",
    accent="#8fb8ff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    success="#66ff99",
    warning="#ffd24d",
    error="#ff8f8f",
    dark=True,
    variables={
        "footer-key-foreground": "#8fb8ff",
        "footer-background": "#000000",
        "border": "#ffffff",
        "frame": "#ffffff 65%",
    },
)

OWN = (NIGHT, DAY, CONTRAST)


def with_frame(variables: Mapping[str, str]) -> dict[str, str]:
    """A theme's variables, with ``frame``: the colour of lines round panels, faint unless the theme says otherwise."""
    return {"frame": f"{variables['foreground']} 22%", **variables}
