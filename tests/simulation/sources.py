"""Names the state of the sources: what was found with others says nothing of these."""

from hashlib import blake2b
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def fingerprint(*folders: str, root: Path = ROOT) -> str:
    """A short name for all Python files in kvtui, in the simulation, and in the other ``folders``."""
    digest = blake2b(digest_size=6)
    for folder in ("kvtui", "tests/simulation", *folders):
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
