"""Choosing from what is on this machine: found names, or a file somewhere in the folders."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker, WorkerState

from tui.core.errors import FetchError, internal_error
from tui.core.text import clean
from tui.form import Folder, error_text

log = logging.getLogger("tui.screen")

Options = Sequence[tuple[str, str]]
"""Pairs of value and label."""


class PickerScreen(ModalScreen[str | None]):
    """Gives the chosen value, or nothing. What takes time is looked up while the frame is there."""

    CSS_PATH = "picker.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back"),
        Binding("j", "move('cursor_down')", "down", show=False),
        Binding("k", "move('cursor_up')", "up", show=False),
    ]

    def __init__(self, heading: str, present: str) -> None:
        super().__init__()
        self._heading = heading
        self._present = present
        self._values: list[str] = []

    def compose(self) -> ComposeResult:
        """A frame with a list, or a sentence instead."""
        with Vertical() as frame:
            frame.border_title = Content(self._heading)
            frame.border_subtitle = "enter takes it · esc back"
            yield Static("Looking …", id="note", markup=False)
            yield OptionList(compact=True)

    def on_mount(self) -> None:
        """Look without holding anything up."""
        self.query_one(OptionList).display = False
        self.start_looking()

    def start_looking(self) -> Worker[None]:
        """Look beside the screen."""
        return self.run_worker(self.look, exclusive=True, exit_on_error=False)

    async def look(self) -> None:
        """Find what can be chosen and `offer` it."""
        raise NotImplementedError

    def offer(self, options: Options, remark: str = "") -> None:
        """Show what can be chosen, and what there is to say about it."""
        note, choices = self.query_one("#note", Static), self.query_one(OptionList)
        self._values = [value for value, _ in options]
        note.update(Content(remark))
        note.display = bool(remark)
        choices.display = bool(options)
        choices.set_options(Option(Content(label)) for _, label in options)
        if options:
            is_there = self._present in self._values
            choices.highlighted = self._values.index(self._present) if is_there else 0
            choices.focus()

    def chosen(self, value: str) -> None:
        """Something was chosen."""
        self.dismiss(value)

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        """A mistake of ours is a sentence, never the end of the screen."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None and self.is_attached:
            log.error("the choices failed", exc_info=error)
            self.offer((), error_text(internal_error(error)))

    async def action_move(self, how: str) -> None:
        """Letters for the arrow keys."""
        await self.query_one(OptionList).run_action(how)

    @on(OptionList.OptionSelected)
    def _selected(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self.chosen(self._values[message.option_index])


class FoundPicker(PickerScreen):
    """Choosing from names a provider finds.

    Args:
        find: Finds them; raises `FetchError` with the reason when it cannot.
    """

    def __init__(self, heading: str, present: str, find: Callable[[], Awaitable[Options]]) -> None:
        super().__init__(heading, present)
        self._find = find

    async def look(self) -> None:
        """Ask the provider."""
        try:
            found = await self._find()
            self.offer(found, "" if found else "Nothing was found on this machine.")
        except FetchError as error:
            self.offer((), error_text(error.info()))


HERE = "."
UP = ".."


class PathPicker(PickerScreen):
    """Walking through folders to a file or folder.

    Args:
        list_folder: What lies around a path; raises `FetchError` when that cannot be read.
    """

    def __init__(
        self, heading: str, present: str, list_folder: Callable[[str], Awaitable[Folder]]
    ) -> None:
        super().__init__(heading, present)
        self._list_folder = list_folder
        self._folder = _somewhere(present)

    async def look(self) -> None:
        """Show the folder."""
        try:
            self._folder = await self._list_folder(self._folder.path)
        except FetchError as error:
            self.offer(((UP, "../"),), error_text(error.info()))
            return
        folders = ((f"{name}/", f"{clean(name)}/") for name in self._folder.folders)
        files = ((name, clean(name)) for name in self._folder.files)
        self.query_one(Vertical).border_title = Content(self._folder.path)
        self.offer(((HERE, "./  this folder"), (UP, "../"), *folders, *files))

    def chosen(self, value: str) -> None:
        """Folders are walked into; a file, or `.`, is taken."""
        if value == HERE:
            self.dismiss(self._folder.path)
        elif value == UP:
            self._walk(self._folder.parent)
        elif value.endswith("/"):
            self._walk(self._below(value.rstrip("/")))
        else:
            self.dismiss(self._below(value))

    def _walk(self, path: str) -> None:
        self._folder = _somewhere(path)
        self.start_looking()

    def _below(self, name: str) -> str:
        return str(PurePath(self._folder.path) / name)


def _somewhere(path: str) -> Folder:
    """A folder before it was looked into."""
    return Folder(path=path, parent=str(PurePath(path).parent))
