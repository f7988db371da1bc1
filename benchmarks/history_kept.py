"""What a run of `benchmarks.history` has written, kept beside its data, so that later runs read the same."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Written:
    """A clip that is full."""

    video_id: int
    people: list[str]
    """Secrets of their sessions: those who write, and last who watches."""
    operations: int
    notes: int
    head: int = 0
    versions: list[int] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    """What writing took."""

    def save(self, folder: Path) -> None:
        """Beside the data; only once all is written."""
        (folder / "written.json").write_text(json.dumps(asdict(self)))


def load(folder: Path) -> Written | None:
    """What was written there before; None: nothing."""
    path = folder / "written.json"
    return Written(**json.loads(path.read_text())) if path.exists() else None


@contextmanager
def place(keep: Path | None) -> Iterator[Path]:
    """The folder of a run: one to keep, or one for a while."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="rushes-history-") as folder:
        yield Path(folder)
