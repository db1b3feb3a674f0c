"""The last good numbers: private, tolerant, never in the way."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.core.test_plain import FULL
from tests.support import NOON
from tui.gateways.cache import Remembered, SnapshotCache


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    cache = SnapshotCache(tmp_path / "last")
    kept = Remembered(fingerprint="f", snapshot=FULL, gate_until=NOON)
    cache.save(FULL.key, kept)
    assert cache.load(FULL.key) == kept


def test_the_file_is_private(tmp_path: Path) -> None:
    SnapshotCache(tmp_path / "last").save(FULL.key, Remembered(snapshot=FULL))
    (file,) = (tmp_path / "last").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 99}', b"\xff" * 100])
def test_a_damaged_file_counts_as_absent(tmp_path: Path, content: bytes) -> None:
    cache = SnapshotCache(tmp_path / "last")
    cache.save(FULL.key, Remembered(snapshot=FULL))
    (file,) = (tmp_path / "last").iterdir()
    file.write_bytes(content)
    assert cache.load(FULL.key) == Remembered()


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    SnapshotCache(tmp_path / "file" / "last").save(FULL.key, Remembered(snapshot=FULL))
