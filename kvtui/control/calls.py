"""The requests that are called by name: the method of ``Cluster`` or of a capability, its arguments and what it returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from kvtui.core.change import Change
from kvtui.core.cluster import Compaction, Location, NodeAdded, OwnData, Read, Rebalanced, WrittenMany
from kvtui.core.explanation import Explanation
from kvtui.core.plan import Plan
from kvtui.core.read_mode import ReadMode

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One method. Its arguments are sent as a list, its answer as it is."""

    name: str
    arguments: "msgspec.json.Decoder[Any]"
    answer: "msgspec.json.Decoder[T]"
    keywords: tuple[str, ...] = ()
    """Names of the last arguments, where the method takes them by name."""
    changes: bool = True
    """Whether it matters to know that it was not carried out."""
    keys: bool = False
    """Whether it is an operation on keys, which waits less long for a silent holder than a change of the cluster."""

    def given(self, arguments: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """The arguments as the method takes them: by place, by name."""
        split = len(arguments) - len(self.keywords)
        return arguments[:split], dict(zip(self.keywords, arguments[split:], strict=True))


def _call(
    name: str,
    answer: type[T],
    *arguments: Any,
    keywords: tuple[str, ...] = (),
    changes: bool = True,
    keys: bool = False,
) -> Call[T]:
    # An unknown length would let a tuple of any length pass: each argument has its place and type.
    given: Any = tuple.__class_getitem__(arguments) if arguments else tuple[()]
    return Call(name, msgspec.json.Decoder(given), msgspec.json.Decoder(answer), keywords, changes, keys)


REFRESH = _call("refresh", type(None), changes=False)
"""Its picture is sent as pictures are."""
PUT_MANY = _call("put_many", WrittenMany, list[tuple[bytes, bytes]], keys=True)
DELETE_MANY = _call("delete_many", WrittenMany, list[bytes], keys=True)
GET_MANY = _call("get_many", list[Read], list[bytes], changes=False, keys=True)
"""Answers as many of the first keys as have room."""
LOCATE = _call("locate", Location, bytes, changes=False)
ADD_NODE = _call("add_node", NodeAdded, str, str, int, OwnData, keywords=("own_data",))
REMOVE_NODE = _call("remove_node", str, str, bool, keywords=("force",))
SET_REPLICATION = _call("set_replication", type(None), int)
REBALANCE = _call("rebalance", Rebalanced)
START_NODE = _call("start_node", type(None), str)
STOP_NODE = _call("stop_node", type(None), str)
ACCEPT_LOSS = _call("accept_loss", int, str | None)
SET_QUORUM = _call("set_quorum", type(None), int)
SET_READS = _call("set_reads", type(None), ReadMode)
SET_THROTTLE = _call("set_throttle", type(None), int)
SET_POLICY = _call("set_policy", type(None), str, int)
SET_WEIGHT = _call("set_weight", type(None), str, int)
EXPLAIN_PUT = _call("explain_put", Explanation, bytes, bytes)
EXPLAIN_GET = _call("explain_get", Explanation, bytes, changes=False)
EXPLAIN_DELETE = _call("explain_delete", Explanation, bytes)
PLAN = _call("plan", Plan, Change, changes=False)
COMPACT = _call("compact", Compaction, str, bool, keywords=("begin",))
KILL_NODE = _call("kill_node", type(None), str)
PAUSE_NODE = _call("pause_node", type(None), str)
RESUME_NODE = _call("resume_node", type(None), str)
SLOW_NODE = _call("slow_node", type(None), str, float)
CUT_NODE = _call("cut_node", type(None), str)
HEAL = _call("heal", type(None))
WIPE_NODE = _call("wipe_node", type(None), str)

CALLS: dict[str, Call[Any]] = {call.name: call for call in list(globals().values()) if isinstance(call, Call)}
