"""What the dashboard costs, in a real terminal beside real nodes. ``python benchmarks/dashboard.py [--only NAME] [--seconds S]``.

Both sides of a comparison run in one run, in turns. Costs are processor time of the process, which others on the machine change
little; what a person waits for is time on the clock, which they do change. The ring's own bars are ``benchmarks/ring_drawing.py``,
run from here too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import ring_drawing

from tests.widgets.terminal import Terminal

NODES = 5
RATE = 5000
LOADED = Path(__file__).resolve().with_name("loaded_kvtui.py")
MINIMAL = """
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static("ready")

Minimal().run()
"""
IDLE_BAR, BYTES_IDLE_BAR = 1.0, 0.0
LOAD_BAR, BYTES_BAR = 8.0, 30.0
ECHO_BAR, FRAME_BAR, HELP_BAR = 50.0, 300.0, 150.0
FRAMES_PLEASE = "\x1b[?2026;2$y"
"""What a terminal answers that takes synchronized updates: pictures are framed then, and can be counted."""
TYPED = "the quick brown fox jumps over a lazy dog"


@dataclass(frozen=True)
class Result:
    """Samples of one thing, and the bar that one number of them is held to."""

    name: str
    unit: str
    samples: Sequence[float]
    bar: float | None = None
    held: Callable[[Sequence[float]], float] = statistics.median

    @property
    def missed(self) -> bool:
        return self.bar is not None and self.held(self.samples) > self.bar

    def line(self) -> str:
        """The number, the spread (the tenth and the ninetieth percentile), the most, and whether it is within its bar."""
        low, high = quantile(self.samples, 0.1), quantile(self.samples, 0.9)
        verdict = "" if self.bar is None else f"   at most {self.bar:g}: {'MISSED' if self.missed else 'ok'}"
        number = f"{self.held(self.samples):10.2f}  {low:8.2f} .. {high:8.2f}  {max(self.samples):8.2f}"
        return f"{self.name:<58} {number} {self.unit:<5}{verdict}"


def quantile(samples: Sequence[float], part: float) -> float:
    """The sample below which that part of them lies."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@dataclass(frozen=True)
class Plan:
    """How long and how often is measured."""

    seconds: float
    """Of one round."""
    rounds: int
    keys: int
    starts: int


def environment(home: Path) -> dict[str, str]:
    """A terminal of all colours, and nothing of a person's own."""
    mine = ("KVTUI", "TEXTUAL", "COLUMNS", "LINES", "NO_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    return {
        **kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "PYTHONUTF8": "1",
        "HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config"),
    }  # fmt: skip


def idle(home: Path, plan: Plan) -> Iterator[Result]:
    """The program as a person starts it, once all is said and drawn."""
    command = [sys.executable, "-m", "kvtui", "--memory", "--nodes", str(NODES), "--replicas", "1"]
    with Terminal(command, environment(home)) as terminal:
        terminal.until(f"{NODES} of {NODES} nodes up")
        terminal.quiet(2.0)
        pid, cores, received = terminal.process.pid, [], []
        for _ in range(plan.rounds):
            before, began, sent = processor_of(pid), time.monotonic(), terminal.received
            terminal.read_for(plan.seconds)
            cores.append(100 * (processor_of(pid) - before) / (time.monotonic() - began))
            received.append(float(terminal.received - sent))
    yield Result("idle, 5 nodes: of a core", "%", cores, IDLE_BAR)
    yield Result("idle, 5 nodes: sent to the terminal", "B", received, BYTES_IDLE_BAR, max)


def load(home: Path, plan: Plan) -> Iterator[Result]:
    """The same process with and without the dashboard, in turns; the nodes are asked for counts at 10 Hz in both."""
    with ExitStack() as stack:
        shown = stack.enter_context(loaded(home, "shown"))
        alone = stack.enter_context(loaded(home, "alone", headless=True))
        for side in (shown, alone):
            side.load(RATE, 12.0)  # tables are filled, and the latencies' window of ten seconds
        with_it, without, more, sent, frames = [], [], [], [], []
        for turn in range(plan.rounds):
            costs = {}
            for side in (shown, alone) if turn % 2 else (alone, shown):
                before, drawn = side.terminal.received, side.terminal.frames
                served = side.load(RATE, plan.seconds)
                costs[side is shown] = 100 * served["processor"] / served["seconds"]
                if side is shown:
                    sent.append((side.terminal.received - before) / served["seconds"] / 1024)
                    frames.append((side.terminal.frames - drawn) / served["seconds"])
            with_it.append(costs[True])
            without.append(costs[False])
            more.append(costs[True] - costs[False])
    yield Result(f"{RATE:,}/s, with the dashboard: of a core", "%", with_it)
    yield Result(f"{RATE:,}/s, without: of a core", "%", without)
    yield Result(f"{RATE:,}/s: the dashboard's part", "%", more, LOAD_BAR)
    yield Result(f"{RATE:,}/s: pictures sent", "/s", frames)
    yield Result(f"{RATE:,}/s: sent to the terminal", "KiB/s", sent, BYTES_BAR)


def echo(home: Path, plan: Plan) -> Iterator[Result]:
    """From a key that is pressed to its letter in the command bar, under the load."""
    chance = random.Random(1)
    with loaded(home, "shown") as side:
        side.load(RATE, 3.0)
        terminal = side.terminal
        side.ask(RATE, plan.keys * 0.2 + 60)
        terminal.read_for(1.0)
        times, typed = [], ""
        for number in range(plan.keys):
            terminal.read_for(chance.uniform(0.03, 0.13))
            typed += TYPED[number % len(TYPED)]
            pressed = time.monotonic()
            terminal.type(typed[-1])
            wanted = f"> {typed}".rstrip()
            terminal.until(lambda text, wanted=wanted: wanted in text)  # type: ignore[misc]
            if typed[-1] != " ":  # a space is not seen
                times.append(1000 * (time.monotonic() - pressed))
            if len(typed) == len(TYPED):
                terminal.type("\x15")
                terminal.until(lambda text: TYPED not in text)
                typed = ""
    yield Result(f"{RATE:,}/s: keystroke to echo, the middle", "ms", times)
    yield Result(f"{RATE:,}/s: keystroke to echo, 99th percentile", "ms", times, ECHO_BAR, partial(quantile, part=0.99))


def first_frame(home: Path, plan: Plan) -> Iterator[Result]:
    """From the start of the program to its first picture, beside the least that Textual can do."""
    kinds: dict[str, tuple[list[str], str]] = {
        "minimal": ([sys.executable, "-c", MINIMAL], "ready"),
        "kvtui": ([sys.executable, "-m", "kvtui", "--memory"], "no nodes yet"),
    }
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(plan.starts + 1):
        for name, (command, words) in kinds.items():
            began = time.monotonic()
            with Terminal(command, environment(home)) as terminal:
                terminal.until(words)
                if turn:  # the first one compiles, and reads from the disk
                    times[name].append(1000 * (time.monotonic() - began))
                terminal.type("\x11")
                terminal.end()
    yield Result("first frame: a minimal Textual app", "ms", times["minimal"])
    yield Result("first frame: kvtui", "ms", times["kvtui"])
    yield Result("first frame: kvtui takes more", "ms", differences(times["kvtui"], times["minimal"]), FRAME_BAR)


def help_text(home: Path, plan: Plan) -> Iterator[Result]:
    """``kvtui --help`` beside an interpreter that does nothing."""
    installed = Path(sys.executable).with_name("kvtui")
    kinds = {
        "pass": [sys.executable, "-c", "pass"],
        "help": [str(installed), "--help"] if installed.exists() else [sys.executable, "-m", "kvtui", "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(2 * plan.starts + 1):
        for name, command in kinds.items():
            began = time.monotonic()
            subprocess.run(command, env=environment(home), stdout=subprocess.DEVNULL, check=True)
            if turn:
                times[name].append(1000 * (time.monotonic() - began))
    yield Result("python -c pass", "ms", times["pass"])
    yield Result("kvtui --help", "ms", times["help"])
    yield Result("kvtui --help takes more", "ms", differences(times["help"], times["pass"]), HELP_BAR)


def ring(home: Path, plan: Plan) -> Iterator[Result]:
    """Frames and resizes of the ring: of ``benchmarks/ring_drawing.py``, those that have bars."""
    for measured in ring_drawing.measure(plan.starts):
        if measured.bar is not None:
            yield Result(f"ring {measured.name}", "ms", measured.times, measured.bar)


MEASUREMENTS: Mapping[str, Callable[[Path, Plan], Iterator[Result]]] = {
    "idle": idle, "load": load, "echo": echo, "first-frame": first_frame, "help": help_text, "ring": ring,
}  # fmt: skip


class Loaded:
    """``loaded_kvtui.py`` in a terminal, and the socket from which it takes loads."""

    def __init__(self, terminal: Terminal, connection: socket.socket) -> None:
        self.terminal = terminal
        self._connection = connection
        self._answers = connection.makefile("r")

    def ask(self, rate: float, seconds: float) -> None:
        """Let a load begin."""
        self._connection.sendall(json.dumps([rate, seconds, True]).encode() + b"\n")

    def load(self, rate: float, seconds: float) -> dict[str, Any]:
        """Put a load on it and read its screen meanwhile; what came of it. Raises RuntimeError when it did not bear it."""
        self.ask(rate, seconds)
        self.terminal.read_for(seconds + 0.3)
        served: dict[str, Any] = json.loads(self._answers.readline())
        done = served["operations"] / served["seconds"]
        if served["failed"] or done < 0.97 * rate:
            raise RuntimeError(
                f"{done:,.0f} of {rate:,.0f} operations a second, {served['failed']} failed: too busy a machine"
            )
        return served


@contextmanager
def loaded(home: Path, name: str, *, headless: bool = False) -> Iterator[Loaded]:
    """One of them, with its nodes up."""
    path = home / f"{name}.socket"
    path.unlink(missing_ok=True)
    command = [sys.executable, str(LOADED), str(path), "--nodes", str(NODES), "--copies", "2"]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with Terminal([*command, "--headless"] if headless else command, environment(home)) as terminal:
            if not headless:
                terminal.until(f"{NODES} of {NODES} nodes up")
            listener.settimeout(30.0)
            connection, _ = listener.accept()
            with connection:
                if not headless:
                    terminal.type(FRAMES_PLEASE)
                yield Loaded(terminal, connection)


def processor_of(pid: int) -> float:
    """Seconds of processor time that a process has taken, all its threads; of Linux, in hundredths."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def differences(more: Sequence[float], less: Sequence[float]) -> list[float]:
    """What each takes beyond the one measured beside it."""
    return [one - other for one, other in zip(more, less, strict=True)]


def machine() -> str:
    """What it ran on, and how busy that was."""
    model = platform.processor() or platform.machine()
    if (information := Path("/proc/cpuinfo")).exists():
        names = [
            line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    busy = ", ".join(f"{load:.2f}" for load in os.getloadavg())
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()},"
        f" Textual {version('textual')}; load {busy}"
    )


def main() -> int:
    """Exit status 1 if any bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", choices=list(MEASUREMENTS), action="append", help="measure this alone; may be repeated"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of a round")
    parser.add_argument("--rounds", type=int, default=8, help="of idling, and of both sides under load")
    parser.add_argument("--keys", type=int, default=600, help="pressed under load")
    parser.add_argument("--starts", type=int, default=15, help="of programs; drawings of the ring")
    asked = parser.parse_args()
    plan = Plan(asked.seconds, asked.rounds, asked.keys, max(2, asked.starts))
    print(machine())
    print(f"{'':<58} {'number':>10}  {'10 % .. 90 %':>20}  {'most':>8}")
    missed = 0
    for name in asked.only or MEASUREMENTS:
        with tempfile.TemporaryDirectory() as home:
            for result in MEASUREMENTS[name](Path(home), plan):
                print(result.line(), flush=True)
                missed += result.missed
    print(f"{missed} bars missed; {machine().rpartition('; ')[2]}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
