"""Costs of the local logs, from real files to the summary."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.benchmarks.corpus import Corpus
from tests.session_logs import append, line, new_id, reply, write_log
from tests.support import FakeClock
from tui.core.errors import FetchError, Unsupported
from tui.core.models import CostSummary
from tui.core.prices import AS_OF
from tui.gateways import log_scan, log_workers, session_logs
from tui.gateways.atomic import only_one
from tui.gateways.log_scan import ScanProgress
from tui.gateways.log_store import FILE_NAME, Share
from tui.gateways.session_logs import NO_LOGS, NONE_ON_VERTEX, LogCosts

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
MILLION = {"input_tokens": 1_000_000, "output_tokens": 0}
"""Five dollars of claude-opus-4-8."""


class Desk:
    """A home with logs and a reader of them; time moves on with every look."""

    def __init__(self, home: Path, **options: Any) -> None:
        self.home = home
        self.projects = home / ".claude" / "projects"
        self.cache = home / "cache"
        self.clock = FakeClock()
        self.progress: list[ScanProgress] = []
        options = {"workers": 0, "env": {}, **options}
        self.costs = LogCosts(
            self.cache,
            options.pop("env"),
            home,
            clock=self.clock,
            on_progress=self.progress.append,
            **options,
        )

    def write(self, name: str, *records: Any) -> Path:
        return write_log(self.projects / name, *records, at=NOW)

    async def look(
        self, share: Share = "direct", *, now: datetime = NOW, tz: str = "UTC"
    ) -> CostSummary:
        self.clock.seconds += 900
        return await self.costs.summary(share, now, ZoneInfo(tz))


@asynccontextmanager
async def opened(home: Path, **options: Any) -> AsyncIterator[Desk]:
    desk = Desk(home, **options)
    try:
        yield desk
    finally:
        await desk.costs.close()


@pytest.fixture
async def desk(home: Path) -> AsyncIterator[Desk]:
    async with opened(home) as desk:
        yield desk


def output(summary: CostSummary) -> int:
    return summary.last_30_days.tokens.output


# -- what is summed --------------------------------------------------------------------------------


async def test_the_cost_of_today_the_week_and_the_month(desk: Desk) -> None:
    desk.write(
        "p/s.jsonl",
        reply(at="2026-11-20T08:00:00Z", usage=MILLION),
        reply(at="2026-11-15T08:00:00Z", usage=MILLION),
        reply(at="2026-10-25T08:00:00Z", usage=MILLION),
    )
    summary = await desk.look()
    assert summary.today.usd == 5
    assert summary.last_7_days.usd == 10
    assert summary.last_30_days.usd == 15
    assert not summary.scanning


async def test_shares_are_strictly_apart(desk: Desk) -> None:
    desk.write(
        "p/s.jsonl",
        reply(usage=10),
        reply("msg_vrtx_0123456789abcdef", usage=5),
        reply(model="claude-opus-4-5@20251101", usage=2),
    )
    assert output(await desk.look("direct")) == 10
    assert output(await desk.look("vertex")) == 7


async def test_without_vertex_records_its_share_is_nothing(desk: Desk) -> None:
    desk.write("p/s.jsonl", reply(usage=10))
    summary = await desk.look("vertex")
    assert summary.notice == NONE_ON_VERTEX
    assert summary.last_30_days.usd == 0


async def test_copies_in_resumed_and_sub_agent_files_count_once(desk: Desk) -> None:
    shared, agent = new_id(), new_id()
    desk.write("p/s1.jsonl", reply(shared, usage=1), reply(shared, usage=100))
    desk.write("p/s2.jsonl", reply(shared, "req_other", usage=100), reply(usage=20))
    desk.write(
        "p/s1/subagents/agent-1.jsonl",
        reply(shared, None, usage=100, isSidechain=True),
        reply(agent, usage=3, isSidechain=True),
    )
    assert output(await desk.look()) == 123


async def test_copies_in_both_roots_count_once(desk: Desk) -> None:
    shared = reply(usage=10)
    desk.write("p/s.jsonl", shared)
    write_log(desk.home / ".config" / "claude" / "projects" / "q" / "s.jsonl", shared, at=NOW)
    assert output(await desk.look()) == 10


async def test_models_under_their_base_ids(desk: Desk) -> None:
    desk.write(
        "p/s.jsonl",
        reply(model="claude-haiku-4-5-20251001", usage=MILLION),
        reply(model="claude-opus-4-8", usage=MILLION),
        reply(model="claude-unheard-9", usage=7),
        reply(model="<synthetic>", usage=0),
    )
    summary = await desk.look()
    assert [model.label for model in summary.models] == [
        "claude-opus-4-8",
        "claude-haiku-4-5",
        "claude-unheard-9",
    ]
    assert summary.unknown_models == ("claude-unheard-9",)
    assert summary.today.partial
    assert summary.today.usd == 6


async def test_the_long_price_is_decided_request_by_request(desk: Desk) -> None:
    half = {"input_tokens": 150_000, "output_tokens": 0}
    desk.write("p/s.jsonl", *(reply(model="claude-sonnet-4-5", usage=half) for _ in range(2)))
    assert (await desk.look()).today.usd == Decimal("0.9")


async def test_evening_work_stays_on_its_day_in_any_zone(desk: Desk) -> None:
    desk.write("p/s.jsonl", reply(usage=10, at="2026-11-19T23:30:00Z"))
    assert (await desk.look(tz="UTC")).today.tokens.output == 0
    assert (await desk.look(tz="Europe/Berlin")).today.tokens.output == 10
    assert (await desk.look(tz="Asia/Kathmandu")).today.tokens.output == 10


async def test_days_of_23_and_25_hours(desk: Desk) -> None:
    desk.write(
        "p/s.jsonl",
        reply(usage=1, at="2026-10-24T21:59:59Z"),
        reply(usage=10, at="2026-10-24T22:00:00Z"),
        reply(usage=100, at="2026-10-25T22:59:59Z"),
        reply(usage=1000, at="2026-10-25T23:00:00Z"),
    )
    days = {day.label: day for day in (await desk.look(tz="Europe/Berlin")).days}
    assert days["2026-10-24"].tokens.output == 1
    assert days["2026-10-25"].tokens.output == 110
    assert days["2026-10-26"].tokens.output == 1000


async def test_the_future_is_not_of_today_until_it_comes(desk: Desk) -> None:
    desk.write(
        "p/s.jsonl",
        reply(usage=1),
        reply(usage=10, at="2026-11-20T18:00:00Z"),
        reply(usage=100, at="2026-11-23T10:00:00Z"),
    )
    assert (await desk.look()).today.tokens.output == 1
    assert (await desk.look(now=NOW + timedelta(hours=8))).today.tokens.output == 11
    in_three_days = await desk.look(now=NOW + timedelta(days=3))
    assert in_three_days.today.tokens.output == 100
    assert output(in_three_days) == 111


async def test_projects_are_told_to_who_asks(desk: Desk) -> None:
    shared = reply(usage=MILLION)
    desk.write("-srv-one/s.jsonl", shared, reply(usage=MILLION))
    desk.write("-srv-two/s.jsonl", shared, reply(usage=MILLION))
    await desk.look()
    projects = await desk.costs.projects("direct", NOW, UTC)
    assert [project.label for project in projects] == ["-srv-one", "-srv-two"]
    assert [project.usd for project in projects] == [10, 5]


async def test_an_old_price_table_says_so(desk: Desk) -> None:
    later = datetime.combine(AS_OF, datetime.min.time(), UTC) + timedelta(days=92)
    write_log(desk.projects / "p" / "s.jsonl", reply(at=later.isoformat()), at=later)
    assert str(AS_OF) in (await desk.look(now=later)).notice


# -- what is there ---------------------------------------------------------------------------------


async def test_without_logs_the_cost_is_unknown(desk: Desk) -> None:
    summary = await desk.look()
    assert summary.notice == NO_LOGS["transcripts"]
    assert summary.today.usd is None


async def test_logs_with_nothing_for_today_cost_nothing_today(desk: Desk) -> None:
    desk.write("p/s.jsonl", reply(at="2026-11-18T08:00:00Z"))
    summary = await desk.look()
    assert summary.today.usd == 0
    assert summary.notice == ""


async def test_logs_older_than_the_period_are_not_even_opened(desk: Desk) -> None:
    long_ago = NOW - timedelta(days=60)
    write_log(desk.projects / "p" / "old.jsonl", reply(at=long_ago.isoformat()), at=long_ago)
    summary = await desk.look()
    assert summary.last_30_days.usd == 0
    assert summary.notice == ""
    assert desk.progress == []


async def test_a_named_folder_excludes_the_others(home: Path) -> None:
    async with opened(home, env={"CLAUDE_CONFIG_DIR": str(home / "else")}) as desk:
        desk.write("p/s.jsonl", reply(usage=10))
        write_log(home / "else" / "projects" / "p" / "t.jsonl", reply(usage=3), at=NOW)
        assert output(await desk.look()) == 3


async def test_before_the_first_reading_nothing_is_known(desk: Desk) -> None:
    assert desk.costs.latest("direct").today.usd is None
    desk.write("p/s.jsonl", reply(usage=10))
    await desk.look()
    assert output(desk.costs.latest("direct")) == 10


# -- what changes ----------------------------------------------------------------------------------


async def test_a_log_that_grows_while_it_is_read(desk: Desk) -> None:
    path = desk.write("p/s.jsonl", reply(usage=1))
    assert output(await desk.look()) == 1
    half = line(reply(usage=10))
    append(path, half[:99])
    assert output(await desk.look()) == 1
    append(path, half[99:] + line(reply(usage=100)).rstrip())
    assert output(await desk.look()) == 111
    append(path, b"\n" + line(reply(usage=1000)))
    assert output(await desk.look()) == 1111


async def test_a_reply_that_goes_on_after_it_was_counted(desk: Desk) -> None:
    message_id = new_id()
    path = desk.write("p/s.jsonl", reply(message_id, usage=1))
    assert output(await desk.look()) == 1
    append(path, line(reply(message_id, usage=900)))
    assert output(await desk.look()) == 900


async def test_truncation_rotation_and_deletion(desk: Desk) -> None:
    path = desk.write("p/s.jsonl", reply(usage=1), reply(usage=2))
    desk.write("p/other.jsonl", reply(usage=100))
    assert output(await desk.look()) == 103

    desk.write("p/s.jsonl", reply(usage=5))
    assert output(await desk.look()) == 105

    os.replace(path, path.with_name("s.1.jsonl"))
    desk.write("p/s.jsonl", reply(usage=7))
    assert output(await desk.look()) == 112

    path.unlink()
    assert output(await desk.look()) == 105


async def test_a_copy_counts_when_the_file_it_was_in_is_deleted(desk: Desk) -> None:
    shared = reply(usage=10)
    first = desk.write("p/a.jsonl", shared)
    desk.write("p/b.jsonl", shared)
    assert output(await desk.look()) == 10
    first.unlink()
    assert output(await desk.look()) == 10


async def test_a_writer_at_work_during_every_reading(home: Path) -> None:
    """Another process writes replies in small pieces; at the end each was counted once."""
    path = home / ".claude" / "projects" / "p" / "s.jsonl"
    path.parent.mkdir(parents=True)
    content = b"".join(line(reply(usage=1, text="x" * 500)) for _ in range(300))
    source = home / "source"
    source.write_bytes(content)
    code = (
        "import sys, time\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "with open(sys.argv[2], 'ab', buffering=0) as file:\n"
        "    for start in range(0, len(content), 777):\n"
        "        file.write(content[start:start + 777]); time.sleep(0.001)\n"
    )
    async with opened(home) as desk:
        writer = await asyncio.create_subprocess_exec(sys.executable, "-c", code, source, path)
        counts = [output(await desk.look())]
        while writer.returncode is None:
            counts.append(output(await desk.look()))
        await writer.wait()
        counts.append(output(await desk.look()))
    assert counts == sorted(counts)
    assert counts[-1] == 300
    assert len(set(counts)) > 3


async def test_nothing_is_read_when_nothing_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("p/s.jsonl", reply(usage=1))
    await desk.look()
    monkeypatch.setattr(log_scan, "read_all", lambda *given: pytest.fail("a log was read"))
    assert output(await desk.look()) == 1


async def test_logs_are_looked_at_every_quarter_of_an_hour_at_most(desk: Desk) -> None:
    path = desk.write("p/s.jsonl", reply(usage=1))
    await desk.costs.summary("direct", NOW, UTC)
    append(path, line(reply(usage=10)))
    desk.clock.seconds += 899
    assert output(await desk.costs.summary("direct", NOW, UTC)) == 1
    desk.clock.seconds += 1
    assert output(await desk.costs.summary("direct", NOW, UTC, interval_s=1800)) == 1
    assert output(await desk.costs.summary("direct", NOW, UTC, interval_s=60)) == 11


async def test_days_older_than_the_period_leave_the_store(desk: Desk) -> None:
    desk.write("p/s.jsonl", reply(usage=1, at="2026-10-25T10:00:00Z"), reply(usage=10))
    assert output(await desk.look()) == 11
    assert output(await desk.look(now=NOW + timedelta(days=20))) == 10
    store = desk.costs._open()
    assert store.oldest() == int(datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp())


# -- odd content -----------------------------------------------------------------------------------


async def test_broken_lines_are_skipped_and_counted(desk: Desk) -> None:
    path = desk.write("p/s.jsonl", reply(usage=1))
    append(path, b'{"assistant","usage"\n\xff\xfe"assistant""usage"\n\n[]\n' + line(reply(usage=2)))
    assert output(await desk.look()) == 3
    assert await desk.costs.skipped_lines() == 2


async def test_nothing_of_the_logs_but_tokens_is_kept(desk: Desk) -> None:
    desk.write("p/s.jsonl", reply("msg_0123456789abcdefghij", "req_secret", text="a secret"))
    await desk.look()
    await desk.costs.close()
    kept = b"".join(path.read_bytes() for path in desk.cache.iterdir())
    assert b"claude-opus-4-8" in kept
    for word in (b"msg_0123", b"secret", b"0b1c", b"/srv/app"):
        assert word not in kept


# -- store, interruption, others -------------------------------------------------------------------


async def test_a_new_process_reads_only_what_is_new(home: Path) -> None:
    async with opened(home) as desk:
        path = desk.write("p/s.jsonl", reply(usage=1))
        await desk.look()
    new = line(reply(usage=10))
    append(path, new)
    async with opened(home) as desk:
        assert output(await desk.look()) == 11
        assert desk.progress[-1].bytes_total == len(new)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b"rubbish" * 999), id="overwritten"),
        pytest.param(lambda path: os.truncate(path, path.stat().st_size // 2), id="cut"),
        pytest.param(lambda path: path.write_bytes(b""), id="emptied"),
        pytest.param(lambda path: path.unlink(), id="removed"),
    ],
)
async def test_a_damaged_store_is_made_anew(home: Path, damage: Callable[[Path], None]) -> None:
    async with opened(home) as desk:
        desk.write("p/s.jsonl", *(reply(usage=1) for _ in range(500)))
        await desk.look()
    damage(home / "cache" / FILE_NAME)
    async with opened(home) as desk:
        assert output(await desk.look()) == 500


async def test_a_cache_folder_that_cannot_be_used_is_an_error_with_a_next_step(home: Path) -> None:
    (home / "cache").touch()
    async with opened(home) as desk:
        desk.write("p/s.jsonl", reply())
        with pytest.raises(Unsupported) as caught:
            await desk.look()
    assert isinstance(caught.value, FetchError)
    assert caught.value.hint


async def test_an_interrupted_scan_goes_on_where_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_scan, "KEPT_AT_ONCE", 1)
    monkeypatch.setattr(log_scan, "FEW_BYTES", 0)
    total = 0
    async with opened(home) as desk:
        for number in range(20):
            total += desk.write(f"p/{number}.jsonl", reply(usage=1)).stat().st_size
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def interrupt(progress: ScanProgress) -> None:
            if progress.files_done == 3:
                loop.call_soon_threadsafe(done.set)
                time.sleep(0.2)

        desk.costs._on_progress = interrupt
        looking = asyncio.create_task(desk.look())
        await done.wait()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        desk.costs._on_progress = desk.progress.append
        summary = await desk.costs.summary("direct", NOW, UTC)
    assert output(summary) == 20
    assert 0 < desk.progress[-1].bytes_total < total
    assert desk.progress[-1].files_done == desk.progress[-1].files_total


async def test_a_scan_that_takes_too_long_shows_what_it_has(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_logs, "LONGEST_SCAN_S", -1.0)
    monkeypatch.setattr(session_logs, "GRACE_S", 60.0)
    for number in range(5):
        desk.write(f"p/{number}.jsonl", reply(usage=1))
    summary = await desk.look()
    assert summary.scanning
    assert output(summary) == 1
    monkeypatch.setattr(session_logs, "LONGEST_SCAN_S", 600.0)
    assert output(await desk.costs.summary("direct", NOW, UTC)) == 1
    complete = await desk.look()
    assert output(complete) == 5
    assert not complete.scanning


async def test_closing_ends_a_running_scan(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_scan, "KEPT_AT_ONCE", 1)
    monkeypatch.setattr(log_scan, "FEW_BYTES", 0)
    async with opened(home) as desk:
        for number in range(50):
            desk.write(f"p/{number}.jsonl", reply(usage=1))
        desk.costs._on_progress = lambda progress: time.sleep(0.05)
        looking = asyncio.create_task(desk.look())
        await asyncio.sleep(0.2)
        await desk.costs.close()
        assert (await looking).scanning


async def test_the_event_loop_goes_on_during_a_scan(home: Path) -> None:
    Corpus(home / ".claude" / "projects", end=NOW).write(3 << 20)
    async with opened(home) as desk:
        looking = asyncio.create_task(desk.look())
        pauses: list[float] = []
        while not looking.done():
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            pauses.append(time.perf_counter() - start)
        assert output(await looking) > 0
    assert max(pauses) < sum(pauses) / 2


async def test_both_shares_are_served_by_one_scan(desk: Desk) -> None:
    desk.write("p/s.jsonl", reply(usage=10), reply("msg_vrtx_0123456789abcdef", usage=5))
    direct, vertex = await asyncio.gather(
        desk.costs.summary("direct", NOW, UTC), desk.costs.summary("vertex", NOW, UTC)
    )
    assert [output(direct), output(vertex)] == [10, 5]
    assert [progress.files_done for progress in desk.progress] == [0, 1]


async def test_a_few_new_lines_need_no_children(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_workers, "_start_child", lambda: pytest.fail("a child was started"))
    async with opened(home, workers=2) as desk:
        desk.write("p/s.jsonl", reply(usage=1))
        assert output(await desk.look()) == 1


async def test_two_programs_read_the_same_logs(home: Path) -> None:
    async with opened(home) as one, opened(home) as two:
        path = one.write("p/s.jsonl", reply(usage=1))
        first = await asyncio.gather(one.look(), two.look())
        append(path, line(reply(usage=10)))
        second = await asyncio.gather(one.look(), two.look())
    assert [output(summary) for summary in (*first, *second)] == [1, 1, 11, 11]


async def test_while_another_program_scans_what_is_kept_is_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.gateways.atomic.LOCK_WAIT_S", 0.05)
    path = desk.write("p/s.jsonl", reply(usage=1))
    await desk.look()
    append(path, line(reply(usage=10)))
    with only_one(desk.cache / FILE_NAME):
        summary = await desk.look()
    assert summary.scanning
    assert output(summary) == 1
    assert output(await desk.costs.summary("direct", NOW, UTC)) == 11


# -- many files ------------------------------------------------------------------------------------


async def test_a_generated_history_is_counted_exactly(home: Path) -> None:
    """Streamed, resumed and sub-agent lines, read by children; the writer knows the truth."""
    corpus = Corpus(home / ".claude" / "projects", end=NOW - QUARTER)
    truth = corpus.write(6 << 20)
    for path in corpus.root.rglob("*.jsonl"):
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    async with opened(home, workers=2) as desk:
        shares: tuple[Share, ...] = ("direct", "vertex")
        found = {share: await desk.look(share) for share in shares}
        projects = {
            (share, project.label): project.tokens.total
            for share in found
            for project in await desk.costs.projects(share, NOW, UTC)
        }
    for share, summary in found.items():
        tokens = summary.last_30_days.tokens
        for name in ("input", "cache_read", "cache_write", "output"):
            assert getattr(tokens, name) == truth.by_class[share, name]
        for day in summary.days:
            assert day.tokens.total == truth.of_day(share, day.label)
        for model in summary.models:
            assert model.tokens.total == truth.of_model(share, model.label)
    assert projects == {key: count for key, count in truth.by_project.items() if count}
    assert desk.progress[-1].files_done == truth.files
