"""Fuzzing a node: frames that no client should send, and files that no disk should give back."""
