"""Ollama: the settings page of an account whose session fills up while one looks."""

from __future__ import annotations

from datetime import datetime

from tui.demo.stage import Answer, Moment, Route, Scene, iso

RESET_MINUTES = 140
MODELS = (("glm-5.1", 62, 84), ("gpt-oss:120b", 31, 40), ("web search", 7, 9))
"""Name, share of what is used, requests."""


def settings(moment: Moment) -> Answer:
    """A plan, an address, two bars."""
    session = moment.fill(36, per_minute=2.5, reset_minutes=RESET_MINUTES)
    week = min(52 + 0.3 * moment.minutes, 100)
    return Answer.text(
        '<html><body><main><h2 id="header-email">mira@example.com</h2>'
        "<h2><span>Cloud usage</span><span>pro</span></h2>"
        + _block("Session usage", session, moment.resets_at(RESET_MINUTES, 300))
        + _block("Weekly usage", week, moment.later(days=2, hours=9))
        + "</main></body></html>"
    )


def _block(label: str, percent: float, reset: datetime) -> str:
    segments = "".join(
        f'<button style="width: {share}%" data-usage-segment="" data-model="{model}"'
        f' data-requests="{requests}"></button>'
        for model, share, requests in MODELS
    )
    return (
        f"<div><div><span>{label}</span><span>{percent:.1f}% used</span></div>"
        f'<div data-usage-track=""><div style="width: {percent:.1f}%">{segments}</div></div>'
        f'<div class="local-time" data-time="{iso(reset)}">Resets</div></div>'
    )


SCENE = Scene(
    secrets={"cookie_header": "__Secure-session=demo-session-of-the-played-upstream"},
    routes=(Route("GET", "https://ollama.com/settings", settings),),
)
