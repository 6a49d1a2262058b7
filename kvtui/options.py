"""What ``kvtui`` and ``kvtui shell`` were asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kvtui.config import Configuration


@dataclass(frozen=True, slots=True)
class Options:
    """The options of ``kvtui`` and of ``kvtui shell``; None where not given."""

    nodes: int | None = None
    replicas: int | None = None
    state: Path | None = None
    memory: bool = False
    policy: str | None = None
    vnodes: int | None = None
    grace: float | None = None
    secret_file: Path | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    commands: tuple[str, ...] = ()
    readonly: bool = False
    config: Path | None = None
    for_new: tuple[str, ...] = field(default=(), compare=False)
    """Options given that say how a new cluster is made, or how its coordinator works: who attaches is told that they do nothing."""

    def over(self, outer: Options) -> Options:
        """These, completed by those given before the subcommand's name."""
        return Options(
            nodes=outer.nodes if self.nodes is None else self.nodes,
            replicas=outer.replicas if self.replicas is None else self.replicas,
            state=self.state or outer.state,
            memory=self.memory or outer.memory,
            policy=self.policy or outer.policy,
            vnodes=outer.vnodes if self.vnodes is None else self.vnodes,
            grace=outer.grace if self.grace is None else self.grace,
            secret_file=self.secret_file or outer.secret_file,
            tls_ca=self.tls_ca or outer.tls_ca,
            tls_cert=self.tls_cert or outer.tls_cert,
            tls_key=self.tls_key or outer.tls_key,
            commands=(*outer.commands, *self.commands),
            readonly=self.readonly or outer.readonly,
            config=self.config or outer.config,
        )

    def completed(self, configuration: Configuration) -> Options:
        """These, and what the configuration says where nothing was given."""
        given = {
            "--nodes": self.nodes,
            "--replicas": self.replicas,
            "--policy": self.policy,
            "--vnodes": self.vnodes,
            "--grace": self.grace,
            "--secret-file": self.secret_file,
            "--tls-ca": self.tls_ca,
        }
        return replace(
            self,
            for_new=tuple(name for name, value in given.items() if value is not None),
            nodes=configuration.nodes if self.nodes is None else self.nodes,
            replicas=configuration.replicas if self.replicas is None else self.replicas,
            state=Path(configuration.state) if configuration.state and not (self.state or self.memory) else self.state,
        )

    @property
    def useless_to_recover(self) -> tuple[str, ...]:
        """Options given that say nothing to ``kvtui recover``."""
        given = {
            "--nodes": self.nodes is not None,
            "--replicas": self.replicas is not None,
            "--memory": self.memory,
            "--policy": self.policy is not None,
            "--vnodes": self.vnodes is not None,
            "--grace": self.grace is not None,
            "--readonly": self.readonly,
            "-c": bool(self.commands),
        }
        return tuple(name for name, present in given.items() if present)

    def check(self) -> None:
        """Raises click.UsageError for options that contradict each other."""
        if self.memory and self.state is not None:
            raise click.UsageError("--memory keeps no state: leave out --state, or --memory")
        if self.tls_cert is not None and self.tls_ca is None:
            raise click.UsageError("--tls-cert needs --tls-ca too: without it no node's certificate can be checked")
        if self.tls_key is not None and self.tls_cert is None:
            raise click.UsageError("--tls-key belongs to --tls-cert: give both")
        if self.vnodes is not None and self.policy != "classic":
            raise click.UsageError("--vnodes belongs to --policy classic: the balanced ring has no virtual nodes")
