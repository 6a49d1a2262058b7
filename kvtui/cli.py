"""The program ``kvtui``: arguments become the dashboard, the shell, or a run of commands.

Imports only what reading arguments needs; the coordinator comes when a cluster is opened, Textual with the dashboard alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from kvtui import __version__
from kvtui.core.limits import GRACE_MOST, NODES_MOST, REPLICAS_MOST, VNODES_MOST
from kvtui.core.seams.standard_streams import (
    OutputLost,
    leave,
    open_missing_streams,
    say_aside,
    without_output,
)
from kvtui.named_files import make_private
from kvtui.options import Options
from kvtui.path_option import NamedPath, StatePath
from kvtui.terminal_kind import why_unfit

if TYPE_CHECKING:
    from kvtui.config import Configuration
    from kvtui.config.places import Place

PROGRAM = "kvtui"
FAILED = 1
USAGE_ERROR = 2

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--nodes",
        type=click.IntRange(min=0, max=NODES_MOST),
        metavar="N",
        help="Make a new cluster with nodes n1..nN on free ports. A cluster that exists already stays as it is.",
    ),
    click.option(
        "--replicas",
        type=click.IntRange(min=1, max=REPLICAS_MOST),
        metavar="N",
        help="Copies of every key in a new cluster. Default: 2 with --nodes 2 or more, else 1.",
    ),
    click.option(
        "--state",
        type=StatePath(),
        metavar="DIR",
        help="Where the cluster's state is kept. Default: a directory of yours.",
    ),
    click.option("--memory", is_flag=True, help="Keep nothing: all is gone when kvtui ends."),
    click.option(
        "--policy",
        type=click.Choice(["balanced", "classic"]),
        help="How a new cluster places keys: every node its exact share (the default), or hashed virtual nodes.",
    ),
    click.option(
        "--vnodes",
        type=click.IntRange(min=1, max=VNODES_MOST),
        metavar="V",
        help="Virtual nodes of each node of a new classic cluster. Default: 64.",
    ),
    click.option(
        "--grace",
        type=click.FloatRange(min=0, max=GRACE_MOST),
        metavar="SECONDS",
        help="How long a node may stay away before its slots are copied to others; 0: for ever. Default: 60.",
    ),
    click.option(
        "--secret-file",
        type=NamedPath(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="The secret that nodes and kvtui share (mode 600). Default: $KVTUI_SECRET; without either, this machine only.",
    ),
    click.option(
        "--tls-ca",
        type=NamedPath(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Speak TLS with all nodes; the authority that vouches for their certificates.",
    ),
    click.option(
        "--tls-cert",
        type=NamedPath(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="The certificate that kvtui shows to nodes, and gives those that it starts.",
    ),
    click.option(
        "--tls-key",
        type=NamedPath(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Its key, unless the certificate's file holds it.",
    ),
    click.option("--readonly", is_flag=True, help="Refuse every command that changes data, members or settings."),
    click.option(
        "--config",
        type=NamedPath(dir_okay=False, path_type=Path),
        metavar="FILE",
        help='The configuration. Default: $KVTUI_CONFIG, else a file of yours: "kvtui config" tells.',
    ),
    click.option("-c", "commands", multiple=True, metavar="CMD", help="Run a command instead; may be repeated."),
)


def _shared_options(function: _Decorated) -> _Decorated:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_REACHING = frozenset({"secret_file", "tls_ca", "tls_cert", "tls_key", "config"})
"""Options that say how nodes are reached, and where such settings are."""


def _reaching_options(function: _Decorated) -> _Decorated:
    """Those of the shared options without which a subcommand that speaks with nodes can't do."""
    for option in reversed(_OPTIONS):
        carrier: Any = option(lambda: None)
        if carrier.__click_params__[0].name in _REACHING:
            function = option(function)
    return function


@click.group(
    name="kvtui",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog='Without a subcommand: the dashboard. Inside, "help" lists the commands.',
)
@_shared_options
@click.version_option(__version__, prog_name="kvtui", message="%(prog)s %(version)s")
@click.pass_context
def program(context: click.Context, /, **given: Any) -> int:
    """A distributed key-value store you can watch: a ring of real nodes in your terminal."""
    options = Options(**given)
    context.obj = options
    if context.invoked_subcommand is not None:
        return 0
    options.check()
    if options.commands:
        return _run(options, "shell")
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stdout)):
        raise click.UsageError('the dashboard needs a terminal; without one there is "kvtui shell", and "kvtui -c CMD"')
    unfit = why_unfit(os.environ.get("TERM"))
    if unfit:
        raise click.UsageError(unfit)
    return _run(options, "dashboard")


@program.command()
@_shared_options
@click.pass_obj
def shell(outer: Options, /, **given: Any) -> int:
    """A plain shell: commands typed at a prompt, or piped in."""
    options = Options(**given).over(outer)
    options.check()
    return _run(options, "shell")


@program.command()
@click.argument("workload", required=False, type=click.Choice(["A", "B", "C", "D", "E", "F"], case_sensitive=False))
@click.option("--records", type=click.IntRange(min=1), metavar="N", help="How many are loaded first. Default: 10000.")
@click.option("--size", type=click.IntRange(min=1), metavar="BYTES", help="Of a value. Default: 100.")
@click.option("--clients", type=click.IntRange(min=1), metavar="N", help="How many at once. Default: 64.")
@click.option("--seconds", type=click.IntRange(min=1), metavar="S", help="How long. Default: 10.")
@click.option("--ops", type=click.IntRange(min=1), metavar="N", help="How many operations, instead of seconds.")
@click.option("--rate", type=click.IntRange(min=1), metavar="N", help="Operations a second, begun on schedule.")
@click.option("--keys", type=click.Choice(["zipfian", "uniform", "latest"]), help="If not as the workload has them.")
@click.option("--keep", is_flag=True, help="Leave the records there.")
@click.option("--json", "save", type=NamedPath(dir_okay=False), metavar="FILE", help="Write the result there.")
@click.option("--compare", "against", type=NamedPath(dir_okay=False), metavar="FILE", help="With an earlier result.")
@_shared_options
@click.pass_obj
def bench(outer: Options, /, workload: str | None, keep: bool, **given: Any) -> int:
    """Measure the cluster with a workload of YCSB: what "bench" does inside, without a screen.

    On the cluster of --state; on a new one of your own with --memory --nodes 3.
    """
    from kvtui.notation import as_word

    names = ("records", "size", "clients", "seconds", "ops", "rate", "keys", "save", "against")
    asked = {name: given.pop(name) for name in names}
    words = ["bench", *([workload] if workload else []), *(["--keep"] if keep else [])]
    words += [as_word(f"{name}={value}") for name, value in asked.items() if value is not None]
    options = Options(**given).over(outer)
    if options.commands:
        raise click.UsageError("bench is a command of its own: leave out -c")
    options = replace(options, commands=(" ".join(words),))
    options.check()
    return _run(options, "shell")


@program.command()
@_shared_options
@click.pass_obj
def serve(outer: Options, /, **given: Any) -> int:
    """The coordinator with no screen: others attach to it.

    Ends in order by SIGTERM, SIGINT or SIGHUP (which nohup keeps from it). A node that it started and that died by itself is
    started again, six times at most.
    """
    options = Options(**given).over(outer)
    options.check()
    if options.memory:
        raise click.UsageError("serve needs a state directory, where others find it: leave out --memory")
    if options.commands:
        raise click.UsageError("serve runs no commands: leave out -c, and attach with: kvtui -c CMD")
    return _run(options, "serve")


@program.command()
@click.option("--config", type=NamedPath(dir_okay=False, path_type=Path), metavar="FILE", help="Another file.")
@click.pass_obj
def config(outer: Options, config: Path | None) -> int:
    """Print where the configuration is, and the settings that hold."""
    from kvtui.config import told
    from kvtui.config.chosen_theme import remembered_theme
    from kvtui.config.places import theme_choice

    place = _config_place(config or outer.config)
    configuration = _configuration(place)
    where = place.file or "no home directory"
    there = place.file is not None and os.path.exists(place.file)
    print(f"# {where}{'' if there else ' (not there: all is as kvtui has it by itself)'}")
    for line in told(configuration, remembered_theme(theme_choice(), configuration.theme)):
        print(line)
    return 0


@program.command()
@click.argument("addresses", nargs=-1, metavar="[[HOST:]PORT]...")
@click.option(
    "--state",
    type=StatePath(),
    metavar="DIR",
    help="Where the new log is written; nodes whose data lies in it are found by themselves.",
)
@click.option("--without", multiple=True, metavar="ID", help="Go on without a node that is gone; may be repeated.")
@_reaching_options
@click.pass_obj
def recover(outer: Options, /, addresses: tuple[str, ...], without: tuple[str, ...], **given: Any) -> int:
    """Rebuild a lost state directory from its nodes.

    Every node keeps a note of who holds what. Name the addresses of all nodes that run by themselves: what can't be decided
    without one that is not found is lost, and said to be.
    """
    from kvtui.commands.address import parse_address

    places = []
    for text in addresses:
        try:
            address = parse_address(text)
        except ValueError as error:
            raise click.UsageError(f"{text}: {error}") from None
        places.append((address.host, address.port))

    options = Options(**given).over(outer)
    options.check()
    if options.useless_to_recover:
        raise click.UsageError(
            f"recover rebuilds a cluster as it was: leave out {', '.join(options.useless_to_recover)}"
        )
    options = options.completed(_configuration(_config_place(options.config)))
    import anyio

    from kvtui.lifetime import recover_state

    return anyio.run(recover_state, options, places, without)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and exit: 0 all went well, 1 a command failed or the output can't be written, 2 wrong use or no cluster to
    open, 141 nobody reads the output any more, 128 and its number a signal."""
    make_private()
    open_missing_streams()
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "replace"), (sys.stderr, "replace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)
    try:
        status = int(program.main(arguments, prog_name=PROGRAM, standalone_mode=False) or 0)
    except click.ClickException as error:
        status = _complain(" ".join(error.format_message().split()))
    except (KeyboardInterrupt, click.Abort):
        status = 130
    except OutputLost as lost:
        status = without_output(PROGRAM, lost)
    except Exception as error:
        from kvtui.commands.running import defect

        say_aside(f"{PROGRAM}: {defect(error)}")
        status = FAILED
    leave(PROGRAM, status)


def _is_terminal(stream: Any) -> bool:
    return bool(stream.isatty())


def _complain(text: str) -> int:
    say_aside(f"kvtui: {text}")
    return USAGE_ERROR


def _config_place(option: Path | None) -> Place:
    from kvtui.config.places import config_place
    from kvtui.core.seams.named_path import BadPath

    try:
        return config_place(option)
    except BadPath as error:
        raise click.ClickException(f"KVTUI_CONFIG: {error}") from None


def _configuration(place: Place, tell: Callable[[str], object] | None = None) -> Configuration:
    """What is configured. ``tell`` is told why the file is done without; by default that is said aside."""
    from kvtui.config import ConfigError, Configuration, NotRead, overruled, read_configuration

    try:
        configuration = read_configuration(place.file, named=place.named)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    except NotRead as reason:
        (tell or _complain)(str(reason))
        configuration = Configuration()
    return overruled(configuration, os.environ)


def _run(options: Options, role: str) -> int:
    place = _config_place(options.config)
    problems: list[str] = []
    configuration = _configuration(place, problems.append if role == "dashboard" else None)
    _import_all(role)
    import anyio

    from kvtui.lifetime import open_and_run, uvloop_present

    options = options.completed(configuration)
    look = None
    if role == "dashboard":
        from kvtui.config import Look, environment_of
        from kvtui.config.places import theme_choice

        os.environ.update(environment_of(configuration))
        look = Look.of(configuration, themes=place.themes, choice=theme_choice(), problem=" ".join(problems))
    backend = {"use_uvloop": role != "dashboard" and uvloop_present()}
    return anyio.run(open_and_run, options, role, look, backend_options=backend)


def _import_all(role: str) -> None:
    """Import what the role needs. What is imported stays: looking for garbage among it, now and later, only takes time."""
    import gc
    from importlib import import_module

    gc.disable()
    try:
        import_module("kvtui.lifetime")
        if role == "dashboard":
            import_module("kvtui.app")
            import_module("kvtui.screens.dashboard")
        gc.freeze()
    finally:
        gc.enable()
