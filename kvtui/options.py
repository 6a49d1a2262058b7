"""What ``kvtui`` and ``kvtui shell`` were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class Options:
    """The options of ``kvtui`` and of ``kvtui shell``; None where not given."""

    nodes: int | None = None
    replicas: int | None = None
    state: Path | None = None
    memory: bool = False
    policy: str | None = None
    vnodes: int | None = None
    commands: tuple[str, ...] = ()

    def over(self, outer: Options) -> Options:
        """These, completed by those given before the subcommand's name."""
        return Options(
            nodes=outer.nodes if self.nodes is None else self.nodes,
            replicas=outer.replicas if self.replicas is None else self.replicas,
            state=self.state or outer.state,
            memory=self.memory or outer.memory,
            policy=self.policy or outer.policy,
            vnodes=outer.vnodes if self.vnodes is None else self.vnodes,
            commands=(*outer.commands, *self.commands),
        )

    def check(self) -> None:
        """Raises click.UsageError for options that contradict each other."""
        if self.memory and self.state is not None:
            raise click.UsageError("--memory keeps no state: leave out --state, or --memory")
        if self.vnodes is not None and self.policy != "classic":
            raise click.UsageError("--vnodes belongs to --policy classic: the balanced ring has no virtual nodes")
