"""kvtui: a distributed key-value store you can watch."""

__version__ = "0.1.0"
