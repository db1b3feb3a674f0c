"""One field of a settings page: label, control, where the value comes from, what was said about it.

The only place that turns a declared field into an `Input`, a `Select` or a `Switch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import HorizontalGroup, VerticalGroup
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList, Select, Static, Switch

from tui.form import NOT_SET, Entry, FormField
from tui.providers._spec import ChoiceField, FlagField, NumberField, PathField, SecretField
from tui.widgets.pick_input import PickArrow, PickInput
from tui.widgets.secret_input import KEPT, SecretInput

Tone = Literal["good", "bad", "caution", "plain"]
NOBODY_SAYS = ("default", NOT_SET)
TONE_SIGNS: dict[Tone, str] = {"good": "✓ ", "bad": "✗ ", "caution": "! ", "plain": ""}


class SettingRow(VerticalGroup):
    """One field. It shows what it is given and tells what is entered.

    Args:
        entry: What stands in it.
    """

    @dataclass
    class Entered(Message):
        """Something else stands in the field."""

        row: SettingRow
        entry: Entry
        is_whole: bool = True
        """Not in the middle of typing."""

    @dataclass
    class Previewed(Message):
        """A choice is being looked at, not chosen yet."""

        key: str
        word: str

    @dataclass
    class OptionsRequested(Message):
        """The user wants to choose from what is on this machine."""

        row: SettingRow

    class Done(Message):
        """The user is done with the field."""

    def __init__(self, field: FormField, entry: Entry = None) -> None:
        super().__init__(id=row_id(field.key), classes="row")
        self.field = field
        self._entry = entry

    def compose(self) -> ComposeResult:
        """Label and control; below the control whatever there is to say."""
        yield Static(self.field.label, classes="label", markup=False)
        with VerticalGroup(classes="body"):
            yield from controls(self.field, self._entry)
            yield Static(classes="said", markup=False)
            yield Static(classes="facts", markup=False)

    def on_mount(self) -> None:
        """Show what is known about the field."""
        self.show_changed(False)
        self.say_nothing()
        if isinstance(self.field.declared, ChoiceField):
            self.watch(self.query_one(OptionList), "highlighted", self._look_at, init=False)
            self.watch(self.query_one(Select), "expanded", self._look_away, init=False)

    @property
    def control(self) -> Widget:
        """What the user enters something into."""
        return self.query_one(".control")

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Show a sentence below the control; an empty one goes away."""
        for said in self._lines(".said"):
            said.display = bool(text)
            said.set_classes(f"said -{tone}")
            said.update(Content(f"{TONE_SIGNS[tone]}{text}"))

    def say_nothing(self) -> None:
        """Show no more than what is wrong with the saved value, or to be minded."""
        if self.field.problem:
            self.say(self.field.problem, "bad")
        else:
            self.say(self.field.caution, "caution")

    def show_changed(self, is_changed: bool) -> None:
        """Tell whether what stands here differs from what is saved."""
        self.set_class(is_changed, "-changed")
        origin, style = self.field.origin, "$foreground 80%"
        if is_changed:
            origin, style = "not saved yet", "$text-warning"
        elif origin in NOBODY_SAYS:
            style = ""
        explained = f" · {self.field.declared.help}" if self.field.declared.help else ""
        facts = Content.assemble((origin, style), explained)
        for line in self._lines(".facts"):
            line.update(facts)

    def _lines(self, place: str) -> Iterator[Static]:
        """A line below the control; none is there while the page is being turned."""
        return iter(self.query(place).results(Static))

    def put(self, entry: Entry) -> None:
        """Show an entry that was not made here."""
        shown = self.field.shown(entry)
        match self.control:
            case SecretInput() as secret:
                secret.clear()
            case Select() as select:
                select.value = str(shown or "")
            case Switch() as switch:
                switch.value = shown is True
            case Input() as text:
                text.value = str(shown or "")

    # -- what is entered -------------------------------------------------------------------------

    @on(Input.Changed)
    def _text_changed(self, message: Input.Changed) -> None:
        message.stop()
        self.post_message(self.Entered(self, message.value or None, is_whole=False))

    @on(SecretInput.Changed)
    def _secret_changed(self, message: SecretInput.Changed) -> None:
        message.stop()
        self.post_message(self.Entered(self, message.typed, message.is_whole))

    @on(Select.Changed)
    def _choice_changed(self, message: Select.Changed) -> None:
        message.stop()
        self.post_message(self.Entered(self, str(message.value) or None))

    @on(Switch.Changed)
    def _switch_changed(self, message: Switch.Changed) -> None:
        message.stop()
        self.query_one(".word", Static).update(_word(message.value))
        self.post_message(self.Entered(self, message.value))

    @on(Input.Submitted)
    @on(SecretInput.Submitted)
    def _done(self, message: Message) -> None:
        message.stop()
        self.post_message(self.Done())

    @on(PickInput.Opened)
    def _options_wanted(self, message: Message) -> None:
        message.stop()
        self.post_message(self.OptionsRequested(self))

    def _look_at(self, index: int | None) -> None:
        if index is not None and self.query_one(Select).expanded:
            word, _ = self.field.choices()[index]
            self.post_message(self.Previewed(self.field.key, word))

    def _look_away(self, is_expanded: bool) -> None:
        if not is_expanded:
            word = str(self.query_one(Select).value)
            self.post_message(self.Previewed(self.field.key, word))


def row_id(key: str) -> str:
    """The id of a field's row."""
    return f"row-{key.replace('.', '-')}"


# -- controls --------------------------------------------------------------------------------------


def controls(field: FormField, entry: Entry) -> Iterator[Widget]:
    """What a field is entered with."""
    match field.declared:
        case SecretField():
            yield _secret(field, entry)
        case ChoiceField():
            yield _choice(field, entry)
        case FlagField():
            yield _flag(field, entry)
        case PathField():
            yield _pick(field, entry)
        case _ if field.has_options:
            yield _pick(field, entry)
        case _:
            yield _text(field, entry)


def _secret(field: FormField, entry: Entry) -> Widget:
    assert isinstance(field.declared, SecretField)
    kept = KEPT if field.origin != NOT_SET else ""
    secret = SecretInput(kept or field.declared.placeholder or "type or paste", entry)
    secret.add_class("control")
    return secret


def _choice(field: FormField, entry: Entry) -> Widget:
    # Text, because a plain string would be read as markup.
    options = [(Text(label), word) for word, label in field.choices()]
    value = str(field.shown(entry) or "")
    return Select(options, value=value, allow_blank=False, compact=True, classes="control")


def _flag(field: FormField, entry: Entry) -> Widget:
    is_on = field.shown(entry) is True
    switch = Switch(is_on, animate=False, classes="control")
    return HorizontalGroup(switch, Static(_word(is_on), classes="word", markup=False))


def _pick(field: FormField, entry: Entry) -> Widget:
    return HorizontalGroup(_line(PickInput, field, entry), PickArrow())


def _text(field: FormField, entry: Entry) -> Widget:
    return _line(Input, field, entry)


def _line(kind: type[Input], field: FormField, entry: Entry) -> Input:
    line = kind(
        value=str(entry or ""),
        placeholder=str(field.standing) or getattr(field.declared, "placeholder", ""),
        type="integer" if isinstance(field.declared, NumberField) else "text",
        valid_empty=True,
        select_on_focus=False,
        compact=True,
        classes="control",
    )
    line.cursor_blink = False
    return line


def _word(is_on: bool) -> str:
    return "on" if is_on else "off"
