"""Real footage for benchmarks and tests: fetched when it is first needed, never in the repository."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache" / "footage"


def footage(name: str = "bikes.mp4") -> Path:
    """bikes.mp4 (640x272, 25 frames a second, 250 frames, no sound) or bigbuckbunny.mp4 (1280x720, with sound)."""
    path = FOLDER / name
    if not path.exists():
        subprocess.run([ROOT / "scripts" / "footage"], check=True)
    return path
