"""One storage node of kvtui: keeps versioned entries in an engine and serves them over the wire.

Knows nothing of rings, replicas or other nodes; that is the coordinator's.
"""
