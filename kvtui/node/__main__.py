"""``python -m kvtui.node``."""

from kvtui.node.cli import main

if __name__ == "__main__":
    main()
