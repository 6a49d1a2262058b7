"""``python -m kvtui.node``."""

from kvtui.node.boot import main

if __name__ == "__main__":
    main()
