"""``kvtui-node``: its arguments and its last words."""

import sys
from pathlib import Path
from typing import NoReturn

import click

from kvtui.core.loopback import is_loopback

USAGE_STATUS = 2
"""The node could not start as asked."""
FAILED_STATUS = 1
"""The node stopped because its engine failed."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("port", type=click.IntRange(0, 65535))
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address to listen on.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Directory that keeps the node's data; made when absent. Default: one for each port, in the user's data directory.",
)
@click.option("--memory", is_flag=True, help="Keep everything in memory: nothing survives the node.")
@click.option(
    "--parent-pipe", is_flag=True, help="End in order when standard input ends, so as not to outlive a parent."
)
@click.version_option(package_name="kvtui", prog_name="kvtui-node")
def main(port: int, host: str, data: Path | None, memory: bool, parent_pipe: bool) -> None:
    """Run one storage node of kvtui on PORT (0: any free one) until SIGTERM or SIGINT.

    It stands alone until a kvtui coordinator takes it into a cluster: then it stores what that coordinator writes.
    """
    if not is_loopback(host):
        _stop(f"refusing to listen on {host}: without a shared secret a node listens on loopback addresses only")
    if data is not None and memory:
        _stop("--data and --memory exclude each other")
    if data is None and not memory:
        if port == 0:
            _stop("port 0 has no data directory of its own: give --data or --memory")
        data = _default_directory(port)
    from kvtui.node.process import CannotStart, run

    try:
        failure = run(host, port, data, parent_pipe=parent_pipe)
    except CannotStart as error:
        _stop(str(error))
    if failure is not None:
        _stop(f"stopped: {failure}", FAILED_STATUS)


def _default_directory(port: int) -> Path:
    from platformdirs import user_data_path

    return user_data_path("kvtui", appauthor=False) / "nodes" / str(port)


def _stop(reason: str, status: int = USAGE_STATUS) -> NoReturn:
    click.echo(f"kvtui-node: {reason}", err=True)
    sys.exit(status)
