"""Workloads that run on a live cluster through ``kvtui.core.cluster`` alone. Nothing here imports Textual or Rich."""

from kvtui.workload.live_check import SECONDS_MOST, LiveCheck
from kvtui.workload.view import CheckView, Phase

__all__ = ["SECONDS_MOST", "CheckView", "LiveCheck", "Phase"]
