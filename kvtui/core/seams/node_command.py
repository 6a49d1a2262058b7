"""How a node is started: its command line, where, and with which environment."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kvtui.core.authentication import Secret
from kvtui.core.seams.launcher import LaunchFailed, NodeSpec
from kvtui.core.seams.secret_source import VARIABLE
from kvtui.core.seams.tls import TlsFiles


@dataclass(frozen=True, slots=True)
class Command:
    """What is started."""

    arguments: Sequence[str]
    directory: Path | None
    """Where it runs; None: where this process does."""
    environment: Mapping[str, str]


def node_command(spec: NodeSpec, tls: TlsFiles | None) -> Command:
    """The command of a node that ends with this process. Raises LaunchFailed where it can't be started so."""
    keep = ["--memory"] if spec.data is None else ["--data", str(spec.data)]
    arguments = [sys.executable, "-m", "kvtui.node", str(spec.port), "--host", spec.host, "--parent-pipe", *keep]
    return Command([*arguments, *_certificate(spec, tls)], None, _environment(spec.secret))


def _certificate(spec: NodeSpec, tls: TlsFiles | None) -> list[str]:
    if tls is None:
        return []
    if tls.certificate is None:
        raise LaunchFailed(
            f"node {spec.node} needs a certificate: give --tls-cert (and --tls-key), or start it yourself with them"
        )
    key = [] if tls.key is None else ["--tls-key", str(tls.key)]
    return ["--tls-cert", str(tls.certificate), *key]


def _environment(secret: Secret | None) -> dict[str, str]:
    environment = dict(os.environ)
    environment.pop(VARIABLE, None)
    if secret is not None:
        environment[VARIABLE] = os.fsdecode(secret.reveal())
    return environment
