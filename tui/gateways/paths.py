"""Where our own files live: the platform's folders, made private when they are made."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = "quotadeck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Places of interface.md, "Files"."""

    config_file: Path
    data: Path
    """Secrets, where no key store works without a prompt."""
    state: Path
    """Last good numbers, gates, history, log."""
    cache: Path
    """Log-scan store."""
    home: Path

    @property
    def work(self) -> Path:
        """The empty folder programs of others are started in."""
        return self.state / "work"


def find_paths(env: Mapping[str, str] | None = None) -> Paths:
    """The places for this environment; nothing is created."""
    env = os.environ if env is None else env
    # A line break at the end has been seen where a script set it.
    home = Path((env.get("HOME") or env.get("USERPROFILE") or "").strip("\r\n") or Path.home())
    return Paths(
        config_file=_config_file(env, home),
        data=_folder(env, "XDG_DATA_HOME", home, ".local/share", "user_data_dir"),
        state=_folder(env, "XDG_STATE_HOME", home, ".local/state", "user_state_dir"),
        cache=_folder(env, "XDG_CACHE_HOME", home, ".cache", "user_cache_dir"),
        home=home,
    )


def _config_file(env: Mapping[str, str], home: Path) -> Path:
    chosen = env.get("QUOTADECK_CONFIG", "").strip()
    if chosen:
        return home / chosen[2:] if chosen.startswith("~/") else Path(chosen)
    return _folder(env, "XDG_CONFIG_HOME", home, ".config", "user_config_dir") / "config.toml"


def _folder(
    env: Mapping[str, str], variable: str, home: Path, fallback: str, platform_name: str
) -> Path:
    """The XDG folder when the variable is an absolute path, else the platform's own."""
    chosen = Path(env.get(variable, ""))
    if chosen.is_absolute():
        return chosen / NAME
    if sys.platform in {"darwin", "win32"}:
        import platformdirs

        return Path(getattr(platformdirs, platform_name)(NAME, appauthor=False))
    return home / fallback / NAME


def make_private(folder: Path) -> Path:
    """The folder, created 0700 with its parents where it is missing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
