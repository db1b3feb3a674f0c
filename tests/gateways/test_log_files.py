"""What is new in a log that another program writes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.session_logs import append, line, lines, new_id, reply, write_log
from tui.gateways import log_files
from tui.gateways.log_files import Job, Part, read_parts
from tui.gateways.log_lines import Row


class Reader:
    """Reads a file again and again, remembering where it was."""

    def __init__(self, path: Path, since: int = 0) -> None:
        self.path = path
        self.rows: dict[int, Row] = {}
        self.skipped = 0
        self.restarts = 0
        self._job = Job(0, os.fsencode(path), since=since)

    def read(self) -> list[Part]:
        parts = list(read_parts(self._job))
        for part in parts:
            if part.restart:
                self.rows.clear()
                self.restarts += 1
            self.rows.update((row.key, row) for row in part.rows)
            self.skipped += part.skipped
        last = parts[-1]
        self._job = Job(
            0,
            self._job.path,
            stamp=last.stamp,
            offset=last.offset,
            mark=last.mark,
            since=self._job.since,
        )
        return parts

    @property
    def outputs(self) -> list[int]:
        return sorted(row.output for row in self.rows.values())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def test_all_replies_of_a_file(path: Path) -> None:
    write_log(path, {"type": "summary"}, reply(usage=1), {"type": "user"}, reply(usage=2))
    reader = Reader(path)
    (part,) = reader.read()
    assert reader.outputs == [1, 2]
    assert part.offset == path.stat().st_size
    assert part.is_last


def test_the_last_line_about_a_reply_counts(path: Path) -> None:
    message_id = new_id()
    write_log(path, *(reply(message_id, usage=count) for count in (1, 2, 900)))
    reader = Reader(path)
    reader.read()
    assert reader.outputs == [900]


def test_replies_nothing_identifies_count_each(path: Path) -> None:
    write_log(path, *[reply(None, None, usage=5)] * 3)
    reader = Reader(path)
    reader.read()
    assert reader.outputs == [5, 5, 5]


def test_only_new_lines_are_read_when_a_file_grows(path: Path) -> None:
    write_log(path, reply(usage=1))
    reader = Reader(path)
    reader.read()
    new = line(reply(usage=2))
    append(path, new)
    (part,) = reader.read()
    assert part.read_bytes == len(new)
    assert [row.output for row in part.rows] == [2]
    assert reader.outputs == [1, 2]


def test_a_reply_goes_on_in_the_new_lines(path: Path) -> None:
    message_id = new_id()
    write_log(path, reply(message_id, usage=1))
    reader = Reader(path)
    reader.read()
    append(path, line(reply(message_id, usage=900)))
    reader.read()
    assert reader.outputs == [900]


def test_a_half_written_line_waits_for_its_other_half(path: Path) -> None:
    whole = line(reply(usage=2))
    write_log(path, reply(usage=1))
    append(path, whole[:200])
    reader = Reader(path)
    (part,) = reader.read()
    assert part.offset == path.stat().st_size - 200
    assert reader.outputs == [1]
    append(path, whole[200:])
    reader.read()
    assert reader.outputs == [1, 2]
    assert reader.skipped == 0


@pytest.mark.parametrize("record", [reply(usage=2), reply(None, None, usage=2)])
def test_a_whole_last_line_counts_before_its_newline_and_once(path: Path, record: object) -> None:
    write_log(path, reply(usage=1))
    append(path, line(record).rstrip())
    reader = Reader(path)
    reader.read()
    assert reader.outputs == [1, 2]
    append(path, b"\n" + line(reply(usage=3)))
    reader.read()
    assert reader.outputs == [1, 2, 3]
    assert reader.restarts == 0


def test_a_shorter_file_is_read_from_the_start(path: Path) -> None:
    write_log(path, reply(usage=1), reply(usage=2))
    reader = Reader(path)
    reader.read()
    write_log(path, reply(usage=3))
    reader.read()
    assert reader.outputs == [3]
    assert reader.restarts == 1


def test_a_file_that_was_cut_and_grew_past_its_old_end_is_read_from_the_start(path: Path) -> None:
    write_log(path, reply(usage=1))
    reader = Reader(path)
    reader.read()
    write_log(path, *(reply(usage=count) for count in (2, 3, 4)))
    reader.read()
    assert reader.outputs == [2, 3, 4]


def test_a_file_put_in_place_of_another_is_read_from_the_start(path: Path) -> None:
    write_log(path, reply(usage=1))
    reader = Reader(path)
    reader.read()
    other = write_log(path.with_suffix(".new"), reply(usage=1), reply(usage=2))
    os.replace(other, path)
    reader.read()
    assert reader.outputs == [1, 2]
    assert reader.restarts == 1


def test_a_file_changed_in_place_is_read_from_the_start(path: Path) -> None:
    write_log(path, reply(usage=11))
    reader = Reader(path)
    reader.read()
    path.write_bytes(path.read_bytes().replace(b":11", b":22"))
    reader.read()
    assert reader.outputs == [22]


def test_a_file_that_vanished_is_an_error_of_the_system(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Reader(path).read()


def test_old_replies_are_left_out(path: Path) -> None:
    write_log(
        path,
        reply(usage=1, at="2026-10-01T00:00:00Z"),
        reply(usage=2, at="2026-11-01T00:00:00Z"),
    )
    reader = Reader(path, since=1792800000)
    reader.read()
    assert reader.outputs == [2]


def test_broken_lines_are_counted_and_do_not_end_the_reading(path: Path) -> None:
    write_log(path, reply(usage=1))
    append(path, b'{"assistant","usage"\n\n\r\n[1]\n\xff\xfe\x00\n' + line(reply(usage=2)))
    reader = Reader(path)
    reader.read()
    assert reader.outputs == [1, 2]
    assert reader.skipped == 1


def test_a_line_of_megabytes_is_read(path: Path) -> None:
    write_log(path, reply(usage=1, text="x" * (5 << 20)), reply(usage=2))
    reader = Reader(path)
    reader.read()
    assert reader.outputs == [1, 2]


def test_a_line_too_long_to_hold_is_skipped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(log_files, "LONGEST_LINE_BYTES", 5000)
    write_log(path, reply(usage=1), reply(usage=2, text="x" * 9000), reply(None, None, usage=3))
    reader = Reader(path)
    (part,) = reader.read()
    assert reader.outputs == [1, 3]
    assert reader.skipped == 1
    assert part.offset == path.stat().st_size


def test_lines_up_to_32_megabytes_are_accepted() -> None:
    assert log_files.LONGEST_LINE_BYTES >= 32_000_000


def test_a_large_file_comes_in_parts_that_can_each_be_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "BLOCK_BYTES", 700)
    monkeypatch.setattr(log_files, "PART_ROWS", 3)
    write_log(path, *(reply(usage=count) for count in range(1, 11)))
    parts = list(read_parts(Job(0, os.fsencode(path))))
    assert len(parts) > 2
    assert [part.is_last for part in parts] == [False] * (len(parts) - 1) + [True]
    ends = [path.read_bytes()[part.offset - 1 : part.offset] for part in parts]
    assert set(ends) == {b"\n"}

    middle = parts[1]
    rest = Job(
        0,
        os.fsencode(path),
        stamp=middle.stamp._replace(size=middle.offset),
        offset=middle.offset,
        mark=middle.mark,
    )
    counted = [row.output for part in (*parts[:2], *read_parts(rest)) for row in part.rows]
    assert sorted(counted) == list(range(1, 11))


def test_what_is_written_while_the_file_is_read_is_not_lost(path: Path) -> None:
    write_log(path, reply(usage=1))
    job = Job(0, os.fsencode(path))
    reading = read_parts(job)
    append(path, line(reply(usage=2)))
    (part,) = list(reading)
    assert sorted(row.output for row in part.rows) == [1, 2]
    assert part.stamp.size <= part.offset


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cuts=st.lists(st.integers(0, 6000), max_size=8),
    block=st.sampled_from([1, 7, 100, 1000, 100_000]),
)
def test_it_never_matters_where_the_writer_was_when_the_reader_came(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], block: int
) -> None:
    one, two = "msg_0123456789abcdefghij", "msg_abcdefghij0123456789"
    content = lines(
        reply(one, "r", usage=1, at="2026-11-20T10:00:00Z"),
        {"type": "user", "text": "ü→" * 20},
        reply(one, "r", usage=50, at="2026-11-20T10:00:00Z"),
        reply(None, None, usage=7, at="2026-11-20T10:00:00Z"),
        reply(two, "r", usage=3, at="2026-11-20T10:00:00Z"),
        reply(two, "r2", usage=30, at="2026-11-20T10:00:00Z"),
        reply(None, None, usage=7, at="2026-11-20T10:00:00Z"),
    )
    path = tmp_path_factory.mktemp("grown") / "session.jsonl"
    path.touch()
    reader = Reader(path)
    written = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_files, "BLOCK_BYTES", block)
        for cut in (*sorted(min(cut, len(content)) for cut in cuts), len(content)):
            append(path, content[written:cut])
            if cut > written or cut == 0:
                reader.read()
            written = max(written, cut)
    assert reader.outputs == [7, 7, 30, 50]
