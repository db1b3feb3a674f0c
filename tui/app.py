"""The program on the screen: wiring, keys, theme, signals, and a calm end.

Knows the deck through `DeckApi` only. Screens and widgets post what the user wants; here it is
done.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import App, SystemCommand, get_system_commands_provider
from textual.binding import Binding, BindingType
from textual.filter import NoColor
from textual.geometry import Size
from textual.screen import Screen
from textual.types import CSSPathType

from tui.deck_api import DeckApi
from tui.messages import (
    COPY_LIMIT,
    CopyRequested,
    DetailsRequested,
    RefreshRequested,
    SettingsRequested,
    SettingsSaved,
)
from tui.screens.dashboard import DashboardScreen
from tui.widgets.ascii_only import AsciiOnly

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.filter import LineFilter

log = logging.getLogger("tui.screen")

DEMO = "demo"
"""What the app returns when the user wants the demo instead."""
SIGNALS = ("SIGTERM", "SIGHUP")
NO_COLOR = NoColor()
ASCII_KEYS = {"⏎": "enter", "←": "left", "→": "right", "↑": "up", "↓": "down"}
"""Names of keys, where their signs would turn into others."""
TYPED_IN_INPUTS = frozenset({"help", "quit"})
"""Actions on single letters, which belong to the text while one is typed."""


def providers_of_commands() -> type[Provider]:
    """Loaded with the first look at the palette."""
    from tui.screens.commands import GoToProvider

    return GoToProvider


class UsageApp(App[str]):
    """The dashboard and everything that opens above it."""

    CSS_PATH: ClassVar[CSSPathType] = ["app.tcss", "screens/dashboard.tcss"]
    """Textual does not load the CSS of a default screen by itself."""
    TITLE = "quotadeck"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        get_system_commands_provider,
        providers_of_commands,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "help", id="help"),
        Binding("q", "quit", "quit", id="quit"),
        Binding(
            "ctrl+p",
            "command_palette",
            "everything by name",
            id="palette",
            show=False,
            priority=True,
        ),
        Binding("ctrl+z", "suspend_process", "suspend", id="suspend", show=False),
    ]

    def __init__(self, deck: DeckApi) -> None:
        super().__init__()
        self.deck = deck
        self.animation_level = "none"
        self.dashboard = DashboardScreen(deck)
        self._ascii = AsciiOnly(enabled=deck.prefs.ascii)
        self.take_over_settings()

    def get_default_screen(self) -> Screen[None]:
        """The dashboard lies at the bottom of the stack."""
        return self.dashboard

    def take_over_settings(self) -> None:
        """Theme and keys as the settings say; an unknown theme is left out."""
        if self.deck.config.theme in self.available_themes:
            self.theme = self.deck.config.theme
        self.set_keymap(dict(self.deck.config.keys))

    # -- beginning and end -----------------------------------------------------------------------

    def on_mount(self) -> None:
        """Whoever ends the terminal ends the program, and it leaves the terminal clean."""
        loop = asyncio.get_running_loop()
        for name in SIGNALS:
            number = getattr(signal, name, None)
            if number is not None:
                with contextlib.suppress(NotImplementedError):  # Windows
                    loop.add_signal_handler(number, self.exit)
        # Textual does not paint by itself after ctrl+z and fg.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    async def on_unmount(self) -> None:
        """Programs, connections and files end with the screen."""
        await self.deck.aclose()

    def _fatal_error(self) -> None:
        """One line instead of the stock traceback, which prints local variables: tokens too."""
        log.critical("the screen failed", exc_info=True)
        where = f" The log has more: {self.deck.log_place}" if self.deck.log_place else ""
        error = type(self._exception).__name__
        if not self._exit_renderables:
            self._exit_renderables.append(Text(f"quotadeck: internal error ({error}).{where}"))
        self._close_messages_no_wait()

    # -- input -----------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Whatever the user does counts as interaction."""
        if isinstance(event, events.InputEvent | events.Resize) and self.deck.is_started:
            self.deck.engine.interaction()
        if isinstance(event, events.Resize):
            self._mind_size(event.size)
        await super().on_event(event)

    def on_app_focus(self) -> None:
        """The terminal came to the front."""
        if self.deck.is_started:
            self.deck.engine.focus_in()

    def _mind_size(self, size: Size) -> None:
        """Where numbers cannot be shown, one sentence says so until there is room again."""
        from tui.screens.too_small import TooSmallScreen, is_too_small

        lies_on_top = isinstance(self.screen, TooSmallScreen)
        if is_too_small(size) and not lies_on_top:
            self.push_screen(TooSmallScreen())
        elif lies_on_top and not is_too_small(size):
            self.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters belong to the text while one is typed."""
        focused = self.focused
        is_typing = focused is not None and focused.check_consume_key("x", "x")
        return not (action in TYPED_IN_INPUTS and is_typing)

    def get_key_display(self, binding: Binding) -> str:
        """A key as the terminal can show it."""
        shown = super().get_key_display(binding)
        return ASCII_KEYS.get(shown, shown) if self._ascii.enabled else shown

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Terminals without UTF-8 get signs they have; with `NO_COLOR` no colour is written at all,
        where Textual would write greys."""
        filters: Sequence[LineFilter] = [NO_COLOR] if self.no_color else super().get_line_filters()
        return [*filters, self._ascii] if self._ascii.enabled else filters

    @on(DashboardScreen.Started)
    def _tell_problems(self) -> None:
        """What is wrong with the settings, calmly; the rest of them is in force."""
        for problem in (*self.deck.problems, *self._key_problems()):
            self.notify(problem, title="Settings", severity="warning", timeout=12, markup=False)

    def _key_problems(self) -> list[str]:
        if not self.deck.config.keys:
            return []
        from tui.screens.details import DetailsScreen
        from tui.screens.keys import key_problems
        from tui.screens.settings import SettingsScreen
        from tui.screens.welcome import WelcomeScreen
        from tui.widgets.log_pane import LogPane

        together = [*DashboardScreen.BINDINGS, *self.BINDINGS]
        places = (DetailsScreen, SettingsScreen, WelcomeScreen, LogPane)
        everywhere = [*together, *(item for place in places for item in place.BINDINGS)]
        return key_problems(self.deck.config.keys, everywhere, together)

    # -- what the user wants ---------------------------------------------------------------------

    @on(RefreshRequested)
    def _refresh(self, message: RefreshRequested) -> None:
        if not self.deck.is_started:
            return
        key, engine = message.key, self.deck.engine
        work = engine.refresh_all(user=True) if key is None else engine.refresh(key, user=True)
        self.run_worker(work, group=f"refresh:{key or ''}", exit_on_error=False)

    @on(DetailsRequested)
    def _show_details(self, message: DetailsRequested) -> None:
        from tui.screens.details import DetailsScreen

        details = DetailsScreen(self.deck, message.key)
        details.watch(self.dashboard, "now", details.look_again, init=False)
        self.push_screen(details)

    @on(SettingsRequested)
    def _show_settings(self, message: SettingsRequested) -> None:
        from tui.screens.settings import SettingsScreen

        if self.deck.is_started:
            self.push_screen(SettingsScreen(self.deck, message.key))

    @on(SettingsSaved)
    async def _settings_saved(self, message: SettingsSaved) -> None:
        """The deck below follows at once. A theme that is only looked at stays."""
        if not message.provider:
            self.take_over_settings()
        await self.dashboard.take_over()

    @on(DashboardScreen.Empty)
    def _welcome(self) -> None:
        from tui.screens.welcome import WelcomeScreen

        if self.screen is self.dashboard:
            self.push_screen(WelcomeScreen(self.deck), self._welcomed)

    async def _welcomed(self, wants_demo: bool | None) -> None:
        if wants_demo:
            self.exit(DEMO)
        else:
            await self.dashboard.take_over()

    @on(CopyRequested)
    def copy(self, message: CopyRequested) -> None:
        """Put a text on the clipboard of the user's own terminal, and say where else it is."""
        self.copy_to_clipboard(message.text[:COPY_LIMIT])
        self.notify(
            f"{message.what} sent to the clipboard.\n{message.fallback}",
            title="Copy",
            markup=False,
        )

    def action_help(self) -> None:
        """The keys of the focused place."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen.active_bindings.values()))

    def action_help_quit(self) -> None:
        """ctrl+c ends the program like everywhere else."""
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything a key does in this place, by name."""
        yield SystemCommand("theme", "change the colours for this run", self.action_change_theme)
        actions: dict[str, SystemCommand] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.id and active.enabled:
                run = partial(self.run_action, binding.action, active.node)
                key = f"key {self.get_key_display(binding)}"
                actions.setdefault(binding.action, SystemCommand(binding.description, key, run))
        yield from actions.values()
