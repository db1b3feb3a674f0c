"""LevelDB folders, written by an encoder of our own, and everything that can be wrong with them."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.auth.leveldb_writer import encoded, log_file, pack, table_file, write_store
from tests.auth.leveldb_writer import local_storage_key as key
from tui.auth.leveldb import newest_values
from tui.auth.local_storage import chromium_items, session_items, texts_of
from tui.auth.snappy import DamagedData, unpack

APP = "https://app.factory.ai"
HOSTS = ("app.factory.ai", "platform.minimax.io")


# -- Snappy ----------------------------------------------------------------------------------------


@given(st.binary(max_size=3000), st.integers(1, 9))
def test_what_was_packed_comes_out_again(data: bytes, repeated: int) -> None:
    assert unpack(pack(data * repeated)) == data * repeated


@pytest.mark.parametrize(
    ("packed", "clear"),
    [
        pytest.param(b"\x00", b"", id="nothing"),
        pytest.param(b"\x05\x10hello", b"hello", id="literal"),
        pytest.param(b"\x0b\x04ab\x15\x02", b"abababababa", id="overlapping copy"),
        pytest.param(b"\x06\x04ab\x0f\x02\x00\x00\x00", b"ababab", id="distance of four bytes"),
        pytest.param(b"\x46\xf0\x45" + b"x" * 70, b"x" * 70, id="long literal"),
    ],
)
def test_known_bytes(packed: bytes, clear: bytes) -> None:
    assert unpack(packed) == clear


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", id="endless length"),
        pytest.param(b"\xff\xff\xff\xff\x7f", id="senseless length"),
        pytest.param(b"\x05\x10hel", id="cut off"),
        pytest.param(b"\x04\x01\x00", id="copy from nowhere"),
        pytest.param(b"\x04\x00a\x01\x09", id="copy from before the start"),
    ],
)
def test_damaged_bytes_are_refused(packed: bytes) -> None:
    with pytest.raises(DamagedData):
        unpack(packed)


@given(st.binary(max_size=200))
def test_any_bytes_are_unpacked_or_refused(data: bytes) -> None:
    with contextlib.suppress(DamagedData):
        unpack(data)


# -- folders ---------------------------------------------------------------------------------------


def test_the_highest_sequence_wins_across_files(tmp_path: Path) -> None:
    folder = write_store(
        tmp_path,
        ldb_1=table_file([(b"a", 1, b"old"), (b"b", 2, b"kept"), (b"c", 3, b"gone")]),
        ldb_9=table_file([(b"a", 9, b"newest")], snappy=False),
        log_5=log_file([(4, [(b"a", b"middle"), (b"c", None)]), (6, [(b"d", b"1"), (b"d", b"2")])]),
    )
    assert newest_values(folder) == {b"a": b"newest", b"b": b"kept", b"d": b"2"}


def test_a_deleted_key_can_come_back(tmp_path: Path) -> None:
    folder = write_store(
        tmp_path,
        ldb_1=table_file(
            [(b"a", 1, b"first"), (b"a", 2, None), (b"a", 3, b"again"), (b"b", 7, None)]
        ),
        log_2=log_file([(5, [(b"b", b"older than its deletion")])]),
    )
    assert newest_values(folder) == {b"a": b"again"}


def test_batches_longer_than_a_block_are_put_together(tmp_path: Path) -> None:
    large = bytes(range(256)) * 400
    batches = [(1, [(b"x" * 32740, b"")]), (2, [(b"large", large)]), (3, [(b"small", b"s")])]
    folder = write_store(tmp_path, log_1=log_file(batches))
    found = newest_values(folder, (b"large", b"small"))
    assert found == {b"large": large, b"small": b"s"}


def test_only_blocks_that_can_hold_a_prefix_are_unpacked(tmp_path: Path) -> None:
    entries = [(b"key%04d" % number, number, b"v%d" % number) for number in range(300)]
    table = bytearray(table_file(entries, snappy=False, per_block=10))
    table[: len(table) // 2] = bytes(len(table) // 2)
    folder = write_store(tmp_path, ldb_1=bytes(table))
    found = newest_values(folder, (b"key0290", b"key0299"))
    assert found == {b"key0290": b"v290", b"key0299": b"v299"}


@pytest.mark.parametrize("length", [0, 5, 40, 100, 2000, -1, -9])
def test_a_file_cut_off_gives_what_comes_before(tmp_path: Path, length: int) -> None:
    log = log_file([(number, [(b"k%d" % number, b"v" * 50)]) for number in range(1, 40)])
    table = table_file([(b"t%d" % number, number, b"v" * 50) for number in range(40)])
    folder = write_store(tmp_path, log_1=log[:length], ldb_2=table[:length])
    found = newest_values(folder)
    assert all(value == b"v" * 50 for value in found.values())
    assert (b"k1" in found) == (length not in (0, 5, 40))


def test_random_damage_never_raises(tmp_path: Path) -> None:
    dice = random.Random(7)
    log = log_file([(number, [(b"k%d" % number, b"v" * 90)]) for number in range(60)])
    table = table_file([(b"t%d" % number, number, b"v" * 90) for number in range(60)])
    for _ in range(150):
        files = {}
        for name, content in (("log_1", log), ("ldb_2", table)):
            damaged = bytearray(content)
            for _ in range(4):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            files[name] = bytes(damaged)
        newest_values(write_store(tmp_path, **files))


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert newest_values(tmp_path / "nowhere") == {}


# -- what Chromium keeps in them -------------------------------------------------------------------


def local_storage(tmp_path: Path, *writes: tuple[bytes, bytes | None]) -> Path:
    write_store(tmp_path / "Local Storage" / "leveldb", log_1=log_file([(1, writes)]))
    return tmp_path


def test_values_are_told_apart_by_origin_and_decoded(tmp_path: Path) -> None:
    profile = local_storage(
        tmp_path,
        (b"VERSION", b"1"),
        (b"META:" + APP.encode(), b"\x08\x01"),
        (key(APP, "token"), encoded("latin-\u00fc")),
        (key(APP, "\u20ac"), encoded("wide \u20ac")),
        (key("https://app.factory.ai.evil.com", "token"), encoded("evil")),
        (key("https://notapp.factory.ai", "token"), encoded("stranger")),
        (key("https://other.com", "token"), encoded("other")),
    )
    assert chromium_items(profile, HOSTS) == {
        (APP, "token"): "latin-\u00fc",
        (APP, "\u20ac"): "wide \u20ac",
    }


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(key(APP, "token", underscore=False), id="without underscore"),
        pytest.param(key("app.factory.ai", "token"), id="without scheme"),
        pytest.param(key("app.factory.ai", "token", underscore=False), id="host alone"),
        pytest.param(key(f"{APP}^0https://other.com", "token"), id="partition"),
        pytest.param(key(f"{APP}:443", "token"), id="with port"),
    ],
)
def test_other_ways_to_write_an_origin(tmp_path: Path, stored: bytes) -> None:
    assert chromium_items(local_storage(tmp_path, (stored, encoded("v"))), HOSTS) == {
        (APP, "token"): "v"
    }


def test_the_page_itself_wins_over_a_partition_of_it(tmp_path: Path) -> None:
    own, shared = key(APP, "token"), key(f"{APP}^0https://other.com", "token")
    for writes in ((own, shared), (shared, own)):
        values = {own: encoded("own"), shared: encoded("of a frame")}
        profile = local_storage(tmp_path, *((name, values[name]) for name in writes))
        assert chromium_items(profile, HOSTS)[APP, "token"] == "own"


def test_session_storage_follows_its_namespaces(tmp_path: Path) -> None:
    writes = [
        (b"namespace-1a_b-https://app.factory.ai/", b"3"),
        (b"namespace-1a_b-https://other.com/", b"4"),
        (b"namespace-2c_d-https://platform.minimax.io/^0https://x.com", b"15"),
        (b"map-3-access-token", "w\u20acrt".encode("utf-16-le")),
        (b"map-4-access-token", "stranger".encode("utf-16-le")),
        (b"map-15-k", "v".encode("utf-16-le")),
        (b"next-map-id", b"16"),
    ]
    folder = write_store(tmp_path, log_1=log_file([(1, writes)]))
    assert session_items(folder, HOSTS) == {
        (APP, "access-token"): "w\u20acrt",
        ("https://platform.minimax.io", "k"): "v",
    }


def test_a_scan_gives_readable_text_of_entries_that_mention_a_host(tmp_path: Path) -> None:
    wide = "a wide token".encode("utf-16-le")
    writes = [
        (b"\x00\x01k1", b"\xff\x11see https://platform.minimax.io/x\x00\x00token-1234\x01" + wide),
        (b"\x00\x01k2", b"nothing of interest"),
        (b"\x00\x01k3", b"notplatform.minimax.io.evil.com"),
    ]
    folder = write_store(tmp_path / "some.leveldb", log_1=log_file([(1, writes)]))
    found = texts_of(folder, HOSTS)
    assert list(found) == [("https://platform.minimax.io", "entry 0")]
    lines = found["https://platform.minimax.io", "entry 0"].splitlines()
    assert {"see https://platform.minimax.io/x", "token-1234", "a wide token"} <= set(lines)


def test_a_store_of_the_host_itself_is_scanned_whole(tmp_path: Path) -> None:
    folder = tmp_path / "https_platform.minimax.io_0.indexeddb.leveldb"
    write_store(folder, log_1=log_file([(1, [(b"\x00\x01", b'\xff\x0f"access_token"\x12')])]))
    assert list(texts_of(folder, HOSTS).values()) == ['"access_token"']
