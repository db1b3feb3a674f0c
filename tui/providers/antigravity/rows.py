"""Model rows of Antigravity, and the three windows they stand for.

Many models share a pool, so a window shows the row that speaks best for its family. A row without
a fraction is unknown, neither full nor empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tui.core.models import DetailRow, UsageWindow
from tui.core.text import clean
from tui.providers._parse import at, clamp_percent, items, mapping, number, slug, text, timestamp

CLAUDE, GPT, PRO, FLASH = "claude", "gpt", "gemini-pro", "gemini-flash"
FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (CLAUDE, ("claude",)),
    (GPT, ("gpt",)),
    (GPT, ("openai",)),
    (PRO, ("gemini", "pro")),
    (FLASH, ("gemini", "flash")),
    (PRO, ("pro", "low")),
)
"""Families and the words that all must occur; the first that fits counts."""
SIDE_WORDS = ("lite", "image", "autocomplete")
SIDE_PREFIX = "tab_"
OTHER = "other"
"""Part of an id for a name without a letter."""
UPPER_CASE = {"ai", "api", "gpt", "oss"}
FAR_AWAY = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """The quota of one model."""

    id: str
    """Often opaque."""
    label: str
    remaining: float | None
    """Share that is left, 0 to 1; `None` when not reported."""
    resets_at: datetime | None

    @property
    def family(self) -> str:
        """By the id; where that says nothing, by the label; empty when unknown."""
        return family_in(self.id) or family_in(self.label)

    @property
    def can_lead(self) -> bool:
        """Whether it may stand for its family: no image, lite or completion model."""
        words = f"{self.id} {self.label}".lower()
        return not self.id.lower().startswith(SIDE_PREFIX) and not any(
            word in words for word in SIDE_WORDS
        )


def family_in(name: str) -> str:
    """The family a name belongs to."""
    lower = name.lower()
    fitting = (family for family, words in FAMILIES if all(word in lower for word in words))
    return next(fitting, "")


def used_percent(remaining: float | None) -> float | None:
    """Used percent of a remaining share."""
    return None if remaining is None else 100 - clamp_percent(remaining * 100)


# -- reading ---------------------------------------------------------------------------------------


def parse_rows(configs: Any) -> tuple[ModelRow, ...]:
    """Rows of `clientModelConfigs`, each model once."""
    return merged(
        make_row(text(at(config, "modelOrAlias.model")), text(at(config, "label")), config)
        for config in items(configs)
        if isinstance(at(config, "quotaInfo"), dict)
    )


def parse_model_map(models: Any) -> tuple[ModelRow, ...]:
    """Rows of `fetchAvailableModels`, whose keys are the ids."""
    return merged(
        make_row(model_id, text(at(model, "displayName")) or text(at(model, "label")), model)
        for model_id, model in mapping(models).items()
        if isinstance(at(model, "quotaInfo"), dict)
    )


def parse_buckets(buckets: Any) -> tuple[ModelRow, ...]:
    """Rows of `retrieveUserQuota`; several buckets of a model become its lowest."""
    return merged(
        make_row(text(at(bucket, "modelId")), "", {"quotaInfo": bucket})
        for bucket in items(buckets)
        if text(at(bucket, "modelId"))
    )


def make_row(model_id: str, label: str, config: Any) -> ModelRow:
    """A row with a name for people."""
    shown = label if label and label != model_id else readable(model_id)
    return ModelRow(
        id=model_id,
        label=clean(shown) or "Model",
        remaining=number(at(config, "quotaInfo.remainingFraction")),
        resets_at=timestamp(at(config, "quotaInfo.resetTime")),
    )


def readable(model_id: str) -> str:
    """`gemini-3-1-pro` as "Gemini 3.1 Pro"."""
    dotted = re.sub(r"(?<=\b\d)-(?=\d\b)", ".", model_id)
    words = filter(None, dotted.split("-"))
    return " ".join(w.upper() if w.lower() in UPPER_CASE else w[:1].upper() + w[1:] for w in words)


def merged(rows: Iterable[ModelRow]) -> tuple[ModelRow, ...]:
    """Each model once, with its lowest share, in the order of first mention."""
    kept: dict[str, ModelRow] = {}
    for row in rows:
        name = row.id or row.label
        kept[name] = tightest((kept[name], row)) if name in kept else row
    return tuple(kept.values())


def tightest(rows: Sequence[ModelRow]) -> ModelRow:
    """The row with the least left; among equals the earlier reset, then the label."""
    return min(
        rows,
        key=lambda row: (
            row.remaining is None,
            row.remaining or 0.0,
            row.resets_at or FAR_AWAY,
            row.label,
        ),
    )


# -- windows ---------------------------------------------------------------------------------------


def model_windows(rows: Sequence[ModelRow]) -> tuple[UsageWindow, ...]:
    """Claude, Gemini Pro and Gemini Flash; without any of them the tightest row there is."""
    leading = [row for row in rows if row.can_lead]
    windows = tuple(family_windows(leading))
    if windows or not leading:
        return windows
    row = tightest(leading)
    return (model_window(slug(row.label) or OTHER, row.label, row),)


def family_windows(rows: Sequence[ModelRow]) -> Iterator[UsageWindow]:
    """The windows of the families that have rows. GPT shares the pool of Claude."""
    claude = chosen(rows, CLAUDE, lambda row: "thinking" not in row.label.lower())
    pro = chosen(rows, PRO, is_low)
    flash = chosen(rows, FLASH)
    gpt = chosen(rows, GPT)
    if claude is not None:
        yield claude_window(claude, gpt)
    if pro is not None:
        yield model_window(PRO, "Gemini Pro", pro)
    if flash is not None:
        yield model_window(FLASH, "Gemini Flash", flash)
    if gpt is not None and claude is None and (pro or flash):
        yield model_window(GPT, "GPT", gpt)


def chosen(
    rows: Sequence[ModelRow], family: str, prefers: Callable[[ModelRow], bool] = lambda row: True
) -> ModelRow | None:
    """The row that stands for a family: known before unknown, then preferred, then tightest."""
    members = [row for row in rows if row.family == family]
    pool = [row for row in members if row.remaining is not None] or members
    preferred = [row for row in pool if prefers(row)] or pool
    return tightest(preferred) if preferred else None


def is_low(row: ModelRow) -> bool:
    """Whether it is the low effort of a Pro model."""
    label = row.label.lower()
    return ("pro" in label and "low" in label) or "pro-low" in row.id.lower()


def claude_window(claude: ModelRow, gpt: ModelRow | None) -> UsageWindow:
    """The pool of Claude and GPT; a tighter GPT row is named."""
    if gpt is None or gpt.remaining is None:
        return model_window(CLAUDE, "Claude", claude)
    if claude.remaining is not None and claude.remaining <= gpt.remaining:
        return model_window(CLAUDE, "Claude", claude)
    return model_window(CLAUDE, "Claude", gpt, note=gpt.label)


def model_window(name: str, label: str, row: ModelRow, note: str = "") -> UsageWindow:
    """A window without a length: a near reset does not make it a 5-hour window."""
    return UsageWindow(
        id=f"model.{name}",
        label=label,
        used_percent=used_percent(row.remaining),
        resets_at=row.resets_at,
        resets_text=note,
    )


def model_details(rows: Sequence[ModelRow]) -> tuple[DetailRow, ...]:
    """Every model with what is left of it."""
    return tuple(DetailRow("Models", row.label, left(row.remaining)) for row in rows)


def left(remaining: float | None) -> str:
    """`42% left`."""
    return "unknown" if remaining is None else f"{clamp_percent(remaining * 100):.0f}% left"
