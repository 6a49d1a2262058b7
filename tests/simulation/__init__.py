"""Whole clusters in one process under virtual time: the same seed gives the same run, thousands of times faster than life."""
