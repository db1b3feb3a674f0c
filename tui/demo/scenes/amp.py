"""Amp: a subscription in its last wording, and a free tier that fills up again by the hour."""

from __future__ import annotations

from tui.demo.stage import Answer, Moment, Route, Scene


def balance(moment: Moment) -> Answer:
    """Agent usage goes on, the free allowance comes back."""
    agent = max(12.4 - 0.11 * moment.minutes, 0.0)
    free = min(2.1 + 0.05 * moment.minutes, 10.0)
    start, end = moment.later(days=-21), moment.later(days=9)
    lines = (
        "Signed in as mia@example.org (studio)",
        f"Amp Free: ${free:.2f}/$10 remaining (replenishes +$0.42/hour)",
        f"Amp Megawatt Tier: agent usage ${agent:.2f} of $20 remaining ({agent * 5:.0f}%), "
        "orb usage 612.5h of 750h a1.small orb hours remaining (82%) - "
        f"period {start:%Y-%m-%d} to {end:%Y-%m-%d}, resets upon renewal in 9 days",
        "Individual credits: $17.23 remaining",
        "Workspace Blue Team: $1,234.50 remaining",
    )
    return Answer.json({"ok": True, "result": {"displayText": "\n".join(lines)}})


SCENE = Scene(
    env={"AMP_API_KEY": "sgamp_demo_key_for_the_played_upstream"},
    settings={"source": "api"},
    routes=(Route("POST", "https://ampcode.com/api/internal", balance),),
)
