"""What the lines of a Codex session say, read forward with what the lines before left to know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.rollouts import START, Session, added, counter, entry, header, record, turn, usage
from tests.session_logs import lines
from tui.gateways.codex_lines import UNKNOWN_MODEL, read_lines
from tui.gateways.log_lines import Found, Row

PARENT = "019fa100-0000-7000-8000-000000000001"
CHILD = "019fa200-0000-7000-8000-000000000002"
SECOND = timedelta(seconds=1)
PATH = "/logs/rollout-2026-11-20T10-00-00-one.jsonl"


def read(content: bytes, *, path: str = PATH) -> Found:
    return read_lines(content, path, 0, b"")


def rows_of(*records: Any) -> list[Row]:
    return read(lines(*records)).rows


def outputs(*records: Any) -> list[int]:
    return [row.output for row in rows_of(*records)]


def tokens(row: Row) -> tuple[int, ...]:
    return row.input, row.read, row.write_5m, row.write_1h, row.output


# -- a reply ---------------------------------------------------------------------------------------


def test_what_was_cached_is_no_new_input() -> None:
    (row,) = read(Session().reply(1000, 700, 50, 200).content).rows
    assert tokens(row) == (100, 700, 200, 0, 50)
    assert row.model == "gpt-5.3-codex"
    assert row.at == int(START.timestamp()) + 10
    assert row.flags == 0


def test_more_in_the_cache_than_there_was_input_is_no_less_than_no_input() -> None:
    (row,) = read(Session().reply(100, 150, 5, 30).content).rows
    assert tokens(row) == (0, 100, 0, 0, 5)


def test_each_reply_has_the_model_of_its_turn() -> None:
    session = Session(model="gpt-6.1-sol").reply(output=1).use("gpt-6-luna").reply(output=2)
    models = [(row.model, row.output) for row in read(session.content).rows]
    assert models == [("gpt-6.1-sol", 1), ("gpt-6-luna", 2)]


@pytest.mark.parametrize("model", [None, ""])
def test_a_model_nobody_named_is_unknown(model: str | None) -> None:
    (row,) = rows_of(header(PARENT), turn(model), counter(usage(5), usage(5)))
    assert row.model == UNKNOWN_MODEL


def test_a_counter_may_name_its_model() -> None:
    (row,) = rows_of(header(PARENT), turn("one"), counter(usage(5), usage(5), model="two"))
    assert row.model == "two"


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"type": "token_count", "info": None, "rate_limits": {}}, id="no counter"),
        pytest.param({"type": "token_count"}, id="not even the key"),
        pytest.param({"type": "token_count", "info": {}}, id="an empty one"),
        pytest.param({"type": "token_count", "info": [1]}, id="of another shape"),
        pytest.param({"type": "agent_message", "message": "token_count"}, id="another event"),
    ],
)
def test_events_that_count_nothing(payload: Any) -> None:
    assert rows_of(header(PARENT), turn("m"), entry("event_msg", payload)) == []


# -- the counter -----------------------------------------------------------------------------------


def test_a_counter_written_again_is_no_reply() -> None:
    one, two = usage(100, output=10), usage(50, output=5)
    both = added(one, two)
    assert outputs(
        header(PARENT),
        counter(one, one, START + SECOND),
        counter(one, one, START + 2 * SECOND),
        counter(both, two, START + 3 * SECOND),
        counter(both, two, START + 4 * SECOND),
    ) == [10, 5]


def test_equal_replies_count_each() -> None:
    one = usage(100, output=10)
    assert outputs(header(PARENT), counter(one, one), counter(added(one, one), one)) == [10, 10]


def test_without_the_last_reply_the_counter_tells_by_its_steps() -> None:
    assert outputs(
        header(PARENT), counter(usage(100, output=10), None), counter(usage(150, output=25), None)
    ) == [10, 15]


def test_a_counter_that_fell_began_anew() -> None:
    assert outputs(
        header(PARENT), counter(usage(100, output=10), None), counter(usage(20, output=3), None)
    ) == [10, 3]


def test_a_counter_that_fell_a_little_is_no_new_total() -> None:
    """After a compaction the totals are lower without having begun anew."""
    assert outputs(
        header(PARENT),
        counter(usage(300_000, output=3000), usage(100_000, output=900)),
        counter(usage(250_000, output=2900), usage(10_000, output=80)),
    ) == [900, 80]


def test_a_total_that_was_filled_up_is_no_reply() -> None:
    full = {**usage(), "total_tokens": 272_000}
    assert outputs(
        header(PARENT),
        counter(usage(100, output=10), usage(100, output=10)),
        counter(full, {**usage(), "total_tokens": 171_890}),
        counter({**usage(7, output=2), "total_tokens": 272_009}, usage(7, output=2)),
    ) == [10, 2]


def test_without_a_total_each_line_counts() -> None:
    assert outputs(
        header(PARENT), counter(None, usage(output=4)), counter(None, usage(output=4))
    ) == [4, 4]


# -- records ---------------------------------------------------------------------------------------


def test_a_reply_with_a_record_counts_once() -> None:
    session = Session(records=True).reply(100, 0, 10).reply(100, 0, 10)
    assert [row.output for row in read(session.content).rows] == [10, 10]


def test_a_reply_that_has_only_a_record_counts() -> None:
    """A compaction is one."""
    session = Session(records=True).reply(100, 0, 10)
    session.lines.append(record(session.name, usage(9000, output=70), session.at))
    session.reply(50, 0, 5)
    assert [row.output for row in read(session.content).rows] == [10, 70, 5]


def test_a_session_may_go_on_in_a_version_without_records() -> None:
    session = Session(records=True).reply(100, 0, 10)
    session._records = False
    session.reply(50, 0, 5)
    assert [row.output for row in read(session.content).rows] == [10, 5]


def test_a_record_is_known_by_its_reply_and_without_an_id_by_its_place() -> None:
    named = [record(PARENT, usage(output=1), response="resp_1") for _ in range(2)]
    nameless = [record(PARENT, usage(output=1), response=None) for _ in range(2)]
    assert len({row.key for row in rows_of(header(PARENT), *named)}) == 1
    assert len({row.key for row in rows_of(header(PARENT), *nameless)}) == 2


def test_a_record_inside_another_line_is_none() -> None:
    inner = {"latest_token_usage_record": {"response_id": "r", "usage": usage(output=5)}}
    said = {"type": "message", "content": '{"type":"token_usage_record","usage":{}}'}
    assert outputs(header(PARENT), entry("compacted", inner), entry("response_item", said)) == []


# -- what a fork copies ----------------------------------------------------------------------------


def parent(*, records: bool = False) -> Session:
    return Session(PARENT, "gpt-6.1-sol", records=records).reply(100, 0, 10).reply(200, 0, 20)


@pytest.mark.parametrize("records", [False, True])
def test_a_fork_counts_from_where_it_went_its_own_way(records: bool) -> None:
    child = parent(records=records).copied_to(CHILD, START + timedelta(hours=1))
    child._records = records
    child.reply(400, 0, 40)
    assert [row.output for row in read(child.content).rows] == [40]


def test_a_fork_in_which_nothing_was_said_counts_nothing() -> None:
    child = parent().copied_to(CHILD, START + timedelta(hours=1))
    assert read(child.content).rows == []


def test_a_fork_of_a_fork_counts_its_own_part_only() -> None:
    child = parent().copied_to(CHILD, START + timedelta(hours=1)).reply(400, 0, 40)
    grandchild = child.copied_to("third", START + timedelta(hours=2)).reply(800, 0, 80)
    assert [row.output for row in read(grandchild.content).rows] == [80]


def test_copies_may_keep_their_old_moments() -> None:
    old = parent()
    child = Session(CHILD, at=START + timedelta(hours=1), forked_from_id=PARENT)
    child.lines += old.lines
    child.total = old.total
    child.reply(400, 0, 40)
    assert [row.output for row in read(child.content).rows] == [40]


def test_a_long_copy_that_takes_its_time_is_copied_to_its_end() -> None:
    old = parent()
    for _ in range(50):
        old.reply(10, 0, 1)
    child = Session(CHILD, None, at=START + timedelta(hours=1), forked_from_id=PARENT)
    moment = child.at
    for line in old.lines:
        moment += timedelta(milliseconds=200)
        child.lines.append({**line, "timestamp": moment.isoformat()})
    child.at, child.total = moment, old.total
    child.reply(400, 0, 40)
    assert [row.output for row in read(child.content).rows] == [40]


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param({"parent_thread_id": PARENT}, id="its parent"),
        pytest.param(
            {"source": {"subagent": {"thread_spawn": {"parent_thread_id": PARENT}}}},
            id="its source",
        ),
    ],
)
def test_a_sub_agent_is_known_by(meta: dict[str, Any]) -> None:
    old = parent()
    child = Session(CHILD, at=START + timedelta(hours=1), **meta)
    copies = [{**line, "timestamp": child.at.isoformat()} for line in old.lines[1:]]
    child.lines += copies
    child.total = old.total
    child.reply(400, 0, 40)
    assert [row.output for row in read(child.content).rows] == [40]


def test_a_sub_agent_that_begins_at_zero_counts_from_its_first_reply() -> None:
    child = Session(CHILD, forked_from_id=PARENT, source={"subagent": "review"})
    child.reply(400, 0, 40).reply(100, 0, 10)
    assert [row.output for row in read(child.content).rows] == [40, 10]


def test_the_header_of_another_session_tells_of_copies_too() -> None:
    old = parent()
    child = Session(CHILD, at=START + timedelta(hours=1))
    late = child.at + 5 * SECOND
    child.lines += [{**line, "timestamp": late.isoformat()} for line in old.lines]
    child.at, child.total = late, old.total
    child.reply(400, 0, 40)
    assert [row.output for row in read(child.content).rows] == [40]


def test_a_record_belongs_to_the_session_it_names_wherever_it_stands() -> None:
    child = Session(CHILD, forked_from_id=PARENT)
    child.lines += [
        record(PARENT, usage(output=10), child.at),
        record(CHILD, usage(output=40), child.at),
        counter(usage(output=40), usage(output=40), child.at),
        record(PARENT, usage(output=10), child.at + timedelta(hours=1)),
    ]
    assert [row.output for row in read(child.content).rows] == [40]


def test_the_own_header_may_stand_there_again() -> None:
    session = Session().reply(100, 0, 10)
    session.lines.append(header(session.name, session.at))
    session.lines.append(counter(added(session.total, usage(output=5)), usage(output=5)))
    assert [row.output for row in read(session.content).rows] == [10, 5]


# -- keys ------------------------------------------------------------------------------------------


def test_a_session_has_the_same_keys_in_every_folder() -> None:
    content = Session().reply(100, 0, 10).content
    one, two = (read(content, path=path).rows[0] for path in ("/a/r.jsonl", "/b/x/r2.jsonl"))
    assert one.key == two.key


def test_equal_replies_of_different_sessions_have_different_keys() -> None:
    one, two = (read(Session(name).reply(100, 0, 10).content).rows[0] for name in (PARENT, CHILD))
    assert one.key != two.key


def test_a_log_without_a_header_is_known_by_its_name() -> None:
    content = lines(counter(usage(output=5), usage(output=5)))
    keys = [
        read(content, path=path).rows[0].key for path in ("/a/one.jsonl", "/b/one.jsonl", "/a/two")
    ]
    assert keys[0] == keys[1] != keys[2]


# -- going on --------------------------------------------------------------------------------------


@pytest.mark.parametrize("records", [False, True])
def test_it_does_not_matter_where_a_reading_stopped(records: bool) -> None:
    old = Session(PARENT, "gpt-6.1-sol", records=records).reply(100, 50, 10).reply(70, 0, 7)
    child = old.copied_to(CHILD, START + timedelta(hours=1))
    child._records = records
    child.use("gpt-6-luna").reply(400, 0, 40)
    child.lines.append({**child.lines[-1], "timestamp": child.at.isoformat()})
    child.use("gpt-6-astra").reply(1, 0, 1)
    whole = read(child.content).rows
    assert [(row.model, row.output) for row in whole] == [("gpt-6-luna", 40), ("gpt-6-astra", 1)]
    ends = [at + 1 for at, byte in enumerate(child.content) if byte == ord("\n")]
    for end in ends:
        first = read_lines(child.content[:end], PATH, 0, b"")
        rest = read_lines(child.content[end:], PATH, end, first.state)
        assert first.rows + rest.rows == whole


def test_the_state_holds_no_text_but_the_model() -> None:
    found = read(Session(CHILD, "gpt-6-luna", forked_from_id=PARENT).reply(100, 0, 10).content)
    assert b"gpt-6-luna" in found.state
    assert CHILD.encode() not in found.state


# -- odd lines -------------------------------------------------------------------------------------


def test_broken_lines_are_counted_and_change_nothing() -> None:
    whole = Session().reply(100, 0, 10).reply(200, 0, 20)
    content = whole.content.replace(
        b'{"timestamp"', b'{"token_count" broken\n\xff"turn_context"\n[]\n\n{"timestamp"', 2
    )
    found = read(content)
    assert [row.output for row in found.rows] == [10, 20]
    assert found.skipped == 4


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(entry("event_msg", ["token_count"]), id="a list"),
        pytest.param(entry("event_msg", {"type": "token_count", "info": 5}), id="a number"),
        pytest.param({"type": "event_msg", "payload": {"type": "token_count"}}, id="no moment"),
        pytest.param({"timestamp": "yesterday", "type": "turn_context"}, id="no payload"),
        pytest.param(
            counter(usage(-5), usage(-5)) | {"timestamp": "2026-11-20T10:00:00Z"}, id="less than 0"
        ),
        pytest.param(entry("session_meta", {"id": 7}), id="a session without an id"),
    ],
)
def test_lines_of_another_shape_are_passed_over(line: Any) -> None:
    found = read(lines(header(PARENT), turn("m"), line, counter(usage(5), usage(5))))
    assert [(row.model, row.input) for row in found.rows] == [("m", 5)]
    assert found.skipped == 0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="line ends of Windows"),
        pytest.param(lambda text: text.replace(b'":', b'" : '), id="blanks around colons"),
        pytest.param(lambda text: text.replace(b"Be brief.", rb"\ud83d"), id="half an emoji"),
    ],
)
def test_odd_lines_that_still_count(change: Any) -> None:
    content = change(Session(CHILD, forked_from_id=PARENT).reply(100, 0, 10).content)
    found = read(content)
    assert [(row.model, row.output) for row in found.rows] == [("gpt-5.3-codex", 10)]
    assert found.skipped == 0


def test_a_model_name_is_made_harmless() -> None:
    (row,) = read(Session(model="gpt\x1b[31m-x" + "y" * 500).reply(1).content).rows
    assert row.model.startswith("gpt-xyy")
    assert len(row.model) == 100
