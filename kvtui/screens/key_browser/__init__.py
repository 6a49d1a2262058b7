"""The parts of the key browser: what was found, how a value is presented, how one is written, and the widgets for it."""
