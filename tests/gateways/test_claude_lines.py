"""What one line of a session log says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.session_logs import line, new_id, reply
from tui.gateways.claude_lines import parse_line
from tui.gateways.log_lines import ON_VERTEX, SIDE_CHAIN, BrokenLine, Row

USAGE = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 4000,
    "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 3000},
    "cache_read_input_tokens": 52_000,
    "output_tokens": 900,
    "server_tool_use": {"web_search_requests": 0},
    "service_tier": "standard",
}


def parsed(record: Any, place: str = "here") -> Row | None:
    return parse_line(line(record), place, set())


def row_of(record: Any, place: str = "here") -> Row:
    row = parsed(record, place)
    assert row is not None
    return row


def tokens(row: Row) -> tuple[int, ...]:
    return row.input, row.read, row.write_5m, row.write_1h, row.output


def is_vertex(record: Any) -> bool:
    return bool(row_of(record).flags & ON_VERTEX)


def test_a_reply_as_it_is_logged_today() -> None:
    row = row_of(reply(usage=USAGE, at="2026-11-20T09:14:03.512Z"))
    assert tokens(row) == (12, 52_000, 1000, 3000, 900)
    assert row.at == 1795166043
    assert row.model == "claude-opus-4-8"
    assert row.flags == 0


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-20T09:14:03.512Z",
        "2026-11-20T09:14:03Z",
        "2026-11-20T10:14:03.5+01:00",
        "2026-11-20T04:14:03-05:00",
        "2026-11-20T09:14:03.512345",
    ],
)
def test_a_moment_with_or_without_fraction_and_zone(at: str) -> None:
    assert row_of(reply(at=at)).at == 1795166043


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(reply(type="user"), id="of the user"),
        pytest.param(reply(type=7), id="of no type"),
        pytest.param(reply(timestamp="yesterday"), id="unreadable moment"),
        pytest.param(reply(timestamp=1795166043), id="moment that is no text"),
        pytest.param(reply(model=None), id="no model"),
        pytest.param(reply(usage=[1]), id="usage that is no object"),
        pytest.param(reply(model="<synthetic>", usage=0), id="made up by the client"),
        pytest.param({"type": "assistant", "usage": {}}, id="no message"),
        pytest.param(["assistant", "usage"], id="a list"),
        pytest.param(5, id="a number"),
    ],
)
def test_lines_that_do_not_count(record: Any) -> None:
    assert parsed(record) is None


def test_a_refusal_counts_what_was_read() -> None:
    usage = {"input_tokens": 40, "output_tokens": 0}
    assert tokens(row_of(reply(usage=usage))) == (40, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("usage", "writes"),
    [
        pytest.param({"cache_creation_input_tokens": 70}, (70, 0), id="old logs have no split"),
        pytest.param(
            {
                "cache_creation_input_tokens": 70,
                "cache_creation": {"ephemeral_1h_input_tokens": 90},
            },
            (0, 70),
            id="never more for an hour than there is",
        ),
        pytest.param(
            {"cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}},
            (3, 4),
            id="split without a total",
        ),
        pytest.param(
            {"cache_creation_input_tokens": 70, "cache_creation": None}, (70, 0), id="empty split"
        ),
        pytest.param(
            {"cache_creation_input_tokens": 70, "cache_creation": "?"}, (70, 0), id="odd split"
        ),
    ],
)
def test_cache_writes_are_split_by_how_long_they_are_kept(
    usage: dict[str, Any], writes: tuple[int, int]
) -> None:
    row = row_of(reply(usage=usage))
    assert (row.write_5m, row.write_1h) == writes


@pytest.mark.parametrize(
    ("value", "count"),
    [(7.0, 7), (7.9, 7), (-3, 0), ("7", 0), (None, 0), (True, 0), (10**13, 0), ([], 0)],
)
def test_a_count_may_be_a_fraction_but_no_text(value: Any, count: int) -> None:
    usage = {"input_tokens": value, "output_tokens": 1, "cache_creation": {}}
    assert row_of(reply(usage=usage)).input == count


def test_numbers_no_machine_counts_with_make_a_line_that_does_not_count() -> None:
    text = line(reply(usage=123)).replace(b'"output_tokens":123', b'"output_tokens":1e999')
    assert parse_line(text, "", set()) is None


def test_blanks_after_colons_change_nothing() -> None:
    assert parse_line(json.dumps(reply(usage=9)).encode(), "", set()) is not None


# -- which lines are about the same reply ----------------------------------------------------------


def test_an_id_of_the_service_stands_alone() -> None:
    message_id = new_id()
    keys = {
        row_of(reply(message_id, request_id), place).key
        for request_id, place in (("req_1", "a"), ("req_2", "b"), (None, "c"))
    }
    assert len(keys) == 1


def test_other_ids_need_the_request() -> None:
    one, same, other = (row_of(reply("chat-1", request)).key for request in ("r1", "r1", "r2"))
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    "ids", [(None, "req_1"), ("chat-1", None), (None, None), (7, "req_1"), ("msg_short", None)]
)
def test_a_reply_nothing_identifies_is_one_by_itself(ids: tuple[Any, Any]) -> None:
    record = reply(*ids)
    assert row_of(record, "file:0").key != row_of(record, "file:1").key
    assert row_of(record, "file:0").key == row_of(record, "file:0").key


def test_of_several_lines_the_one_behind_the_others_counts() -> None:
    seen: set[str] = set()
    message_id = new_id()
    last = parse_line(line(reply(message_id, usage=900)), "2", seen)
    first = parse_line(line(reply(message_id, usage=1)), "1", seen)
    assert last is not None
    assert last.output == 900
    assert first is None


def test_a_line_that_does_not_count_hides_no_other() -> None:
    seen: set[str] = set()
    message_id = new_id()
    assert parse_line(line(reply(message_id, usage=0)), "2", seen) is None
    assert parse_line(line(reply(message_id, usage=5)), "1", seen) is not None


@pytest.mark.parametrize("side", [True, 1])
def test_a_side_chain_is_marked(side: Any) -> None:
    assert row_of(reply(isSidechain=side)).flags & SIDE_CHAIN


# -- Vertex or not ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(reply("msg_vrtx_0123456789abcdef"), id="message id"),
        pytest.param(reply(request_id="req_vrtx_011C"), id="request id"),
        pytest.param(reply(model="claude-opus-4-5@20251101"), id="model with a date"),
        pytest.param(reply(metadata={"provider": "Google-Vertex"}), id="provider of the metadata"),
        pytest.param(reply(request={"deep": [{"gcpProject": 1}]}), id="a key further down"),
        pytest.param(reply(context={"API_Type": "vertex_ai"}), id="any letter case"),
        pytest.param(reply(client="vertex-sdk"), id="own key with a text"),
        pytest.param(reply(client={"platform": "vertex"}), id="own key with an object"),
        pytest.param(reply(vertexRegion="europe-west4"), id="a telling own key"),
        pytest.param(reply(message={"metadata": {"backend": "vertex"}}), id="of the message"),
        pytest.param(reply(message={"request": {"vertex": {}}}), id="request of the message"),
    ],
)
def test_signs_of_vertex(record: Any) -> None:
    assert is_vertex(record)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(reply(), id="nothing"),
        pytest.param(reply("msg_bdrk_0123456789abcdef"), id="another cloud"),
        pytest.param(reply(model="gemini@latest"), id="another model"),
        pytest.param(reply(metadata={"provider": "anthropic"}), id="another provider"),
        pytest.param(reply(metadata={"title": "about vertex"}), id="a text under another key"),
        pytest.param(reply(cwd="/srv/vertex"), id="a folder"),
        pytest.param(
            reply(
                message={"content": [{"type": "tool_use", "input": {"vertex": {"gcp": "vertex"}}}]}
            ),
            id="what the user works on",
        ),
        pytest.param(reply(toolUseResult={"provider": "vertex"}), id="result of a tool"),
    ],
)
def test_what_is_no_sign_of_vertex(record: Any) -> None:
    assert not is_vertex(record)


# -- odd lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"type":"assistant","message":{"usage":', id="cut off"),
        pytest.param(b'\x00\xff"assistant""usage"', id="bytes"),
        pytest.param(b'{"assistant" "usage"}', id="no JSON"),
        pytest.param(b'{"usage":' + b"[" * 100_000, id="nested without end"),
        pytest.param(line(reply(model="caf\xe9")).replace(b"\xc3\xa9", b"\xe9"), id="bad UTF-8"),
    ],
)
def test_broken_lines_are_told_apart(text: bytes) -> None:
    with pytest.raises(BrokenLine):
        parse_line(text, "", set())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="byte order mark"),
        pytest.param(lambda text: text.rstrip() + b"\r\n", id="line end of Windows"),
        pytest.param(lambda text: b"  " + text, id="blanks in front"),
        pytest.param(lambda text: text.replace(b"done", rb"cut \ud83d"), id="half an emoji"),
        pytest.param(lambda text: text.replace(b"done", rb"\\ud83d"), id="about an emoji"),
    ],
)
def test_odd_lines_that_still_count(change: Any) -> None:
    text = change(line(reply(usage=900)))
    row = parse_line(text, "", set())
    assert row is not None
    assert row.output == 900


def test_a_model_name_is_made_harmless() -> None:
    assert row_of(reply(model="claude\x1b[31m-x\u202e" + "y" * 500)).model.startswith("claude-xyy")
    assert len(row_of(reply(model="y" * 500)).model) == 100


def test_a_row_holds_no_text_of_the_log() -> None:
    secret = reply(text="a secret", cwd="/home/ann/secret", sessionId="secret")
    assert "secret" not in repr(row_of(secret))
