"""Tests of kvtui; ``tests.simulation`` is imported by the others."""
