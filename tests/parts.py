"""Real parts that some tests drive, and the Debian package each comes from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

PARTS = {
    "sshd": ("sshd", "openssh-server"),
    "ssh": ("ssh", "openssh-client"),
    "tmux": ("tmux", "tmux"),
    "chromium": ("chromium", "chromium"),
    "chromedriver": ("chromedriver", "chromium-driver"),
    "firefox": ("firefox-esr", "firefox-esr"),
    "certutil": ("certutil", "libnss3-tools"),
    "gnome-keyring": ("gnome-keyring-daemon", "gnome-keyring"),
    "dbus": ("dbus-daemon", "dbus-daemon"),
    "lsof": ("lsof", "lsof"),
}
PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin", "/sbin"))


def find_part(part: str) -> str | None:
    """Path of the program behind a part."""
    return shutil.which(PARTS[part][0], path=PLACES)


def missing_parts(parts: Iterable[str]) -> dict[str, str]:
    """Those that are not here, with the package that brings them."""
    return {part: PARTS[part][1] for part in parts if find_part(part) is None}
