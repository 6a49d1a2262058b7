"""Real clusters under faults: real processes behind proxies, a load whose history is checked."""
