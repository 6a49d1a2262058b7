"""The command language: one registry for the bar, its completion, the palette, the help, the shell and scripts.

A front end reads a line, ``parse``\\ s it, asks first where ``Invocation.question`` isn't empty (and passes on
``Invocation.confirmed()``), then ``run``\\ s it with a ``Context`` of its own. Nothing here imports Textual or Rich.
"""

from kvtui.commands.activity_filter import EVERYTHING, ActivityFilter
from kvtui.commands.command import Argument, Command, CommandError, Flag, Invocation, Kind, usage_line
from kvtui.commands.completion import Candidate, Names, candidates, complete, shared_start, usage_for, word_start
from kvtui.commands.context import Context, Line, Voice
from kvtui.commands.history import History
from kvtui.commands.inspection import Fact, duration, key_facts, node_facts
from kvtui.commands.parsing import parse
from kvtui.commands.readonly import refusal
from kvtui.commands.recent import RecentKeys
from kvtui.commands.registry import COMMANDS, find, nearest
from kvtui.commands.running import run
from kvtui.commands.search import Search
from kvtui.commands.sizes import size
from kvtui.core.events import Level

__all__ = [
    "COMMANDS",
    "EVERYTHING",
    "ActivityFilter",
    "Argument",
    "Candidate",
    "Command",
    "CommandError",
    "Context",
    "Fact",
    "Flag",
    "History",
    "Invocation",
    "Kind",
    "Level",
    "Line",
    "Names",
    "RecentKeys",
    "Search",
    "Voice",
    "candidates",
    "complete",
    "duration",
    "find",
    "key_facts",
    "nearest",
    "node_facts",
    "parse",
    "refusal",
    "run",
    "shared_start",
    "size",
    "usage_for",
    "usage_line",
    "word_start",
]
