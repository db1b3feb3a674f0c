"""A pipe, a device or something huge where a file should be: an error at once, never a wait."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tui.auth import StoreError
from tui.auth.file_store import FileStore
from tui.auth.leveldb import newest_values
from tui.core.errors import Unsupported
from tui.core.models import ProviderKey
from tui.faces import load_faces
from tui.gateways import codexbar, config
from tui.gateways.atomic import only_one
from tui.gateways.cache import Remembered, SnapshotCache
from tui.gateways.files import DeclaredFiles
from tui.gateways.logs import set_up, tear_down
from tui.gateways.regular import read_regular
from tui.gateways.sqlite_ro import open_copy

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no pipes among files"),
    pytest.mark.timeout(20),
]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 8 << 40)


Plant = Callable[[Path], None]
odd_things = pytest.mark.parametrize("plant", [pipe, device, huge])


@odd_things
def test_settings_and_small_files_of_ours_are_refused(plant: Plant, tmp_path: Path) -> None:
    plant(tmp_path / "zai.json")
    assert config.load(tmp_path / "zai.json").broken
    assert codexbar.load(tmp_path / "zai.json") == {}
    assert load_faces(tmp_path / "zai.json") == []
    assert SnapshotCache(tmp_path).load(ProviderKey("zai")) == Remembered()


@odd_things
async def test_a_file_of_secrets_is_an_error_at_once(plant: Plant, tmp_path: Path) -> None:
    plant(tmp_path / "credentials.json")
    with pytest.raises(StoreError, match="cannot be read"):
        await FileStore(tmp_path / "credentials.json").get("zai", "api_key")


@odd_things
async def test_files_of_other_programs_are_refused(plant: Plant, tmp_path: Path) -> None:
    plant(tmp_path / "auth.json")
    files = DeclaredFiles(["~/auth.json"], env={}, home=tmp_path)
    with pytest.raises(Unsupported, match=r"auth\.json"):
        await files.read_text(tmp_path / "auth.json")


@odd_things
def test_stores_of_browsers_are_refused(plant: Plant, tmp_path: Path) -> None:
    plant(tmp_path / "000003.log")
    with pytest.raises(OSError, match=r"000003\.log"):
        newest_values(tmp_path)
    with pytest.raises(OSError, match=r"000003\.log"), open_copy(tmp_path / "000003.log"):
        pass


@pytest.mark.parametrize("plant", [pipe, device])
async def test_a_database_is_refused(plant: Plant, tmp_path: Path) -> None:
    plant(tmp_path / "state.db")
    files = DeclaredFiles(["~"], env={}, home=tmp_path)
    with pytest.raises(Unsupported, match=r"state\.db"):
        await files.query(tmp_path / "state.db", "SELECT 1")


def test_the_log_does_not_wait_for_a_reader_of_a_pipe(tmp_path: Path) -> None:
    pipe(tmp_path / "quotadeck.log")
    set_up(None, tmp_path / "quotadeck.log")
    logging.getLogger("tui.test").warning("a line")
    tear_down()


def test_what_a_planted_link_points_to_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "profile"
    target.write_text("mine")
    (tmp_path / "quotadeck.log").symlink_to(target)
    set_up(None, tmp_path / "quotadeck.log")
    logging.getLogger("tui.test").warning("a line")
    tear_down()
    assert target.read_text() == "mine"
    (tmp_path / ".settings.lock").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="lock"), only_one(tmp_path / "settings"):
        pass
    assert not (tmp_path / "made").exists()


def test_an_ordinary_file_up_to_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1 << 20))
    assert len(read_regular(tmp_path / "file", 1 << 20)) == 1 << 20
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path, 1 << 20)


async def test_a_file_from_a_time_no_calendar_has_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()
    os.utime(folder / "old", (-1e11, -1e11))
    files = DeclaredFiles(["~"], env={}, home=tmp_path)
    (found,) = await files.list(folder)
    assert found.mtime.year <= 1970
