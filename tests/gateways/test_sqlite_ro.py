"""Reading databases others have open."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tui.gateways.sqlite_ro import columns, open_copy, open_read_only, rows


def database(path: Path, *, journal: str = "delete") -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("CREATE TABLE t(a)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.commit()
    return path


def test_what_still_lies_in_the_write_ahead_log_is_seen(tmp_path: Path) -> None:
    path = database(tmp_path / "x.db", journal="wal")
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("PRAGMA locking_mode=exclusive")
        owner.execute("INSERT INTO t VALUES (2)")
        owner.commit()
        with open_copy(path) as copy:
            assert rows(copy, "SELECT a FROM t") == [(1,), (2,)]


def test_an_unfinished_change_is_rolled_back_in_the_copy_only(tmp_path: Path) -> None:
    path = database(tmp_path / "x.db")
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("PRAGMA cache_size=1")
        owner.execute("BEGIN EXCLUSIVE")
        owner.executemany("INSERT INTO t VALUES (?)", [("x" * 900,)] * 50)
        assert path.with_name("x.db-journal").exists()
        with open_copy(path) as copy:
            assert rows(copy, "SELECT a FROM t") == [(1,)]
        assert path.with_name("x.db-journal").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no modes on Windows")
def test_the_copy_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with open_copy(database(tmp_path / "x.db")) as copy:
        (listed,) = rows(copy, "SELECT file FROM pragma_database_list")
        file = Path(listed[0])
        assert stat.S_IMODE(os.stat(file.parent).st_mode) == 0o700
    assert not file.parent.exists()


def test_a_missing_database_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), open_copy(tmp_path / "nowhere"):
        pass
    (tmp_path / "x.db").write_bytes(b"SQLite format 3\0 but then nonsense" * 99)
    with pytest.raises(sqlite3.DatabaseError), open_copy(tmp_path / "x.db") as copy:
        rows(copy, "SELECT 1 FROM sqlite_master")


def test_reading_in_place_leaves_no_side_files(tmp_path: Path) -> None:
    path = database(tmp_path / "x.db")
    with open_read_only(path) as connection:
        assert rows(connection, "SELECT a FROM t") == [(1,)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("INSERT INTO t VALUES (2)")
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith("x")] == ["x.db"]


def test_a_live_log_is_respected_in_place(tmp_path: Path) -> None:
    path = database(tmp_path / "x.db", journal="wal")
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("INSERT INTO t VALUES (2)")
        owner.commit()
        with open_read_only(path) as connection:
            assert rows(connection, "SELECT a FROM t") == [(1,), (2,)]


def test_a_locked_database_is_given_up_quickly(tmp_path: Path) -> None:
    path = database(tmp_path / "x.db", journal="wal")
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("PRAGMA locking_mode=exclusive")
        owner.execute("INSERT INTO t VALUES (2)")
        owner.commit()
        with pytest.raises(sqlite3.OperationalError, match="locked"), open_read_only(path):
            pass


def test_columns_of_a_table_that_is_not_there(tmp_path: Path) -> None:
    with open_copy(database(tmp_path / "x.db")) as copy:
        assert columns(copy, "t") == {"a"}
        assert columns(copy, "nowhere") == frozenset()
