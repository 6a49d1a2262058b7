"""The coordinator: ring, placement, replication and migration. Imports no screen and no node code."""
