"""The C client that comes with the server, without pipelining: the yardstick that no Python is in."""

import resource
import shutil
import subprocess
from pathlib import Path

from contenders import valkey
from contenders.cases import CASES, KEYS, VALUE_BYTES
from contenders.processes import descendants, processor_seconds
from contenders.work import WARM_SECONDS, Measured


def program() -> str | None:
    """Where it is installed."""
    return shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")


def measured_by_it(case: str, seconds: float, directory: Path) -> Measured:
    """As many requests as take about that long, by 50 clients, on a server that holds most of the keys."""
    kind = "set" if CASES[case].kind == "put" else "get"
    with valkey.serving(directory / "valkey") as port:
        _run(port, "set", KEYS)
        rate = _run(port, kind, int(_run(port, kind, KEYS // 10) * WARM_SECONDS))
        requests = int(rate * seconds)
        servers = descendants()
        server, client = processor_seconds(servers), _children_seconds()
        rate = _run(port, kind, requests)
        spent, served = _children_seconds() - client, processor_seconds(servers) - server
    return Measured(case, requests, requests / rate, spent, served)


def _run(port: int, kind: str, requests: int) -> float:
    """Requests a second, as it tells. Its keys are ``key:`` and twelve digits: 16 bytes, as the others'."""
    command = [program() or "", "-h", "127.0.0.1", "-p", str(port), "-c", "50", "-n", str(requests)]
    command += ["-d", str(VALUE_BYTES), "-r", str(KEYS), "-t", kind, "--csv"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
    return float(said.strip().splitlines()[-1].split(",")[1].strip('"'))


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
