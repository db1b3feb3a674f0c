"""Which organization of a claude.ai login is meant."""

from __future__ import annotations

from typing import Any, NamedTuple

from tui.core.errors import ParseError, Unsupported
from tui.providers._parse import items, mapping, text, type_word
from tui.providers.claude.parse import SERVICE

CHAT, API = "chat", "api"


class Organization(NamedTuple):
    """One organization of a login."""

    id: str
    name: str
    capabilities: frozenset[str]

    @property
    def is_api_only(self) -> bool:
        """Whether it has no subscription."""
        return self.capabilities == {API}


def parse_organizations(answer: Any) -> tuple[Organization, ...]:
    """The organizations; entries without an id are passed over.

    Raises:
        ParseError: The answer is no list.
    """
    if not isinstance(answer, list):
        raise ParseError(f"{SERVICE} sent {type_word(answer)} where organizations were expected.")
    found = (mapping(entry) for entry in answer)
    return tuple(
        Organization(
            id=text(entry.get("uuid")),
            name=text(entry.get("name")),
            capabilities=frozenset(filter(None, map(text, items(entry.get("capabilities"))))),
        )
        for entry in found
        if text(entry.get("uuid"))
    )


def choose(organizations: tuple[Organization, ...], wanted: str) -> Organization:
    """The one of the settings, else the first that can chat, else the first with more than the
    API, else the first.

    Raises:
        Unsupported: There is none, or not the wanted one.
    """
    if not organizations:
        raise Unsupported(f"This {SERVICE} login belongs to no organization.")
    if wanted:
        for organization in organizations:
            if organization.id.lower() == wanted.lower():
                return organization
        raise Unsupported(
            f"This {SERVICE} login does not belong to the chosen organization.",
            hint="Correct organization_id.",
        )
    chatting = (found for found in organizations if CHAT in found.capabilities)
    subscribed = (found for found in organizations if not found.is_api_only)
    return next(chatting, None) or next(subscribed, None) or organizations[0]
