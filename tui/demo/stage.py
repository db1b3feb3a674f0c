"""The vocabulary of the demo: scenes, routes, and numbers that move with time."""

from __future__ import annotations

import importlib
import json
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Moment:
    """The present of the demo."""

    now: datetime
    started_at: datetime

    @property
    def minutes(self) -> float:
        """Minutes since the demo began."""
        return (self.now - self.started_at).total_seconds() / 60

    def fill(self, start: float, *, per_minute: float, reset_minutes: float) -> float:
        """A used percent that grows, resets with its window, and starts again from near zero.

        Args:
            start: Percent when the demo begins.
            reset_minutes: Minutes from the start to the first reset.
        """
        if self.minutes < reset_minutes:
            return min(start + per_minute * self.minutes, 100.0)
        return min(1.0 + per_minute * (self.minutes - reset_minutes), 100.0)

    def resets_at(self, first_minutes: float, period_minutes: float) -> datetime:
        """The next reset of a window that first resets so many minutes after the start."""
        rounds = max(0, math.ceil((self.minutes - first_minutes) / period_minutes))
        if self.minutes == first_minutes + rounds * period_minutes:
            rounds += 1
        minutes = first_minutes + rounds * period_minutes
        return (self.started_at + timedelta(minutes=minutes)).replace(microsecond=0)

    def later(self, **span: float) -> datetime:
        """A fixed moment after the start: `later(days=4, hours=6)`."""
        return (self.started_at + timedelta(**span)).replace(microsecond=0)

    def within(self, first_minute: float, last_minute: float) -> bool:
        """Whether the demo is between these minutes."""
        return first_minute <= self.minutes < last_minute


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with a `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the played server says."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, data: Any, status: int = 200, **headers: str) -> Answer:
        """A JSON answer; underscores in header names become dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(
            status=status,
            body=json.dumps(data).encode(),
            headers={"content-type": "application/json", **named},
        )

    @classmethod
    def text(cls, text: str, content_type: str = "text/html; charset=utf-8") -> Answer:
        """A page or script."""
        return cls(body=text.encode(), headers={"content-type": content_type})


Play: TypeAlias = Callable[[Moment], Answer]
Content: TypeAlias = Callable[[Moment], str | bytes]


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the played upstream; the query does not count."""

    method: str
    url: str
    play: Play


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One provider's part of the demo."""

    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that are set."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Its table of the settings file."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Secret fields that are stored."""
    routes: tuple[Route, ...] = ()
    files: Mapping[str, Content] = field(default_factory=dict)
    """Files below the demo's home folder, written anew before each refresh."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """Scripts in `~/.local/bin`, by name; they may read the files."""


def load_scenes() -> dict[str, Scene]:
    """Every scene, by provider id."""
    from tui.demo import scenes

    return {
        module.name.replace("_", "-"): importlib.import_module(
            f"{scenes.__name__}.{module.name}"
        ).SCENE
        for module in pkgutil.iter_modules(scenes.__path__)
    }
