"""What is kept of the logs, and that a reply counts once over all files."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.core.costs import Span
from tui.gateways.log_files import Part, Stamp
from tui.gateways.log_lines import ON_VERTEX, SIDE_CHAIN, Row
from tui.gateways.log_roots import TRANSCRIPTS, LogFile
from tui.gateways.log_store import (
    FILE_NAME,
    LogStore,
    Share,
    StoreUnusable,
    discard_store,
    open_store,
)

START = 1795132800
ALL = Span(0, 1 << 40)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    store = open_store(tmp_path)
    yield store
    store.close()


def log(path: str, project: str = "p", *, subagent: bool = False) -> LogFile:
    return LogFile(path, project, subagent, 1, Stamp(1, 100, 1))


def row(key: int, output: int, *, at: int = START, model: str = "m", flags: int = 0) -> Row:
    return Row(key, at, model, 0, 0, 0, 0, output, flags)


def part(*rows: Row, restart: bool = False) -> Part:
    return Part(0, Stamp(1, 100, 1), restart, 100, 7, 100, 0, True, list(rows))


def save(store: LogStore, *files: tuple[LogFile, Part]) -> None:
    store.save(files, keep_sums=True)


def output(store: LogStore, share: Share = "direct", span: Span = ALL) -> int:
    return sum(spent.tokens.output for spent in store.spent(share, span))


def test_a_reply_in_two_files_counts_once(store: LogStore) -> None:
    save(store, (log("a"), part(row(1, 10), row(2, 5))), (log("b"), part(row(1, 10))))
    assert output(store) == 15


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        pytest.param((log("b"), 0), (log("a"), SIDE_CHAIN), id="not a side chain"),
        pytest.param((log("b"), 0), (log("a", subagent=True), 0), id="not of a sub-agent"),
        pytest.param(
            (log("b", subagent=True), 0), (log("a"), SIDE_CHAIN), id="side chain weighs more"
        ),
        pytest.param((log("a"), 0), (log("b"), 0), id="the path that sorts first"),
    ],
)
def test_which_copy_counts(
    store: LogStore,
    winner: tuple[LogFile, int],
    loser: tuple[LogFile, int],
    reverse: bool,
) -> None:
    copies = [(winner, 10), (loser, 99)]
    for (file, flags), count in reversed(copies) if reverse else copies:
        save(store, (file, part(row(1, count, flags=flags))))
    assert output(store) == 10
    store.rebuild(0)
    assert output(store) == 10


def test_the_next_copy_counts_when_the_first_is_gone(store: LogStore) -> None:
    save(store, (log("a"), part(row(1, 10))), (log("b"), part(row(1, 7))))
    store.expect_rebuild()
    store.forget(TRANSCRIPTS, ["a"])
    store.rebuild(0)
    assert output(store) == 7
    assert list(store.known_files()) == ["b"]


def test_shares_never_have_a_reply_in_common(store: LogStore) -> None:
    save(store, (log("a"), part(row(1, 10), row(2, 5, flags=ON_VERTEX))))
    assert output(store, "direct") == 10
    assert output(store, "vertex") == 5


def test_a_newer_version_of_a_reply_replaces_the_older(store: LogStore) -> None:
    save(store, (log("a"), part(row(1, 10))))
    save(store, (log("a"), part(row(1, 900, at=START + 3600))))
    assert output(store) == 900
    assert output(store, span=Span(START, START + 900)) == 0


def test_what_was_read_anew_replaces_the_file(store: LogStore) -> None:
    save(store, (log("a"), part(row(1, 10), row(2, 20))))
    store.expect_rebuild()
    store.save([(log("a"), part(row(3, 5), restart=True))], keep_sums=False)
    store.rebuild(0)
    assert output(store) == 5


def test_spans_begin_and_end_at_quarters_of_an_hour(store: LogStore) -> None:
    save(store, (log("a"), part(row(1, 1, at=START - 1), row(2, 10), row(3, 100, at=START + 900))))
    assert output(store, span=Span(START, START + 900)) == 10


def test_an_answer_changes_with_the_replies_it_was_made_of(store: LogStore) -> None:
    day = Span(START, START + 86400)
    assert output(store, span=day) == 0
    save(store, (log("a"), part(row(1, 10))))
    assert output(store, span=day) == 10
    save(store, (log("a"), part(row(1, 10, at=START - 900))))
    assert output(store, span=day) == 0


def test_long_prompts_are_told_apart(store: LogStore) -> None:
    rows = [Row(key, START, "m", prompt, 0, 0, 0, 0, 0) for key, prompt in enumerate((9, 200_001))]
    save(store, (log("a"), part(*rows)))
    assert sorted((it.prompt, it.tokens.input) for it in store.spent("direct", ALL)) == [
        (0, 9),
        (200_001, 200_001),
    ]


def test_old_replies_go_with_a_rebuild(store: LogStore) -> None:
    save(store, (log("a"), part(row(1, 1), row(2, 2, at=START + 9000))))
    assert store.oldest() == START
    store.rebuild(START + 900)
    assert output(store) == 2
    assert store.oldest() == START + 9000


def test_tokens_by_project(store: LogStore) -> None:
    save(
        store,
        (log("a", "one"), part(row(1, 10))),
        (log("b", "two"), part(row(2, 5), row(1, 10))),
    )
    spent = store.spent_by_project("direct", ALL)
    assert sorted((project, it.tokens.output) for project, it in spent) == [("one", 10), ("two", 5)]


_replies = st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 3), st.integers(0, 3))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.sampled_from("abcd"), st.lists(_replies, max_size=4)), max_size=8)
)
def test_sums_that_keep_up_equal_sums_made_anew(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[str, list[tuple[int, int, int, int]]]],
) -> None:
    store = open_store(tmp_path_factory.mktemp("store"))
    try:
        for name, replies in changes:
            rows = {
                key: row(key, count, at=START + 900 * quarter, flags=flags)
                for key, count, quarter, flags in replies
            }
            file = log(name, subagent=name in "bd")
            store.save([(file, part(*rows.values()))], keep_sums=True)
        kept = [quarters(store, share) for share in ("direct", "vertex")]
        store.rebuild(0)
        assert kept == [quarters(store, share) for share in ("direct", "vertex")]
    finally:
        store.close()


def quarters(store: LogStore, share: Share) -> list[int]:
    spans = [Span(START + 900 * index, START + 900 * (index + 1)) for index in range(4)]
    return [output(store, share, span) for span in spans]


# -- the file --------------------------------------------------------------------------------------


def test_everything_is_there_after_opening_it_again(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    save(store, (log("a"), part(row(1, 10))))
    store.close()
    store = open_store(tmp_path)
    assert store.known_files() == {"a": hash(Stamp(1, 100, 1))}
    assert store.known_file(log("a")) == (Stamp(1, 100, 1), 100, 7, b"")
    assert store.known_file(log("b")) == (Stamp(), 0, 0, b"")
    assert output(store) == 10
    store.close()


def test_a_path_may_hold_any_bytes(store: LogStore) -> None:
    path = os.fsdecode(b"/logs/\xff.jsonl")
    save(store, (log(path), part(row(1, 10))))
    assert list(store.known_files()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="modes are a thing of Unix")
def test_only_the_owner_may_look(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    store = open_store(folder)
    save(store, (log("a"), part(row(1, 10))))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    store.close()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"not a database at all" * 100, id="something else"),
        pytest.param(b"SQLite format 3\x00" + b"\xff" * 5000, id="a damaged one"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_broken_store_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    store = open_store(tmp_path)
    assert store.known_files() == {}
    save(store, (log("a"), part(row(1, 10))))
    assert output(store) == 10
    store.close()


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param("UPDATE facts SET value = '0:()'", id="of another version"),
        pytest.param("DROP TABLE facts", id="of another program"),
    ],
)
def test_a_store_made_otherwise_is_replaced(tmp_path: Path, statements: str) -> None:
    store = open_store(tmp_path)
    save(store, (log("a"), part(row(1, 10))))
    store.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.executescript(statements)
    database.close()
    store = open_store(tmp_path)
    assert store.known_files() == {}
    store.close()


def test_a_folder_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusable):
        open_store(tmp_path / "file" / "cache")


def test_a_change_that_fails_leaves_everything_as_it_was(
    store: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, (log("a"), part(row(1, 10))))
    broken = part(row(2, 20), row(1 << 70, 1))
    with pytest.raises(OverflowError):
        save(store, (log("b"), broken))
    assert output(store) == 10
    assert list(store.known_files()) == ["a"]


def test_what_another_program_wrote_is_seen(tmp_path: Path) -> None:
    one, two = open_store(tmp_path), open_store(tmp_path)
    assert one.known_files() == {}
    save(two, (log("a"), part(row(1, 10))))
    assert list(one.known_files()) == ["a"]
    assert output(one) == 10
    one.close()
    two.close()


def test_discarding_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    discard_store(tmp_path)
