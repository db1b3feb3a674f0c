"""The deck of the demo: a home folder that is made up, an upstream that is played."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tui.core.clock import Clock
from tui.core.redact import Secret
from tui.demo.stage import Moment, Scene
from tui.gateways import config
from tui.gateways.paths import Paths
from tui.runtime import Deck, Options

if TYPE_CHECKING:
    import httpx

    from tui.contexts import World

BREATH_S = 2.0
"""The accounts are asked one after the other, so that something moves all the time."""
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "COLORTERM", "NO_COLOR", "TZ")


class DemoDeck(Deck):
    """A deck that lives in a temporary folder and leaves nothing behind.

    Args:
        clock: Stands still in tests; then answers are immediate and nothing breathes.
    """

    def __init__(self, options: Options, clock: Clock | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="quotadeck-demo-")
        self._scenes: dict[str, Scene] = {}
        self._is_live = clock is None
        self._breath: asyncio.Task[None] | None = None
        home = Path(self._folder.name)
        super().__init__(
            env=_surroundings(home),
            paths=_paths(home),
            clock=clock,
            options=options,
            transport=self._upstream,
            demo=True,
        )
        self._started_at = self.clock.now()

    @property
    def moment(self) -> Moment:
        """The present of the demo."""
        return Moment(self.clock.now(), self._started_at)

    async def start(self) -> None:
        """Write the made-up files, then start like any deck."""
        self._set_the_stage()
        await super().start()
        if self._is_live:
            self._breath = asyncio.create_task(self._breathe(), name="demo")

    async def aclose(self) -> None:
        """End like any deck and remove the folder."""
        if self._breath is not None:
            self._breath.cancel()
            await asyncio.gather(self._breath, return_exceptions=True)
        await super().aclose()
        self._folder.cleanup()

    async def _breathe(self) -> None:
        while True:
            for key in self.engine.keys:
                await self.clock.sleep(BREATH_S)
                self._write_files()
                await self.engine.refresh(key)

    def _make_world(self) -> World:
        from dataclasses import replace

        from tui.auth.memory_store import MemoryStore
        from tui.auth.session_store import SessionStore

        secrets = {
            (provider, field): Secret(value)
            for provider, scene in self._scenes.items()
            for field, value in scene.secrets.items()
        }
        return replace(
            super()._make_world(),
            store=MemoryStore(secrets),
            sessions=SessionStore(MemoryStore(), self.clock),
        )

    def _upstream(self) -> httpx.AsyncBaseTransport:
        from tui.demo.transport import PlayedUpstream

        routes = tuple(route for scene in self._scenes.values() for route in scene.routes)
        return PlayedUpstream(routes, lambda: self.moment, delays=self._is_live)

    @property
    def _first_faces_file(self) -> Path:
        return Path(__file__).parent / "faces.json"

    def _set_the_stage(self) -> None:
        from tui.demo.stage import load_scenes

        self._scenes = load_scenes()
        played = {
            name: value for scene in self._scenes.values() for name, value in scene.env.items()
        }
        self.env = {**self.env, **played}
        _write_settings(self.paths.config_file, self._scenes)
        self.config = config.load(self.paths.config_file)
        self._write_programs()
        self._write_files()

    def _write_files(self) -> None:
        for scene in self._scenes.values():
            for name, content in scene.files.items():
                written = content(self.moment)
                path = self.paths.home / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(written.encode() if isinstance(written, str) else written)

    def _write_programs(self) -> None:
        for scene in self._scenes.values():
            for name, script in scene.programs.items():
                path = _programs(self.paths.home) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(script)
                path.chmod(0o700)


def _programs(home: Path) -> Path:
    return home / ".local" / "bin"


def _paths(home: Path) -> Paths:
    return Paths(
        config_file=home / ".config" / "quotadeck" / "config.toml",
        data=home / "data",
        state=home / "state",
        cache=home / "cache",
        home=home,
    )


def _surroundings(home: Path) -> dict[str, str]:
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    path = os.pathsep.join((str(_programs(home)), env.get("PATH", "")))
    return {**env, "HOME": str(home), "PATH": path}


def _write_settings(file: Path, scenes: dict[str, Scene]) -> None:
    """Every played provider is on; the rest would only say that it needs setup."""
    import tomli_w

    tables = {name: {"enabled": True, **scene.settings} for name, scene in scenes.items()}
    file.parent.mkdir(parents=True)
    file.write_text(tomli_w.dumps({"version": 1, "providers": tables}))
