"""Reading the claims of a JSON Web Token. Signatures are not checked: the service does that."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any

from tui.core.redact import Secret


def claims(token: Secret | str) -> dict[str, Any]:
    """The claims of a three-part token, or nothing when it is not one."""
    text = token.reveal() if isinstance(token, Secret) else token
    parts = text.split(".")
    if len(parts) != 3:
        return {}
    try:
        decoded = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def text_claim(token: Secret | str, name: str) -> str:
    """One claim when it is a string, else an empty text."""
    value = claims(token).get(name)
    return value if isinstance(value, str) else ""


def expires_at(token: Secret | str) -> datetime | None:
    """The moment of the claim `exp`, in UTC."""
    value = claims(token).get("exp")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
