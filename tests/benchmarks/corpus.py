"""A folder of session logs like those of a heavy user, and what a reader has to find in it.

The truth is kept while writing: every reply counts once, with the usage of its last line, on the
day of its time stamp. Streamed replies, resumed sessions and sub-agents repeat lines as the real
logs do. The same seed and size give the same bytes.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

MODELS = ("claude-opus-4-8", "claude-opus-5-5", "claude-sonnet-5")
SMALL_MODEL = "claude-haiku-4-5-20251001"
PROJECTS = 24
DAYS = 28
"""All of it lies inside the longest period that is reported."""
VERTEX_SHARE = 0.2
RESUMED_SHARE = 0.12
SUBAGENT_SHARE = 0.3
BLOCKS = (1, 1, 1, 2, 2, 3)
"""Content blocks of a reply; each is a line of its own with the same ids."""
BODY_SIZES = (120, 200, 300, 400, 700, 700, 1500, 3000)
LARGE_LINE = 70_000
HUGE_LINE = 3_000_000
WORDS = tuple(
    "def return import self value path line the of and a to in is that for it as with on class "  # noqa: SIM905
    "async await None True error result config window provider session größer naïve 数据 →".split()
)

TokenKey = tuple[str, str, str]
"""Share ("vertex" or "direct"), day in UTC, model as logged."""


@dataclass
class Truth:
    """What the corpus holds."""

    files: int = 0
    lines: int = 0
    size_bytes: int = 0
    replies: int = 0
    tokens: Counter[TokenKey] = field(default_factory=Counter)
    """All four classes together."""
    by_class: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By share and class: input, cache_read, cache_write, output."""
    by_project: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By share and project folder."""

    @property
    def total(self) -> int:
        """Tokens of both shares."""
        return sum(self.by_class.values())

    def of_day(self, share: str, day: str) -> int:
        """Tokens of a share on a day in UTC."""
        return sum(count for key, count in self.tokens.items() if key[:2] == (share, day))

    def of_model(self, share: str, base_id: str) -> int:
        """Tokens of a share by a model, with or without the date in its name."""
        return sum(
            count
            for (of_share, _, model), count in self.tokens.items()
            if of_share == share and model.startswith(base_id)
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the service, as it is counted."""

    id: str
    request: str
    model: str
    at: datetime
    usage: dict[str, int]
    split: dict[str, int]


@dataclass(frozen=True, slots=True)
class Finished:
    """A session that may be resumed."""

    project: str
    turns: list[str]


class Corpus:
    """Writes session files below a folder until they hold enough.

    Args:
        root: Becomes a `projects` folder.
        end: The last moment of the logs.
    """

    def __init__(self, root: Path, *, end: datetime, seed: int = 7) -> None:
        self.truth = Truth()
        self.root = root
        self._end = end
        self._dice = random.Random(seed)
        self._bodies = {size: self._make_bodies(size) for size in {*BODY_SIZES, LARGE_LINE}}
        self._huge = self._text(HUGE_LINE)
        self._finished: Finished | None = None

    def write(self, size_bytes: int) -> Truth:
        """Add sessions up to about this size.

        Returns:
            The truth over everything written so far.
        """
        while self.truth.size_bytes < size_bytes:
            self._write_session()
        return self.truth

    def append(self, path: Path) -> int:
        """One more reply at the end of a session; its size in bytes."""
        project = path.relative_to(self.root).parts[0]
        reply = self._reply("direct", self._end - timedelta(minutes=1), MODELS[0])
        self._count(reply, "direct", project)
        text = "".join(self._reply_lines(reply, path.stem, False))
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
        return len(text.encode())

    def _write_session(self) -> None:
        dice = self._dice
        resumed = self._finished if dice.random() < RESUMED_SHARE else None
        project = (
            resumed.project if resumed else f"-home-ann-work-project{dice.randrange(PROJECTS)}"
        )
        share = "vertex" if dice.random() < VERTEX_SHARE else "direct"
        session = self._id("", 32)
        start = self._end - timedelta(seconds=dice.uniform(3600, DAYS * 86400))
        own = self._turns(session, share, project, start, dice.randrange(6, 60))
        self._finished = Finished(project, own)
        copied = self._copied_turns(session, resumed) if resumed else []
        self._save(self.root / project / f"{session}.jsonl", [*copied, *own])
        if dice.random() < SUBAGENT_SHARE:
            turns = self._turns(session, share, project, start, dice.randrange(3, 16), side=True)
            repeated = [
                turn.replace('"isSidechain":false', '"isSidechain":true') for turn in own[:3]
            ]
            folder = self.root / project / session / "subagents"
            self._save(folder / f"agent-{self._id('', 8)}.jsonl", [*repeated, *turns])

    def _copied_turns(self, session: str, resumed: Finished) -> list[str]:
        """A resumed session begins with turns of an earlier one, some under other request ids."""
        turns = resumed.turns[: self._dice.randrange(len(resumed.turns))]
        again = self._dice.choice(('"requestId":"req_', '"requestId":"req_again', '"x":"'))
        copies = [turn.replace('"requestId":"req_', again) for turn in turns]
        return [self._other("summary", session, self._end, 100), *copies]

    def _turns(
        self,
        session: str,
        share: str,
        project: str,
        start: datetime,
        count: int,
        *,
        side: bool = False,
    ) -> list[str]:
        """The lines of a question and of its reply, `count` times."""
        turns = []
        at = start
        model = self._dice.choice(MODELS)
        for _ in range(count):
            at = min(at + timedelta(seconds=self._dice.uniform(2, 90)), self._end)
            reply = self._reply(share, at, SMALL_MODEL if self._dice.random() < 0.1 else model)
            self._count(reply, share, project)
            lines = [
                self._user_line(session, at, side=side),
                *self._reply_lines(reply, session, side),
            ]
            if self._dice.random() < 0.3:
                lines.append(self._other("file-history-snapshot", session, at, 700))
            turns.append("".join(lines))
        return turns

    def _reply(self, share: str, at: datetime, model: str) -> Reply:
        dice = self._dice
        mark = "vrtx_" if share == "vertex" else ""
        written = dice.choice((0, 900, 4000, 20_000))
        usage = {
            "input_tokens": dice.randrange(1, 2000),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": dice.randrange(0, 260_000),
            "output_tokens": dice.randrange(20, 9000),
        }
        hour = dice.randrange(written + 1)
        split = {
            "ephemeral_5m_input_tokens": written - hour,
            "ephemeral_1h_input_tokens": hour,
        }
        ids = self._id(f"msg_{mark}01", 22), self._id(f"req_{mark}011C", 20)
        return Reply(*ids, model, at, usage, split)

    def _count(self, reply: Reply, share: str, project: str) -> None:
        truth, usage = self.truth, reply.usage
        total = sum(usage.values())
        truth.replies += 1
        truth.tokens[share, f"{reply.at:%Y-%m-%d}", reply.model] += total
        truth.by_project[share, project] += total
        truth.by_class[share, "input"] += usage["input_tokens"]
        truth.by_class[share, "cache_write"] += usage["cache_creation_input_tokens"]
        truth.by_class[share, "cache_read"] += usage["cache_read_input_tokens"]
        truth.by_class[share, "output"] += usage["output_tokens"]

    def _reply_lines(self, reply: Reply, session: str, side: bool) -> Iterator[str]:
        """One line per content block; only the last one has the final count of the output."""
        blocks = self._dice.choice(BLOCKS)
        for number in range(1, blocks + 1):
            output = reply.usage["output_tokens"] if number == blocks else number
            usage = {
                **reply.usage,
                "output_tokens": output,
                "cache_creation": reply.split,
                "server_tool_use": {"web_search_requests": 0},
                "service_tier": "standard",
            }
            yield (
                f"{self._head(session, side)},"
                f'"message":{{"model":"{reply.model}","id":"{reply.id}","type":"message",'
                f'"role":"assistant","content":[{self._block()}],"stop_reason":null,'
                f'"stop_sequence":null,"usage":{_compact(usage)}}},"requestId":"{reply.request}",'
                f'"type":"assistant","uuid":"{self._id("", 32)}",'
                f'"timestamp":"{_stamp(reply.at)}"}}\n'
            )

    def _block(self) -> str:
        body = self._body()
        if self._dice.random() < 0.4:
            return f'{{"type":"text","text":{body}}}'
        name, key = self._dice.choice((("Write", "content"), ("Bash", "command"), ("Edit", "new")))
        path = '"/home/ann/code/a.py"'
        return (
            f'{{"type":"tool_use","id":"{self._id("toolu_01", 22)}","name":"{name}",'
            f'"input":{{"file_path":{path},"{key}":{body},"usage":null,"model":"x"}}}}'
        )

    def _user_line(self, session: str, at: datetime, *, side: bool) -> str:
        body = self._huge if self._dice.random() < 0.0001 else self._body()
        tool = self._id("toolu_01", 22)
        return (
            f'{self._head(session, side)},"type":"user","message":{{"role":"user","content":'
            f'[{{"tool_use_id":"{tool}","type":"tool_result","content":{body}}}]'
            f'}},"uuid":"{self._id("", 32)}","timestamp":"{_stamp(at)}","toolUseResult":'
            f'{{"stdout":{body},"stderr":"","interrupted":false}}}}\n'
        )

    def _other(self, kind: str, session: str, at: datetime, size: int) -> str:
        body = self._dice.choice(self._bodies[min(BODY_SIZES, key=lambda near: abs(near - size))])
        return (
            f'{{"type":"{kind}","sessionId":"{session}","timestamp":"{_stamp(at)}","x":{body}}}\n'
        )

    def _head(self, session: str, side: bool) -> str:
        return (
            f'{{"parentUuid":"{self._id("", 32)}","isSidechain":{_compact(side)},'
            f'"userType":"external","cwd":"/home/ann/work","sessionId":"{session}",'
            '"version":"2.1.90","gitBranch":"main"'
        )

    def _body(self) -> str:
        dice = self._dice
        size = LARGE_LINE if dice.random() < 0.005 else dice.choice(BODY_SIZES)
        return dice.choice(self._bodies[size])

    def _make_bodies(self, size: int) -> list[str]:
        return [self._text(size) for _ in range(40)]

    def _text(self, size: int) -> str:
        """A JSON string of words, quotes and short lines of code, about this long."""
        parts: list[str] = []
        length = 0
        while length < size:
            line = " " * self._dice.choice((0, 4, 8)) + " ".join(
                self._dice.choices(WORDS, k=self._dice.randrange(2, 9))
            )
            parts.append(f'{line} = "{line[-4:]}"' if self._dice.random() < 0.2 else line)
            length += len(parts[-1]) + 2
        return json.dumps("\n".join(parts), ensure_ascii=False)

    def _id(self, prefix: str, length: int) -> str:
        return f"{prefix}{self._dice.getrandbits(length * 4):0{length}x}"

    def _save(self, path: Path, turns: list[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = "".join(turns).encode()
        path.write_bytes(content)
        self.truth.files += 1
        self.truth.lines += content.count(b"\n")
        self.truth.size_bytes += len(content)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
