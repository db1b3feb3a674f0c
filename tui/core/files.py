"""What a look at a file says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file or folder as it was when it was looked at."""

    path: Path
    mtime: datetime
    size: int
    is_dir: bool
