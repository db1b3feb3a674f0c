"""The deck by keyboard and mouse, on canned states."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.widget import Widget

from tests.support import NOON
from tests.ui.deck import FakeConfig, FakeDeck
from tests.ui.driving import card, focused, log_lines, open_log, opened, screen_text, shown, until
from tests.ui.states import everybody, failed, good, hours, window
from tui.app import UsageApp
from tui.core.errors import ErrorKind
from tui.core.models import ProviderKey, ProviderState
from tui.screens.details import DetailsScreen
from tui.screens.too_small import TooSmallScreen
from tui.screens.welcome import WelcomeScreen
from tui.widgets.filter_line import FilterLine
from tui.widgets.key_bar import KeyBar
from tui.widgets.log_pane import LogPane
from tui.widgets.status_bar import StatusBar
from tui.widgets.usage_row import UsageRow

# -- beginning -----------------------------------------------------------------------------------


async def test_the_first_frame_has_outlines_and_needs_no_card() -> None:
    deck = FakeDeck(everybody())
    app = UsageApp(deck)
    async with app.run_test(size=(120, 36)):
        app.dashboard.grid.remove_children()
        assert "╭─ Kimi ─" in str(app.dashboard.grid.render())


async def test_last_numbers_are_there_before_the_deck_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deck = FakeDeck(everybody())
    started = asyncio.Event()
    monkeypatch.setattr(deck, "start", started.wait)
    app = UsageApp(deck)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause(0.2)
        view = card(app, "kimi").view
        assert view is not None
        assert view.look == "stale"
        assert view.age.startswith("as of 11:59")


@pytest.mark.parametrize("lasting_s", [0.0, 0.02, 0.04, 0.08, 0.12, 0.2])
async def test_closing_in_the_middle_of_the_start_is_no_error(lasting_s: float) -> None:
    async with UsageApp(FakeDeck(everybody())).run_test(size=(120, 36)):
        await asyncio.sleep(lasting_s)


async def test_every_provider_is_watched_and_shown_in_order() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, _):
        assert shown(app) == [state.key.provider for _, state in everybody()]
        assert set(deck.engine.watching) == set(deck.keys())
        assert focused(app) == "kimi"


async def test_a_new_state_reaches_its_card_and_the_top_line() -> None:
    deck = FakeDeck([("Codex", good("codex", window("Week", 30)))])
    async with opened(deck) as (app, pilot):
        deck.engine.publish(good("codex", window("Week", 97)))
        await pilot.pause()
        view = card(app, "codex").view
        assert view is not None
        assert view.rows[0].percent_text == "3%"
        assert "! Codex week 3% left" in screen_text(app).splitlines()[0]


async def test_a_watcher_that_fails_is_an_error_card_and_the_others_go_on() -> None:
    deck = FakeDeck(everybody()[:3])
    deck._engine.broken.add(ProviderKey("zai"))
    async with opened(deck) as (app, _):
        text = screen_text(app)
        assert "Internal error (RuntimeError)." in text
        assert "verysecret" not in text
        assert set(deck.engine.watching) == set(deck.keys())


async def test_problems_of_the_settings_file_are_told() -> None:
    deck = FakeDeck(everybody()[:1], problems=("config.toml, line 3, cadence: 1, 2, 5 [minutes]",))
    async with opened(deck) as (app, pilot):
        await pilot.pause()
        assert [note.message for note in app._notifications] == list(deck.problems)


# -- calm ----------------------------------------------------------------------------------------


def count_repaints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    painted: list[str] = []
    refresh = Widget.refresh

    def counting(self: Widget, *regions: object, **how: object) -> Widget:
        painted.append(type(self).__name__)
        return refresh(self, *regions, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Widget, "refresh", counting)
    return painted


async def test_an_equal_state_repaints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, pilot):
        painted = count_repaints(monkeypatch)
        for _, state in everybody():
            deck.engine.publish(state)
        app.dashboard._tick()
        await pilot.pause()
        assert painted == []


async def test_seconds_that_change_no_text_repaint_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    deck = FakeDeck([("Codex", good("codex", window("Week", 30, 10080, hours(2.005))))])
    async with opened(deck) as (app, pilot):
        painted = count_repaints(monkeypatch)
        for _ in range(15):
            deck.let_pass(1)
            app.dashboard._tick()
        await pilot.pause()
        assert painted == []


async def test_a_minute_repaints_the_words_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    deck = FakeDeck([("Codex", good("codex", window("Week", 30, 10080, hours(2))))])
    async with opened(deck) as (app, pilot):
        painted = count_repaints(monkeypatch)
        deck.let_pass(61)
        app.dashboard._tick()
        await pilot.pause()
        assert sorted(set(painted)) == ["ProviderCard", "UsageRow"]
        assert "Resets in 1h 59m" in screen_text(app)


async def test_close_to_a_reset_every_second_counts() -> None:
    deck = FakeDeck([("Codex", good("codex", window("Week", 30, 10080, timedelta(seconds=2))))])
    async with opened(deck) as (app, pilot):
        for _ in range(3):
            deck.let_pass(1)
            app.dashboard._tick()
        await pilot.pause()
        assert "reset due" in screen_text(app)


async def test_bars_keep_no_timer_of_their_own() -> None:
    async with opened(FakeDeck(everybody())) as (app, _):
        rows = app.dashboard.query(UsageRow)
        assert rows
        assert not any(row.bar._timers for row in rows)


# -- keys ----------------------------------------------------------------------------------------


async def test_the_focus_moves_by_position() -> None:
    async with opened(FakeDeck(everybody()), size=(120, 36)) as (app, pilot):
        path = []
        for key in ("right", "down", "left", "up", "l", "j", "h", "k", "G", "g", "end", "home"):
            await pilot.press(key)
            path.append(focused(app))
        assert path == [
            *("zai", "kiro", "factory", "kimi"),
            *("zai", "kiro", "factory", "kimi"),
            *("minimax", "kimi", "minimax", "kimi"),
        ]


async def test_at_the_edges_the_focus_stays_or_goes_on_in_the_next_row() -> None:
    async with opened(FakeDeck(everybody()), size=(120, 36)) as (app, pilot):
        await pilot.press("left", "up")
        assert focused(app) == "kimi"
        await pilot.press("right", "right", "right")
        assert focused(app) == "factory"
        await pilot.press("G", "up", "right", "down")
        assert focused(app) == "minimax"


async def test_a_page_further_is_about_a_screenful() -> None:
    async with opened(FakeDeck(everybody()), size=(40, 12)) as (app, pilot):
        await pilot.press("pagedown")
        assert focused(app) == "gemini"
        await pilot.press("ctrl+u")
        assert focused(app) == "kimi"


async def test_r_asks_one_and_capital_r_asks_all() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (_, pilot):
        await pilot.press("right", "r", "R")
        await pilot.pause()
        assert deck.engine.asked == [(ProviderKey("zai"), True), (None, True)]


async def test_u_counts_the_other_way_everywhere() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, pilot):
        assert "showing left" in screen_text(app)
        await pilot.press("u")
        await pilot.pause()
        assert "showing used" in screen_text(app)
        view = card(app, "kimi").view
        assert view is not None
        assert (view.rows[0].percent_text, view.rows[0].bar_percent) == ("94%", 94)
        assert card(app, "kimi").query(UsageRow).first().bar.progress == 94


async def test_t_shows_clock_times() -> None:
    async with opened(FakeDeck(everybody())) as (app, pilot):
        assert "2h 12m" in screen_text(app)
        await pilot.press("t")
        await pilot.pause()
        assert "2h 12m" not in screen_text(app)
        assert "14:12" in screen_text(app)


async def test_enter_and_a_double_click_open_the_details() -> None:
    async with opened(FakeDeck(everybody())) as (app, pilot):
        await pilot.press("enter")
        assert isinstance(app.screen, DetailsScreen)
        assert app.screen.key == ProviderKey("kimi")
        await pilot.press("escape")
        await pilot.click(card(app, "codex"))
        assert focused(app) == "codex"
        assert app.dashboard.is_active
        await pilot.click(card(app, "codex"), times=2)
        await pilot.pause()
        assert isinstance(app.screen, DetailsScreen)


async def test_a_click_in_the_line_of_keys_presses_the_key() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (_, pilot):
        await pilot.click(KeyBar, offset=(3, 0))
        await pilot.pause()
        assert deck.engine.asked == [(ProviderKey("kimi"), True)]


async def test_keys_are_remapped_by_their_ids() -> None:
    deck = FakeDeck(everybody(), config=FakeConfig(keys={"refresh_all": "r", "refresh": "x"}))
    async with opened(deck) as (app, pilot):
        await pilot.press("r", "x", "R")
        await pilot.pause()
        assert deck.engine.asked == [(None, True), (ProviderKey("kimi"), True)]
        assert screen_text(app).splitlines()[-1].startswith(" x refresh")


async def test_q_and_ctrl_c_quit() -> None:
    for key in ("q", "ctrl+c"):
        deck = FakeDeck(everybody()[:2])
        async with opened(deck) as (app, pilot):
            await pilot.press(key)
            await pilot.pause()
            assert not app.is_running
        assert deck.closed


# -- filter --------------------------------------------------------------------------------------


async def test_the_filter_keeps_cards_whose_names_contain_the_words() -> None:
    async with opened(FakeDeck(everybody())) as (app, pilot):
        await pilot.press("slash", *"ki")
        await pilot.pause()
        assert shown(app) == ["kimi", "kiro", "kimi-k2"]
        await pilot.press("enter", "right")
        assert focused(app) == "kiro"
        await pilot.press("escape")
        await pilot.pause()
        assert len(shown(app)) == 16
        assert not app.dashboard.query_one(FilterLine).display


async def test_a_filter_without_matches_says_so() -> None:
    async with opened(FakeDeck(everybody())) as (app, pilot):
        await pilot.press("slash", *"xyz")
        await pilot.pause()
        assert "no name contains this" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert focused(app) == "kimi"


async def test_letters_belong_to_the_filter_while_it_is_typed() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, pilot):
        await pilot.press("slash", "q", "r")
        await pilot.pause()
        assert app.is_running
        assert deck.engine.asked == []
        assert screen_text(app).splitlines()[-1].split() == ["⏎", "keep", "esc", "show", "all"]


# -- log -----------------------------------------------------------------------------------------


async def test_the_log_opens_fills_and_closes() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, pilot):
        assert not app.dashboard.query(LogPane)
        deck.ring.add("kimi answers again", provider="kimi")
        await pilot.press("right")
        await open_log(app, pilot)
        assert "12:00:00  kimi          kimi answers again" in screen_text(app)
        deck.ring.add("live [b]line[/x]")
        await until(pilot, lambda: "live [b]line[/x]" in screen_text(app))
        await pilot.press("L")
        await pilot.pause()
        assert "kimi answers again" not in screen_text(app)
        assert focused(app) == "zai"


async def test_lines_written_while_the_log_is_closed_are_there_when_it_opens() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, pilot):
        await open_log(app, pilot)
        await pilot.press("escape")
        deck.ring.add("meanwhile")
        await pilot.press("L")
        await until(pilot, lambda: screen_text(app).count("meanwhile") == 1)


async def test_the_log_is_narrowed_by_level_and_provider() -> None:
    deck = FakeDeck(everybody())
    deck.ring.add("fine", provider="kimi")
    deck.ring.add("careful", level=30, provider="zai")
    deck.ring.add("details", level=10)
    async with opened(deck) as (app, pilot):
        await open_log(app, pilot)
        assert "details" not in log_lines(app)
        await pilot.press("v")
        await until(pilot, lambda: "fine" not in log_lines(app))
        assert "warning: careful" in log_lines(app)
        await pilot.press("v", "v", "p")
        await until(pilot, lambda: log_lines(app).split()[-1:] == ["fine"])
        assert "level debug · kimi" in screen_text(app)


async def test_the_log_is_flushed_at_most_five_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, pilot):
        await open_log(app, pilot)
        pane = app.dashboard.query_one(LogPane)
        flushes: list[int] = []
        flush = pane._flush

        def counting() -> None:
            flushes.append(1)
            flush()

        monkeypatch.setattr(pane, "_flush", counting)
        for number in range(300):
            deck.ring.add(f"line {number}")
            if number % 100 == 0:
                await pilot.pause(0.02)
        await until(pilot, lambda: "line 299" in screen_text(app))
        assert len(flushes) <= 3


async def test_copying_the_log_tells_where_it_is_also_to_be_had() -> None:
    deck = FakeDeck(everybody())
    deck.ring.add("first")
    deck.ring.add("second")
    async with opened(deck) as (app, pilot):
        await open_log(app, pilot)
        await pilot.press("y")
        await pilot.pause()
        assert app.clipboard.splitlines()[1].endswith("second")
        (note,) = app._notifications
        assert "2 log lines" in note.message
        assert deck.log_place in note.message


async def test_of_very_many_lines_the_newest_are_copied() -> None:
    deck = FakeDeck(everybody())
    for number in range(1000):
        deck.ring.add(f"line {number} {'x' * 100}")
    async with opened(deck) as (app, pilot):
        await open_log(app, pilot)
        await pilot.press("y")
        await pilot.pause()
        copied = app.clipboard.splitlines()
        assert " line 999 " in copied[-1]
        assert all(line.endswith("x" * 100) for line in copied)
        assert f"{len(copied)} log lines" in next(note.message for note in app._notifications)


async def test_an_empty_log_says_so_and_there_is_nothing_to_copy() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (app, pilot):
        await open_log(app, pilot)
        await until(pilot, lambda: "No lines of this level yet." in log_lines(app))
        await pilot.press("y")
        await pilot.pause()
        assert [note.message for note in app._notifications] == ["There are no lines to copy."]
        deck.ring.add("the first one")
        await until(pilot, lambda: "the first one" in log_lines(app))
        assert "No lines" not in log_lines(app)


async def test_new_lines_do_not_move_what_is_being_read() -> None:
    deck = FakeDeck(everybody())
    for number in range(100):
        deck.ring.add(f"line {number}.")
    async with opened(deck) as (app, pilot):
        await open_log(app, pilot)
        await until(pilot, lambda: "line 99." in log_lines(app))
        await pilot.press("g")
        await until(pilot, lambda: "line 0." in log_lines(app))
        deck.ring.add("line 100.")
        await pilot.pause(0.5)
        assert "line 0." in log_lines(app)
        await pilot.press("G")
        await until(pilot, lambda: "line 100." in log_lines(app))
        deck.ring.add("line 101.")
        await until(pilot, lambda: "line 101." in log_lines(app))


# -- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "density"),
    [((40, 12), "line"), ((80, 24), "compact"), ((120, 36), "compact"), ((200, 60), "comfortable")],
)
async def test_no_size_cuts_a_number_or_wraps_the_line_of_keys(
    size: tuple[int, int], density: str
) -> None:
    async with opened(FakeDeck(everybody()), size=size) as (app, _):
        lines = screen_text(app).splitlines()
        assert app.dashboard.space.density == density
        assert all(len(line) == size[0] for line in lines)
        assert "38%" in "\n".join(lines)
        assert lines[-1].rstrip().endswith(("q quit", "q"))


async def test_resizing_places_the_same_cards_anew() -> None:
    async with opened(FakeDeck(everybody()), size=(200, 60)) as (app, pilot):
        await pilot.press("right")
        for size in ((40, 12), (120, 36), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert focused(app) == "zai"
            assert all(len(line) == size[0] for line in screen_text(app).splitlines())
        assert app.dashboard.grid.columns == 2


async def test_rows_come_and_go_with_the_windows() -> None:
    deck = FakeDeck([("Codex", good("codex", window("Week", 30)))])
    async with opened(deck) as (app, pilot):
        more = [window(f"Limit {number}", 10 * number) for number in range(4)]
        for windows in (more, more[:1], more[:3]):
            deck.engine.publish(good("codex", *windows))
            await pilot.pause()
            rows = [row for row in card(app, "codex").query(UsageRow) if row.display]
            assert [row.line.spoken.split(":")[0] for row in rows if row.line] == [
                item.label for item in windows
            ]


async def test_below_the_smallest_size_one_sentence_is_left_and_q_quits() -> None:
    async with opened(FakeDeck(everybody()), size=(80, 24)) as (app, pilot):
        await pilot.resize_terminal(29, 10)
        await pilot.pause()
        assert isinstance(app.screen, TooSmallScreen)
        assert "30×8 is" in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert app.dashboard.is_active
        await pilot.resize_terminal(80, 7)
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


async def test_the_sentence_does_not_come_back_from_below_another_screen() -> None:
    async with opened(FakeDeck([]), size=(20, 5)) as (app, pilot):
        assert isinstance(app.screen, TooSmallScreen)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        await pilot.resize_terminal(80, 25)
        app.pop_screen()
        await pilot.pause()
        assert not isinstance(app.screen, TooSmallScreen)


async def test_a_terminal_that_is_too_small_from_the_start() -> None:
    async with opened(FakeDeck(everybody()), size=(20, 5)) as (app, _):
        assert isinstance(app.screen, TooSmallScreen)


async def test_the_next_step_is_in_sight_whatever_else_a_card_says() -> None:
    about = "The service answered with something that is not an answer at all. " * 4
    lost = failed("codex", ErrorKind.SERVER, about, "Look at its status page.")
    for size in ((120, 36), (80, 24)):
        async with opened(FakeDeck([("Codex", lost), *everybody()[:5]]), size=size) as (app, _):
            assert "Look at its status page." in screen_text(app)


# -- foreign text and interaction ----------------------------------------------------------------


async def test_markup_in_foreign_text_is_shown_as_it_is() -> None:
    evil = "[/x] [@click=app.quit]a[/] [b"
    state = good("codex", window(evil, 30), plan=evil, notice=evil)
    async with opened(FakeDeck([(evil, state)]), size=(200, 60)) as (app, pilot):
        assert screen_text(app).count("[@click=app.quit]") >= 2
        await pilot.press("enter")
        await pilot.pause()
        assert "[@click=app.quit]" in screen_text(app)


async def test_keys_and_mouse_are_reported_as_interaction() -> None:
    deck = FakeDeck(everybody())
    async with opened(deck) as (_, pilot):
        before = deck.engine.interactions
        await pilot.press("right")
        await pilot.hover(StatusBar)
        assert deck.engine.interactions >= before + 2


async def test_a_provider_switched_on_gets_a_card_and_one_switched_off_loses_it() -> None:
    deck = FakeDeck(everybody()[:3])
    async with opened(deck) as (app, pilot):
        key = ProviderKey("amp")
        deck._engine.states[key] = ProviderState(key=key)
        names = {key: "Amp", **deck.names}
        names.pop(ProviderKey("zai"))
        deck.names = names
        await app.dashboard.take_over()
        await pilot.pause()
        assert shown(app) == ["amp", "kimi", "openrouter"]
        assert deck.engine.watching.count(ProviderKey("kimi")) == 1
        assert key in deck.engine.watching


async def test_restored_numbers_become_current_with_the_first_answer() -> None:
    deck = FakeDeck(everybody()[:1])
    async with opened(deck) as (app, pilot):
        state = deck.engine.state(ProviderKey("kimi"))
        deck.engine.publish(replace(state, restored=True))
        await pilot.pause()
        assert card(app, "kimi").has_class("-look-stale")
        deck.engine.publish(replace(state, restored=False, attempted_at=NOON))
        await pilot.pause()
        assert card(app, "kimi").has_class("-look-fresh")
