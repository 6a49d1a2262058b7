"""``kvtui-node``: its arguments and its last words."""

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from kvtui.core.defect_place import kind_and_place
from kvtui.core.loopback import is_loopback
from kvtui.core.seams.standard_streams import (
    OutputLost,
    leave,
    open_missing_streams,
    say_aside,
    without_output,
)
from kvtui.node.lacking import lacking
from kvtui.path_option import NamedPath

if TYPE_CHECKING:
    from kvtui.core.authentication import Secret

PROGRAM = "kvtui-node"
PRIVATE = 0o077
"""The umask: all that a node makes is its user's alone, whatever it was started with."""
USAGE_STATUS = 2
"""The node could not start as asked."""
FAILED_STATUS = 1
"""The node stopped because its engine failed."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("port", type=click.IntRange(0, 65535))
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; one of other machines needs a secret."
)
@click.option(
    "--data",
    type=NamedPath(file_okay=False, path_type=Path),
    help="Directory that keeps the node's data; made when absent. Default: one for each port, in the user's data directory.",
)
@click.option("--memory", is_flag=True, help="Keep everything in memory: nothing survives the node.")
@click.option(
    "--secret-file",
    type=NamedPath(dir_okay=False, path_type=Path),
    help="The secret that clients must prove to know (mode 600). Default: $KVTUI_SECRET.",
)
@click.option("--tls-cert", type=NamedPath(dir_okay=False, path_type=Path), help="Speak TLS, with this certificate.")
@click.option("--tls-key", type=NamedPath(dir_okay=False, path_type=Path), help="Its key, if in a file of its own.")
@click.option("--tls-ca", type=NamedPath(dir_okay=False, path_type=Path), help="Clients must show a certificate of it.")
@click.option(
    "--parent-pipe", is_flag=True, help="End in order when standard input ends, so as not to outlive a parent."
)
@click.version_option(package_name="kvtui", prog_name="kvtui-node")
def program(
    port: int,
    host: str,
    data: Path | None,
    memory: bool,
    secret_file: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_ca: Path | None,
    parent_pipe: bool,
) -> None:
    """Run one storage node of kvtui on PORT (0: any free one) until SIGTERM, SIGINT or SIGHUP.

    It stands alone until a kvtui coordinator takes it into a cluster: then it stores what that coordinator writes.
    """
    # Until the node serves nothing of what is made is garbage: the collector would only slow its start down.
    gc.disable()
    secret = _secret(secret_file)
    if secret is None and not is_loopback(host):
        stop(f"refusing to listen on {host}: without a shared secret a node listens on loopback addresses only")
    if tls_cert is None and (tls_key is not None or tls_ca is not None):
        stop("--tls-key and --tls-ca need --tls-cert, the node's own certificate")
    if data is not None and memory:
        stop("--data and --memory exclude each other")
    if data is None and not memory:
        if port == 0:
            stop("port 0 has no data directory of its own: give --data or --memory")
        data = _default_directory(port)
    from kvtui.core.seams.tls import TlsFiles
    from kvtui.node.process import CannotStart, run

    try:
        tls = None if tls_cert is None else TlsFiles(tls_cert, tls_key, tls_ca)
        failure = run(host, port, data, parent_pipe=parent_pipe, secret=secret, tls=tls)
    except CannotStart as error:
        stop(str(error))
    if failure is not None:
        stop(f"stopped: {failure}", FAILED_STATUS)


def main() -> NoReturn:
    """Run the program and exit: 0 it ended as asked, 1 its engine failed, 2 it could not start."""
    open_missing_streams()
    os.umask(PRIVATE)
    try:
        status = int(program.main(prog_name=PROGRAM, standalone_mode=False) or 0)
    except click.ClickException as error:
        stop(" ".join(error.format_message().split()))
    except (KeyboardInterrupt, click.Abort):
        status = FAILED_STATUS
    except OutputLost as lost:
        status = without_output(PROGRAM, lost)
    except Exception as error:
        status = FAILED_STATUS
        lacks = lacking(error) if isinstance(error, ImportError) else ""
        say_aside(
            f"{PROGRAM}: {lacks}"
            if lacks
            else f"{PROGRAM}: a defect stopped it ({kind_and_place(error)}); please report it"
        )
    leave(PROGRAM, status)


def _secret(file: Path | None) -> "Secret | None":
    from kvtui.core.authentication import BadSecret
    from kvtui.core.seams.secret_source import take_secret

    try:
        return take_secret(file, warn=lambda text: say_aside(f"{PROGRAM}: {text}"))
    except BadSecret as error:
        stop(str(error))


def _default_directory(port: int) -> Path:
    from platformdirs import user_data_path

    try:
        directory = user_data_path("kvtui", appauthor=False)
    except RuntimeError:
        directory = Path()
    if not directory.is_absolute():
        stop("this user has no home directory to keep data in: give --data or --memory")
    return directory / "nodes" / str(port)


def stop(reason: str, status: int = USAGE_STATUS) -> NoReturn:
    """End the process, and say why."""
    say_aside(f"{PROGRAM}: {reason}")
    leave(PROGRAM, status)
