"""What a human should see; the clock stands at noon, UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from textual.pilot import Pilot

from tests.ui.deck import FakeConfig, FakeDeck, FakeDetection
from tests.ui.driving import ready
from tests.ui.states import everybody
from tui.app import UsageApp
from tui.core.preferences import Preferences

SnapCompare = Callable[..., bool]
SIZES = [(40, 12), (80, 24), (120, 36), (200, 50)]


def after(*keys: str) -> Callable[[Pilot[str]], object]:
    """Wait for the deck, then press keys."""

    async def prepare(pilot: Pilot[str]) -> None:
        await ready(pilot)
        await pilot.press(*keys)
        await pilot.pause(0.3)

    return prepare


def app_with(deck: FakeDeck) -> UsageApp:
    """The app with a few lines in its log."""
    for provider, text in (
        ("kimi", "kimi: answers again"),
        ("kiro", "kiro: kiro-cli did not answer within 20 s. (network)"),
        ("", "config.toml was read"),
    ):
        deck.ring.add(text, provider=provider)
    return UsageApp(deck)


def sizes(chosen: Iterable[tuple[int, int]]) -> pytest.MarkDecorator:
    """One snapshot per size."""
    return pytest.mark.parametrize(
        "size", [pytest.param(size, id=f"{size[0]}x{size[1]}") for size in chosen]
    )


@sizes(SIZES)
def test_the_deck(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """Sixteen providers, every state at a glance.

    40x12: one line a provider, columns straight, names shortened before numbers. 80x24: two columns
    of compact cards, scrolling. 120x36: three columns, all sixteen in sight. 200x50: four columns,
    resets and pace below the bars. The first card has a heavy frame. Only what needs attention has
    a colour: Kimi, Claude and Copilot red, the session of Claude amber, Gemini's age amber; Kiro is
    dim. The line of keys is the last line and ends with help and quit.
    """
    app = app_with(FakeDeck(everybody()))
    assert snap_compare(app, terminal_size=size, run_before=after())


@sizes([(120, 36)])
def test_few_cards_are_roomy(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """Three comfortable cards side by side; below every bar reset and pace, under the bar."""
    app = app_with(
        FakeDeck([item for item in everybody() if item[0] in ("Claude", "Kimi", "Codex")])
    )
    assert snap_compare(app, terminal_size=size, run_before=after())


@sizes([(80, 24)])
def test_used_and_clock_times(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """The bars count what is used: Kimi's week is almost full and red. Resets are clock times."""
    app = app_with(FakeDeck(everybody()))
    assert snap_compare(app, terminal_size=size, run_before=after("u", "t"))


@sizes([(40, 12), (120, 36)])
def test_details(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """z.ai in full: three windows with their facts, a chart, plan and links, attempts below.

    At 40 columns everything stands in one column and long facts go on below their beginning.
    """
    app = app_with(FakeDeck(everybody()))
    assert snap_compare(app, terminal_size=size, run_before=after("right", "enter"))


@sizes([(120, 36)])
def test_the_log(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """Three lines below the cards, in columns; the keys are those of the log."""
    app = app_with(FakeDeck(everybody()))
    assert snap_compare(app, terminal_size=size, run_before=after("L"))


@sizes([(80, 24)])
def test_the_filter(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """Kimi, Kiro and Kimi K2 are left; the words stand above the line of keys."""
    app = app_with(FakeDeck(everybody()))
    assert snap_compare(app, terminal_size=size, run_before=after("slash", "k", "i", "enter"))


@sizes([(80, 24)])
def test_help(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """A frame over the deck with the keys of this place, in columns."""
    app = app_with(FakeDeck(everybody()))
    assert snap_compare(app, terminal_size=size, run_before=after("question_mark"))


@sizes([(40, 12), (80, 24)])
def test_welcome(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """Two findings with their digits, the first one ticked; at most three lines of help."""
    found = [
        FakeDetection("kiro", "Kiro", "kiro-cli on PATH"),
        FakeDetection("vertexai", "Vertex AI", "gcloud login of ada@example.org"),
    ]
    app = app_with(FakeDeck([], detections=found))
    assert snap_compare(app, terminal_size=size, run_before=after("1"))


@sizes([(28, 6)])
def test_too_small(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """One sentence in the middle with the size needed."""
    app = app_with(FakeDeck(everybody()))
    assert snap_compare(app, terminal_size=size, run_before=after())


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark"])
def test_themes(snap_compare: SnapCompare, theme: str) -> None:
    """The same deck on light ground, and in the sixteen colours of the terminal."""
    app = app_with(FakeDeck(everybody(), config=FakeConfig(theme=theme)))
    assert snap_compare(app, terminal_size=(80, 24), run_before=after())


def test_without_utf8(snap_compare: SnapCompare) -> None:
    """Bars of # and -, frames of + and -; every column where it is otherwise."""
    app = app_with(FakeDeck(everybody(), prefs=Preferences(ascii=True)))
    assert snap_compare(app, terminal_size=(80, 24), run_before=after())


def test_without_colour(snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch) -> None:
    """Greys only: the states differ by sign, word and texture."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = app_with(FakeDeck(everybody()))
    assert snap_compare(app, terminal_size=(80, 24), run_before=after())
