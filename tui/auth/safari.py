"""Cookies of Safari, read by browser-cookie3 from a private copy.

macOS guards the file: without Full Disk Access opening it is refused.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tui.auth.cookie import Cookie
from tui.auth.profiles import SAFARI_COOKIES
from tui.auth.readers import concerns

APPLE_EPOCH_S = 978_307_200
"""The moment of a date that is zero, which stands for none."""


class DamagedCookies(Exception):
    """The file has a form that is not understood."""


def read_cookies(library: Path, domains: Sequence[str]) -> list[Cookie]:
    """The cookies for these domains, from the first file that is there.

    Raises:
        OSError: The file may not be read.
        DamagedCookies: It could not be taken apart.
    """
    for name in SAFARI_COOKIES:
        with tempfile.TemporaryDirectory(prefix="quotadeck-") as folder:
            copy = Path(folder) / "Cookies.binarycookies"
            try:
                shutil.copyfile(library / name, copy)
            except FileNotFoundError:
                continue
            return [_cookie(found) for found in _parsed(copy) if concerns(found.domain, domains)]
    return []


def _parsed(copy: Path) -> list[Any]:
    """What the library makes of it; its errors have no common class."""
    import browser_cookie3

    try:
        return list(browser_cookie3.safari(cookie_file=str(copy)))
    except Exception as error:
        raise DamagedCookies(type(error).__name__) from error


def _cookie(found: Any) -> Cookie:
    return Cookie(
        name=found.name,
        value=found.value or "",
        domain=found.domain.lstrip(".").lower(),
        host_only=not found.domain.startswith("."),
        path=found.path or "/",
        secure=bool(found.secure),
        expires_at=_moment(found.expires),
    )


def _moment(seconds: float | None) -> datetime | None:
    if not seconds or seconds <= APPLE_EPOCH_S:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
