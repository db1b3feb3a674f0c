"""What the parts of the screen tell each other. Messages go up; values go down as attributes."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.core.models import ProviderKey, ProviderState


@dataclass
class ProviderStateChanged(Message):
    """The engine knows something new about a provider."""

    state: ProviderState


@dataclass
class RefreshRequested(Message):
    """The user wants fresh numbers."""

    key: ProviderKey | None
    """`None` asks everybody."""


@dataclass
class DetailsRequested(Message):
    """The user wants to see everything about a provider."""

    key: ProviderKey


@dataclass
class SettingsSaved(Message):
    """Something in the settings changed."""

    provider: str
    """Id of the provider; empty for the general settings."""


@dataclass
class SettingsRequested(Message):
    """The user wants to change something."""

    key: ProviderKey | None
    """Where to open the settings; `None` opens the general ones."""


@dataclass
class FilterChanged(Message):
    """Only cards with these words in their names are wanted."""

    words: str


class Closed(Message):
    """The log or the filter is done; the cards get the focus back."""


class LogLinesAdded(Message):
    """The log grew."""


COPY_LIMIT = 70_000
"""Terminals drop longer clipboard sequences without a word."""


@dataclass
class CopyRequested(Message):
    """The user wants a text on the clipboard."""

    text: str
    what: str
    """What the text is: "3 log lines"."""
    fallback: str = ""
    """Where else the text is to be had: not every terminal lets programs copy."""
