"""Counts what links are asked to send, and sends it."""

from collections import Counter

import pytest

from kvtui.core.link import Link
from kvtui.core.protocol import Request


def requests_sent(monkeypatch: pytest.MonkeyPatch) -> Counter[type[Request]]:
    """How many requests of each kind are sent from here on, on every link."""
    kinds: Counter[type[Request]] = Counter()
    send = Link.send

    def counted(link: Link, request: Request, *rest: object, **more: object) -> None:
        kinds[type(request)] += 1
        send(link, request, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Link, "send", counted)
    return kinds
