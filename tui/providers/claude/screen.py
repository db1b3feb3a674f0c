"""The usage screen of Claude Code, typed into the program and read from its terminal.

The last resort: it starts the whole program, and what comes back are rounded percentages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from tui.core.errors import (
    FetchError,
    NetworkError,
    ParseError,
    RateLimited,
    ServerError,
    Unauthorized,
)
from tui.core.models import (
    SESSION_MINUTES,
    WEEK_MINUTES,
    ProviderKey,
    ProviderSnapshot,
    UsageWindow,
)
from tui.core.process import CommandResult
from tui.providers._context import FetchContext
from tui.providers._owner import require_program
from tui.providers._parse import slug

PROGRAM = "claude"
COMMAND = "/usage"
ENTER = "\r"
TIMEOUT_S = 24.0
DONE_SILENCE_S = 1.5
RATE_LIMIT_S = 300.0
SESSION_ID = "7d0a6f0e-51c4-4f8e-9b1d-3c5e2a9f4b60"
"""Always the same, or every look would leave an empty conversation behind."""
NO_TOOLS = ("--allowed-tools", "")
LAUNCHES = (("--session-id", SESSION_ID, *NO_TOOLS), ("--resume", SESSION_ID, *NO_TOOLS))
"""Once there is a conversation under the id, it can only be resumed."""
IN_USE = "already in use"
INSIDE_ANOTHER = ("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT")
"""With these it refuses to start within itself."""


def _spread(words: str) -> str:
    """A pattern for words whose blanks may be missing: some screens are painted cell by cell."""
    return r"\s*".join(re.escape(letter) for letter in words.replace(" ", ""))


SECTION = re.compile(
    rf"{_spread('Current')}\s*(?:({_spread('session')})|{_spread('week')}\s*\(([^)\n]{{1,60}})\))",
    re.IGNORECASE,
)
PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%\s*(used|left|remaining)", re.IGNORECASE)
RESET = re.compile(r"Resets?\s*([^\n%]{2,60})", re.IGNORECASE)
SECTION_LENGTH = 600
TRUST = re.compile(_spread("Do you trust"), re.IGNORECASE)
PROMPT = re.compile(r"[❯>]")
ALL_MODELS = "all-models"


# -- reading ---------------------------------------------------------------------------------------


def parse_screen(said: str, *, key: ProviderKey, now: datetime) -> ProviderSnapshot:
    """The windows of the screen as it was painted last.

    Raises:
        FetchError: It shows no session, and why as far as it says.
    """
    windows = {window.id: window for window in _windows(said)}
    if "session" not in windows and "weekly" not in windows:
        raise refusal(said)
    ordered = sorted(windows.values(), key=lambda window: (not window.headline, window.id))
    return ProviderSnapshot(
        key=key,
        source_id="cli",
        fetched_at=now,
        windows=tuple(ordered),
        confidence="percent_only",
        origin="Claude Code",
    )


def _windows(said: str) -> Iterator[UsageWindow]:
    """Every section that has a percentage; a later one is a newer painting of the same."""
    headers = list(SECTION.finditer(said))
    starts = [*(header.start() for header in headers), len(said)]
    for header, end in zip(headers, starts[1:], strict=True):
        body = said[header.end() : min(end, header.end() + SECTION_LENGTH)]
        percent = PERCENT.search(body)
        if percent is not None:
            yield _window(header, percent, RESET.search(body))


def _window(
    header: re.Match[str], percent: re.Match[str], reset: re.Match[str] | None
) -> UsageWindow:
    value = float(percent.group(1))
    window_id, label = _name(header)
    return UsageWindow(
        id=window_id,
        label=label,
        used_percent=value if percent.group(2).lower() == "used" else max(100 - value, 0.0),
        window_minutes=SESSION_MINUTES if window_id == "session" else WEEK_MINUTES,
        resets_text=f"Resets {reset.group(1).strip()}" if reset is not None else "",
        headline="." not in window_id,
    )


def _name(header: re.Match[str]) -> tuple[str, str]:
    if header.group(1):
        return "session", "Session"
    model = re.sub(r"\s*only$", "", header.group(2).strip(), flags=re.IGNORECASE)
    part = slug(model) or "model"
    if part.replace("-", "") == ALL_MODELS.replace("-", ""):
        return "weekly", "Weekly"
    return f"model.{part}", f"{model} weekly"


def refusal(said: str) -> FetchError:
    """Why the screen shows no usage, by its own words."""
    squeezed = re.sub(r"\s+", "", said).lower()
    for words, error in REFUSALS:
        if any(word in squeezed for word in words):
            return error()
    return ParseError("Claude Code showed no usage screen.")


def not_signed_in() -> FetchError:
    """The program wants somebody to sign in."""
    return Unauthorized("Claude Code is not signed in.", hint="Run `claude` and sign in.")


def rate_limited() -> FetchError:
    """The program is asked too often."""
    return RateLimited("Claude Code is asked too often.", retry_after_s=RATE_LIMIT_S)


def not_loaded() -> FetchError:
    """The program could not load the numbers."""
    return ServerError("Claude Code could not load its usage.")


REFUSALS = (
    (("ratelimited", "rate_limit", "ratelimit", "429"), rate_limited),
    (("/login", "notloggedin", "selectloginmethod", "authentication_error"), not_signed_in),
    (("failedtoload", "couldnotload", "errorloading"), not_loaded),
)


# -- running ---------------------------------------------------------------------------------------


async def fetch_cli(ctx: FetchContext) -> ProviderSnapshot:
    """What Claude Code shows on `/usage`."""
    program = _program(ctx)
    said = ""
    for launch in LAUNCHES:
        said = _output_of(await _run(ctx, program, launch))
        if IN_USE not in said:
            break
    return parse_screen(said, key=ctx.key, now=ctx.clock.now())


def _program(ctx: FetchContext) -> Path:
    """The program that is signed in for this account."""
    return require_program(
        ctx, PROGRAM, "Claude Code was not found.", hint="Install it and sign in, or set cli_path."
    )


async def _run(ctx: FetchContext, program: Path, launch: tuple[str, ...]) -> CommandResult:
    return await ctx.commands.run(
        program,
        *launch,
        timeout_s=TIMEOUT_S,
        done=lambda said: any(window.id == "session" for window in _windows(said)),
        done_silence_s=DONE_SILENCE_S,
        type_next=Keys(),
        pty=True,
        drop_env=INSIDE_ANOTHER,
    )


def _output_of(result: CommandResult) -> str:
    said = f"{result.stdout}\n{result.stderr}"
    if result.timed_out and SECTION.search(said) is None and not _says_why(said):
        raise NetworkError(f"Claude Code did not answer within {TIMEOUT_S:g} s.", cause="timeout")
    return said


def _says_why(said: str) -> bool:
    return not isinstance(refusal(said), ParseError)


class Keys:
    """What to type next: trust in our empty folder, the command, Enter."""

    def __init__(self) -> None:
        self._trusted = False
        self._steps = [COMMAND, ENTER]

    def __call__(self, said: str) -> str:
        """The keys that what was said calls for."""
        if not self._trusted and TRUST.search(said):
            self._trusted = True
            return ENTER
        if self._steps and PROMPT.search(said):
            return self._steps.pop(0)
        return ""
