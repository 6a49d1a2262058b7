"""The settings of the configuration file, and what each allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from kvtui.core.limits import NODES_MOST, REPLICAS_MOST

DEFAULT_THEME: Final = "kvtui-night"
MOTIONS: Final = ("full", "reduced")
GLYPHS: Final = ("auto", "quadrants", "halves", "ascii")


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says; where it says nothing, what holds then. None: whatever the program does by itself."""

    theme: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = DEFAULT_THEME
    motion: Literal["full", "reduced"] | None = None
    """How much the screen moves: events are seen to happen, or only what became of them."""
    glyphs: Literal["auto", "quadrants", "halves", "ascii"] = "auto"
    state: Annotated[str, msgspec.Meta(pattern=r"^[/~]")] | None = None
    nodes: Annotated[int, msgspec.Meta(ge=0, le=NODES_MOST)] | None = None
    replicas: Annotated[int, msgspec.Meta(ge=1, le=REPLICAS_MOST)] | None = None
    keys: Mapping[str, str] = {}
    """Keys of actions (``kvtui.config.keys``) that a person chose, by action; several are separated by commas."""


ALLOWED: Final[Mapping[str, str]] = {
    "theme": "the name of a theme, in quotes",
    "motion": '"full" or "reduced"',
    "glyphs": '"auto", "quadrants", "halves" or "ascii"',
    "state": "a directory in quotes that begins with / or ~",
    "nodes": f"a whole number from 0 to {NODES_MOST}",
    "replicas": f"a whole number from 1 to {REPLICAS_MOST}",
    "keys": 'a table: [keys], and below it lines such as help = "f1"',
}
"""In words, what each setting may be."""


def overruled(configuration: Configuration, environment: Mapping[str, str]) -> Configuration:
    """The same, with what the environment says instead: ``KVTUI_GLYPHS`` and ``KVTUI_MOTION``."""
    glyphs, motion = environment.get("KVTUI_GLYPHS", ""), environment.get("KVTUI_MOTION", "")
    if glyphs in GLYPHS:
        configuration = msgspec.structs.replace(configuration, glyphs=glyphs)
    if motion in MOTIONS:
        configuration = msgspec.structs.replace(configuration, motion=motion)
    return configuration


def environment_of(configuration: Configuration) -> dict[str, str]:
    """What drawing is told through the environment, as by a person who sets it there."""
    told: dict[str, str] = {"KVTUI_MOTION": configuration.motion or ""}
    if configuration.glyphs != "auto":
        told["KVTUI_GLYPHS"] = configuration.glyphs
    return {name: value for name, value in told.items() if value}
