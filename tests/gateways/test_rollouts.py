"""Costs of Codex sessions, from real files to the summary."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from tests.rollouts import START, Session, counter, entry, header, turn, usage
from tests.session_logs import append, line, lines, reply, write_log
from tests.support import FakeClock
from tui.core.models import CostSummary
from tui.gateways import log_files, log_scan, log_workers
from tui.gateways.log_files import Job, read_parts
from tui.gateways.log_scan import ScanProgress
from tui.gateways.session_logs import NO_LOGS, LogCosts

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = "2026/11/20"
REAL = Path(__file__).parent / "rollout_sub_agent.jsonl"


class Desk:
    """A home with sessions and a reader of them; time moves on with every look."""

    def __init__(self, home: Path, **options: Any) -> None:
        self.home = home
        self.codex = home / ".codex"
        self.clock = FakeClock()
        self.progress: list[ScanProgress] = []
        self.costs = LogCosts(
            home / "cache",
            {},
            home,
            clock=self.clock,
            on_progress=self.progress.append,
            **{"workers": 0, **options},
        )

    def write(self, name: str, session: Session, folder: str = f".codex/sessions/{DAY}") -> Path:
        return write_log(self.home / folder / f"rollout-{name}.jsonl", *session.lines, at=NOW)

    async def look(self, folder: str | None = None, *, now: datetime = NOW) -> CostSummary:
        self.clock.seconds += 900
        chosen = None if folder is None else self.home / folder
        return await self.costs.summary("rollouts", now, UTC, folder=chosen)


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


async def test_the_cost_of_a_session_by_model(desk: Desk) -> None:
    session = Session(model="openai/gpt-5.3-codex-high").reply(1_000_000, 800_000, 10_000)
    session.use("gpt-6.1-sol").reply(100_000, 0, 20_000, 40_000)
    desk.write("one", session)
    summary = await desk.look()
    # 200,000 × 1.75 + 800,000 × 0.175 + 10,000 × 14, and 60,000 × 2 + 40,000 × 2.50 + 20,000 × 10
    assert [(it.label, it.usd) for it in summary.models] == [
        ("gpt-5.3-codex", Decimal("0.63")),
        ("gpt-6.1-sol", Decimal("0.42")),
    ]
    assert summary.today.usd == Decimal("1.05")
    tokens = summary.today.tokens
    assert (tokens.input, tokens.cache_read, tokens.cache_write, tokens.output) == (
        260_000,
        800_000,
        40_000,
        30_000,
    )
    assert summary.notice == ""


async def test_a_long_prompt_has_its_own_price_reply_by_reply(desk: Desk) -> None:
    session = Session(model="gpt-6.1-sol").reply(272_000).reply(272_001)
    desk.write("one", session)
    assert (await desk.look()).today.usd == Decimal("0.544") + Decimal("1.088004")


async def test_a_model_without_a_price_costs_an_unknown_amount(desk: Desk) -> None:
    desk.write("one", Session(model="codex-auto-review").reply(1000, 0, 10))
    desk.write("two", Session("two", model=None).reply(1000, 0, 10))
    summary = await desk.look()
    assert summary.unknown_models == ("codex-auto-review", "unknown")
    assert summary.today.usd is None
    assert summary.today.partial
    assert summary.today.tokens.input == 2000


async def test_days_are_those_of_the_replies_not_of_the_folders(desk: Desk) -> None:
    session = Session(at=datetime(2026, 11, 18, 23, 59, 55, tzinfo=UTC)).reply(output=1)
    session.at = START
    session.reply(output=10)
    desk.write("one", session, f".codex/sessions/{DAY.replace('20', '18')}")
    days = {day.label: day.tokens.output for day in (await desk.look()).days}
    assert (days["2026-11-19"], days["2026-11-20"]) == (1, 10)


async def test_the_logs_of_claude_code_are_another_matter(desk: Desk) -> None:
    write_log(desk.home / ".claude" / "projects" / "p" / "s.jsonl", reply(usage=7), at=NOW)
    desk.write("one", Session().reply(output=10))
    assert output(await desk.look()) == 10
    assert output(await desk.costs.summary("direct", NOW, UTC)) == 7
    assert output(await desk.look()) == 10


async def test_reading_one_source_forgets_nothing_of_another(home: Path) -> None:
    async with opened(home) as desk:
        write_log(home / ".claude" / "projects" / "p" / "s.jsonl", reply(usage=7), at=NOW)
        desk.write("one", Session().reply(output=10))
        await desk.look()
        await desk.costs.summary("direct", NOW, UTC)
    async with opened(home) as desk:
        await desk.look()
        await desk.costs.summary("direct", NOW, UTC)
        assert desk.progress == []


async def test_a_real_looking_sub_agent_to_the_last_token(desk: Desk) -> None:
    """Header of the agent, header and history of its parent written anew, then its own work: three
    replies with records, of which one is a compaction, and a counter written again."""
    folder = desk.codex / "sessions" / DAY
    folder.mkdir(parents=True)
    (folder / REAL.name).write_bytes(REAL.read_bytes())
    os.utime(folder / REAL.name, (NOW.timestamp(), NOW.timestamp()))
    summary = await desk.look()
    assert [(it.label, it.tokens.total) for it in summary.models] == [
        ("gpt-6.1-sol", 64_680),
        ("gpt-6-luna", 41_750),
    ]
    tokens = summary.today.tokens
    assert (tokens.input, tokens.cache_read, tokens.cache_write, tokens.output) == (
        18_730,
        83_000,
        2_400,
        2_300,
    )
    assert summary.today.usd == Decimal("0.04584")
    assert await desk.costs.skipped_lines() == 0


# -- where it lies ---------------------------------------------------------------------------------


async def test_without_sessions_the_cost_is_unknown(desk: Desk) -> None:
    summary = await desk.look()
    assert summary.notice == NO_LOGS["rollouts"] == "No Codex session logs found"
    assert summary.today.usd is None


async def test_each_folder_has_costs_of_its_own(desk: Desk) -> None:
    desk.write("one", Session("one").reply(output=1))
    desk.write("two", Session("two").reply(output=10), "work/sessions/2026/11/20")
    assert [output(await desk.look(name)) for name in (None, "work", ".codex")] == [1, 10, 1]
    assert (await desk.look("none")).notice == NO_LOGS["rollouts"]


async def test_folders_that_share_their_sessions_have_the_same_costs(desk: Desk) -> None:
    desk.write("one", Session().reply(output=10))
    (desk.home / "work").mkdir()
    (desk.home / "work" / "sessions").symlink_to(desk.codex / "sessions")
    assert [output(await desk.look(name)) for name in (None, "work", None)] == [10, 10, 10]


async def test_a_session_that_is_archived_counts_once(desk: Desk) -> None:
    path = desk.write("one", Session().reply(output=10))
    assert output(await desk.look()) == 10
    archive = desk.codex / "archived_sessions"
    archive.mkdir()
    (archive / path.name).write_bytes(path.read_bytes())
    os.utime(archive / path.name, (NOW.timestamp(), NOW.timestamp()))
    assert output(await desk.look()) == 10
    path.unlink()
    assert output(await desk.look()) == 10
    append(archive / path.name, line(counter(usage(output=17), usage(output=7), NOW)))
    assert output(await desk.look()) == 17


async def test_what_was_read_of_a_packed_log_stays(desk: Desk) -> None:
    path = desk.write("one", Session().reply(output=10), ".codex/archived_sessions")
    assert output(await desk.look()) == 10
    path.rename(path.with_suffix(".jsonl.zst"))
    assert output(await desk.look()) == 10
    path.with_suffix(".jsonl.zst").unlink()
    assert output(await desk.look()) == 0


# -- what changes ----------------------------------------------------------------------------------


async def test_a_session_that_goes_on_in_the_middle_of_a_line(desk: Desk) -> None:
    session = Session(model="gpt-6-luna").reply(100, 0, 1)
    path = desk.write("one", session)
    assert output(await desk.look()) == 1
    session.reply(100, 0, 10).reply(100, 0, 100)
    new = session.content[path.stat().st_size :]
    middle = new.index(b"last_token_usage")
    append(path, new[:middle])
    assert output(await desk.look()) == 1
    append(path, new[middle:])
    summary = await desk.look()
    assert output(summary) == 111
    assert [it.label for it in summary.models] == ["gpt-6-luna"]


async def test_a_whole_last_line_counts_before_its_newline_and_once(desk: Desk) -> None:
    session = Session().reply(output=1)
    path = desk.write("one", session)
    session.reply(output=10)
    append(path, session.content[path.stat().st_size :].rstrip())
    assert output(await desk.look()) == 11
    session.reply(output=100)
    append(path, session.content[path.stat().st_size :])
    assert output(await desk.look()) == 111


async def test_a_new_process_goes_on_where_the_old_one_stopped(home: Path) -> None:
    session = Session(model="gpt-6-luna").reply(output=1)
    async with opened(home) as desk:
        path = desk.write("one", session)
        await desk.look()
    new = session.reply(output=10).content[path.stat().st_size :]
    append(path, new)
    async with opened(home) as desk:
        summary = await desk.look()
        assert desk.progress[-1].bytes_total == len(new)
    assert output(summary) == 11
    assert [it.label for it in summary.models] == ["gpt-6-luna"]


async def test_a_log_that_was_cut_is_read_from_the_start(desk: Desk) -> None:
    session = Session(model="gpt-6-luna").reply(output=1).reply(output=10)
    path = desk.write("one", session)
    assert output(await desk.look()) == 11
    other = Session(model="gpt-6.1-sol").reply(output=5)
    path.write_bytes(other.content)
    summary = await desk.look()
    assert output(summary) == 5
    assert [it.label for it in summary.models] == ["gpt-6.1-sol"]


async def test_forks_count_what_they_add_whether_their_parent_is_there_or_not(desk: Desk) -> None:
    parent = Session("parent").reply(100, 0, 1).reply(100, 0, 10)
    path = desk.write("parent", parent)
    for number in range(3):
        child = parent.copied_to(f"child-{number}", START + timedelta(minutes=30 + number))
        desk.write(f"child-{number}", child.reply(100, 0, 100))
    assert output(await desk.look()) == 311
    path.unlink()
    assert output(await desk.look()) == 300


async def test_an_old_session_that_was_forked_today_does_not_count_today(desk: Desk) -> None:
    long_ago = NOW - timedelta(days=60)
    parent = Session("parent", at=long_ago).reply(100, 0, 1000)
    desk.write("child", parent.copied_to("child", START).reply(100, 0, 1))
    assert output(await desk.look()) == 1


async def test_two_programs_read_the_same_sessions(home: Path) -> None:
    session = Session().reply(output=1)
    async with opened(home) as one, opened(home) as two:
        path = one.write("one", session)
        first = await asyncio.gather(one.look(), two.look())
        append(path, session.reply(output=10).content[path.stat().st_size :])
        second = await asyncio.gather(one.look(), two.look())
    assert [output(summary) for summary in (*first, *second)] == [1, 1, 11, 11]


# -- large and many --------------------------------------------------------------------------------


async def test_lines_of_megabytes_are_read_in_bounded_memory(home: Path) -> None:
    """Ten lines of 10 MiB between replies; never more than a few of them are held."""
    path = home / "large.jsonl"
    session = Session().reply(output=1)
    result = entry("response_item", {"type": "function_call_output", "output": "x" * (10 << 20)})
    with path.open("wb") as file:
        file.write(session.content)
        for _ in range(10):
            file.write(line(result))
            written = len(session.lines)
            session.reply(output=1)
            file.write(lines(*session.lines[written:]))
    tracemalloc.start()
    rows = [
        row
        for part in read_parts(Job(0, os.fsencode(path), format="rollouts"))
        for row in part.rows
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(rows) == 11
    assert peak < 45 << 20


def test_a_part_of_a_log_hands_its_state_to_the_next_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "BLOCK_BYTES", 700)
    monkeypatch.setattr(log_files, "PART_ROWS", 3)
    session = Session(model="gpt-6-luna")
    for number in range(1, 11):
        session.reply(output=number)
    path = write_log(tmp_path / "one.jsonl", *session.lines)
    job = Job(0, os.fsencode(path), format="rollouts")
    first, *_ = read_parts(job)
    assert not first.is_last
    rest = Job(
        0,
        job.path,
        stamp=first.stamp._replace(size=first.offset),
        offset=first.offset,
        mark=first.mark,
        format="rollouts",
        state=first.state,
    )
    rows = [row for part in (first, *read_parts(rest)) for row in part.rows]
    assert [row.output for row in rows] == list(range(1, 11))
    assert {row.model for row in rows} == {"gpt-6-luna"}


async def test_children_read_a_long_history(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_scan, "FEW_BYTES", 0)
    start_child = Mock(side_effect=log_workers._start_child)
    monkeypatch.setattr(log_workers, "_start_child", start_child)
    async with opened(home, workers=2) as desk:
        for number in range(80):
            desk.write(f"{number}", Session(f"{number}").reply(output=1).reply(output=10))
        assert output(await desk.look()) == 880
    start_child.assert_called()


async def test_nothing_of_the_sessions_but_tokens_is_kept(desk: Desk) -> None:
    secret = header("a-secret-session", cwd="/srv/secret")
    told = entry("response_item", {"type": "message", "content": "a secret"})
    counted = counter(usage(output=5), usage(output=5), START)
    path = desk.codex / "sessions" / "rollout-one.jsonl"
    write_log(path, secret, turn("gpt-6-luna"), told, counted, at=NOW)
    assert output(await desk.look()) == 5
    await desk.costs.close()
    kept = b"".join(path.read_bytes() for path in (desk.home / "cache").iterdir())
    assert b"gpt-6-luna" in kept
    assert b"secret" not in kept
