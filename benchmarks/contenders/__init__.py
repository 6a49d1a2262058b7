"""What ``benchmarks/peers.py`` compares: kvtui, what a user would pick instead, and the work that each of them gets."""
