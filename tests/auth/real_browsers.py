"""Real browsers without a window: they visit pages of ours under services' names and write what
they write.

Everything leads through a proxy to one server on this machine, whose authority the browsers'
certificate database trusts.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.loopback import Response, World, loopback_world
from tests.parts import find_part

FILLERS = tuple(f"filler{number}.example" for number in range(4))
"""Chromium writes cookies at once when more than 512 wait; so many more hosts set the rest."""
PATIENCE_S = 45.0


@dataclass(frozen=True)
class Page:
    """What one host leaves in the browser.

    Args:
        cookies: `Set-Cookie` headers.
        script: Runs before the next page is opened.
    """

    host: str
    cookies: Sequence[str] = ()
    script: str = ""


def fillers() -> list[Page]:
    """Pages that make Chromium write its cookies now."""
    many = [f"c{number}={number}; Max-Age=9999" for number in range(150)]
    return [Page(host, many) for host in FILLERS]


@contextmanager
def pages(folder: Path, shown: Sequence[Page]) -> Iterator[World]:
    """A server for these pages; each opens the next one when it is done."""
    with loopback_world(folder, [page.host for page in shown]) as world:
        for page, following in zip(shown, [*shown[1:], None], strict=True):
            onward = f"location = 'https://{following.host}/login'" if following else ""
            script = f"(async () => {{ {page.script}; await fetch('/done'); {onward} }})()"
            body = f"<!doctype html><title>x</title><script>{script}</script>".encode()
            login = Response(body, headers={"content-type": "text/html"}, cookies=page.cookies)
            world.upstream.on("GET", f"https://{page.host}/login", login)
            world.upstream.on("GET", f"https://{page.host}/done", Response(b"{}"))
        yield world


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def wait_until_visited(world: World, shown: Sequence[Page]) -> None:
    """Wait until the last page is done."""
    last = shown[-1].host
    wait_for(lambda: any(r.path == "/done" for r in world.upstream.asked(last)), f"{last} to load")


def trust(world: World, database: Path) -> None:
    """Make the browsers that use a certificate database accept our server."""
    commands = [["-A", "-n", world.proxy.url, "-t", "C,,", "-i", str(world.authority.file)]]
    if not database.exists() or not list(database.glob("cert*.db")):
        database.mkdir(parents=True, exist_ok=True)
        commands.insert(0, ["-N", "--empty-password"])
    for arguments in commands:
        program = find_part("certutil") or "certutil"
        subprocess.run([program, *arguments, "-d", f"sql:{database}"], check=True)


# -- Chromium --------------------------------------------------------------------------------------


@contextmanager
def chromium(
    home: Path,
    shown: Sequence[Page],
    *,
    profile: str = "Default",
    password_store: str = "basic",
    env: Mapping[str, str] | None = None,
) -> Iterator[Path]:
    """Chromium that has visited the pages and written its cookies; gives the profile's folder."""
    shown = [*shown, *fillers()]
    root = home / ".config" / "chromium"
    with pages(home / "pages" / f"{profile} {time.monotonic_ns()}", shown) as world:
        trust(world, home / ".pki" / "nssdb")
        arguments = [
            find_part("chromium") or "chromium",
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-port=0",
            f"--user-data-dir={root}",
            f"--profile-directory={profile}",
            f"--password-store={password_store}",
            f"--proxy-server={world.proxy.url}",
            f"https://{shown[0].host}/login",
        ]
        with _running(arguments, home, env or {}):
            wait_until_visited(world, shown)
            wait_for(lambda: _has_cookies(root / profile), "Chromium to write its cookies")
            yield root / profile


def _has_cookies(profile: Path) -> bool:
    from tui.auth.chromium import cookie_files, read_rows

    return bool(read_rows(cookie_files(profile), FILLERS))


@contextmanager
def _running(arguments: Sequence[str], home: Path, env: Mapping[str, str]) -> Iterator[None]:
    """A program that is asked to end afterwards."""
    silent = subprocess.DEVNULL
    with subprocess.Popen(
        arguments, env={**os.environ, **env, "HOME": str(home)}, stdout=silent, stderr=silent
    ) as program:
        try:
            yield
        finally:
            program.terminate()
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()


# -- Firefox ---------------------------------------------------------------------------------------

PREFERENCES: Mapping[str, Any] = {
    "marionette.port": 0,
    "network.proxy.type": 1,
    "browser.shell.checkDefaultBrowser": False,
    "browser.sessionstore.interval": 500,
    "browser.sessionstore.interval.idle": 500,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
}


class Firefox:
    """A running Firefox one can talk to.

    Args:
        port: Where its remote control listens.
    """

    def __init__(self, profile: Path, port: int) -> None:
        self.profile = profile
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._file = self._socket.makefile("rwb")
        self._number = 0
        self._receive()
        self.call("WebDriver:NewSession")

    def call(self, name: str, **parameters: Any) -> Any:
        """One command of its remote control."""
        self._number += 1
        message = json.dumps([0, self._number, name, parameters]).encode()
        self._file.write(b"%d:%s" % (len(message), message))
        self._file.flush()
        _, _, error, result = self._receive()
        assert error is None, error
        return result

    def run_inside(self, script: str) -> Any:
        """Run JavaScript with the rights of the browser itself."""
        self.call("Marionette:SetContext", value="chrome")
        return self.call("WebDriver:ExecuteScript", script=script, args=[])

    def close(self) -> None:
        """End it in order."""
        self.call("Marionette:Quit", flags=["eForceQuit"])
        self._file.close()
        self._socket.close()

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._file.read(1)
        return json.loads(self._file.read(int(length[:-1])))


@contextmanager
def firefox(home: Path, shown: Sequence[Page]) -> Iterator[Firefox]:
    """Firefox that has visited the pages."""
    profile = home / ".config" / "mozilla" / "firefox" / "x1y2.default-esr"
    profile.mkdir(parents=True)
    with pages(home / "pages", shown) as world:
        trust(world, profile)
        host, _, port = world.proxy.url.removeprefix("http://").partition(":")
        own = {"network.proxy.ssl": host, "network.proxy.ssl_port": int(port)}
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        lines += [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in own.items()]
        (profile / "user.js").write_text("\n".join(lines))
        arguments = [
            find_part("firefox") or "firefox-esr",
            "--headless",
            "--no-remote",
            "--marionette",
            "--remote-allow-system-access",
            "--profile",
            str(profile),
            f"https://{shown[0].host}/login",
        ]
        with _running(arguments, home, {}):
            wait_until_visited(world, shown)
            port_file = profile / "MarionetteActivePort"
            wait_for(lambda: port_file.exists() and port_file.read_text(), "Marionette")
            browser = Firefox(profile, int(port_file.read_text()))
            try:
                yield browser
            finally:
                browser.close()
