"""The folders of the repository that are packages below ``priot``."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(
    path.parent.name
    for path in ROOT.glob("*/__init__.py")
    if path.parent.name not in ("priot", "benchmarks")
)
