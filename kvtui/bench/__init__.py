"""The workloads of YCSB on a live cluster, timed, through ``kvtui.core.cluster`` alone. Nothing here imports Textual or Rich."""
