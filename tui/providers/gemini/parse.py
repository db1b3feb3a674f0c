"""What Google says of a Gemini login: a share left per model, which become lanes by family.

Shares are fractions that are left; several buckets speak of one model, and the lowest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tui.core.errors import ParseError
from tui.core.models import (
    DAY_MINUTES,
    DetailRow,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.wording import exact_percent
from tui.providers._parse import (
    at,
    clamp_percent,
    first_text,
    items,
    mapping,
    number,
    slug,
    text,
    timestamp,
)

FAMILIES = (("pro", "Pro"), ("flash", "Flash"), ("flash-lite", "Flash Lite"))
"""In the order of the card; the longest word in a model's name decides."""
TIERS = {"standard-tier": "Paid", "legacy-tier": "Legacy"}


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a model is used."""

    model: str
    used_percent: float
    resets_at: datetime | None

    @property
    def lane(self) -> tuple[str, str]:
        """Id and label of its family; a family we do not know is a lane of its own."""
        known = [family for family in FAMILIES if family[0] in self.model.lower()]
        return max(known, key=lambda f: len(f[0]), default=(slug(self.model), self.model))


def parse_quota(answer: dict[str, Any], *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """The answer to the question for the quota.

    Raises:
        ParseError: No bucket in it says anything.
    """
    shares = _by_model(items(answer.get("buckets")))
    if not shares:
        raise ParseError("Unexpected answer from Gemini: it has no quota buckets.")
    return ProviderSnapshot(
        key=key,
        source_id="api",
        fetched_at=now,
        windows=_windows(shares),
        details=tuple(_row(share) for share in shares),
    )


def _by_model(buckets: list[Any]) -> list[Share]:
    lowest: dict[str, Share] = {}
    for share in filter(None, map(_share, map(mapping, buckets))):
        if _is_higher(share, lowest.get(share.model)):
            lowest[share.model] = share
    return list(lowest.values())


def _share(bucket: dict[str, Any]) -> Share | None:
    model, fraction = text(bucket.get("modelId")), number(bucket.get("remainingFraction"))
    if not slug(model) or fraction is None:
        return None
    used = clamp_percent(round(100 - 100 * fraction, 4))
    return Share(model, used, timestamp(bucket.get("resetTime")))


def _is_higher(share: Share, other: Share | None) -> bool:
    return other is None or share.used_percent > other.used_percent


def _windows(shares: list[Share]) -> tuple[UsageWindow, ...]:
    """One lane per family, filled by its most used model."""
    highest: dict[str, Share] = {}
    for share in shares:
        name, _ = share.lane
        if _is_higher(share, highest.get(name)):
            highest[name] = share
    known = [name for name, _ in FAMILIES if name in highest]
    further = [name for name in highest if name not in known]
    return tuple(_window(highest[name]) for name in (*known, *further))


def _window(share: Share) -> UsageWindow:
    name, label = share.lane
    return UsageWindow(
        id=f"model.{name}",
        label=label,
        used_percent=share.used_percent,
        window_minutes=DAY_MINUTES,
        resets_at=share.resets_at,
        paced=False,
    )


def _row(share: Share) -> DetailRow:
    return DetailRow("Models", share.model, f"{exact_percent(share.used_percent)} used")


# -- what surrounds the quota ----------------------------------------------------------------------


def parse_project(assist: dict[str, Any]) -> str:
    """The project the quota belongs to; empty when the account names none."""
    return text(assist.get("cloudaicompanionProject")) or first_text(
        assist, "cloudaicompanionProject.id", "cloudaicompanionProject.projectId"
    )


def find_project(answer: dict[str, Any]) -> str:
    """The project that Google made for Gemini among all of an account."""
    for project in map(mapping, items(answer.get("projects"))):
        name = text(project.get("projectId"))
        is_labelled = "generative-language" in mapping(project.get("labels"))
        if name and (name.startswith("gen-lang-client") or is_labelled):
            return name
    return ""


def parse_identity(assist: dict[str, Any], claims: dict[str, Any]) -> Identity:
    """Whose quota it is, and of which plan."""
    domain = text(claims.get("hd"))
    return Identity(
        account=text(claims.get("email")),
        organization=domain,
        plan=_plan(assist, is_workspace=bool(domain)),
        login_method="Google login",
    )


def _plan(assist: dict[str, Any], *, is_workspace: bool) -> str:
    names = {**TIERS, "free-tier": "Workspace" if is_workspace else "Free"}
    named = names.get(text(at(assist, "currentTier.id")), "")
    return text(at(assist, "paidTier.name")) or named
