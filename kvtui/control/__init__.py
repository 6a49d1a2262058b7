"""The control socket: several processes on one coordinator. Imports core, neither Textual nor node code."""
