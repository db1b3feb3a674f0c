"""A session bus and a GNOME keyring of their own, for one test module."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.parts import find_part

PASSWORD = b"secret service"

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
"""Nothing is started by the bus itself: what does not run is not there."""


@dataclass(frozen=True)
class Bus:
    """A running session bus."""

    address: str
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """Variables for programs that shall use it."""
        return {
            "DBUS_SESSION_BUS_ADDRESS": self.address,
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_RUNTIME_DIR": str(self.folder),
        }


@contextmanager
def session_bus(folder: Path) -> Iterator[Bus]:
    """A bus without any service."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = folder / "bus.conf"
    config.write_text(BUS_CONFIG.format(folder=folder))
    program = find_part("dbus") or "dbus-daemon"
    arguments = [program, f"--config-file={config}", "--nofork", "--print-address=1"]
    pipe, silent = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(arguments, stdout=pipe, stderr=silent) as daemon:
        try:
            assert daemon.stdout is not None
            yield Bus(daemon.stdout.readline().decode().strip(), folder)
        finally:
            daemon.terminate()


@contextmanager
def gnome_keyring(bus: Bus) -> Iterator[None]:
    """An unlocked login keyring on that bus."""
    program = find_part("gnome-keyring") or "gnome-keyring-daemon"
    arguments = [program, "--foreground", "--unlock", "--components=secrets"]
    env = {**os.environ, **bus.env}
    pipe, silent = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(arguments, stdin=pipe, stdout=silent, stderr=silent, env=env) as daemon:
        try:
            assert daemon.stdin is not None
            daemon.stdin.write(PASSWORD)
            daemon.stdin.close()
            _wait_for_default_collection(bus)
            yield
        finally:
            daemon.terminate()


def lock(bus: Bus) -> None:
    """Lock the default collection."""
    import secretstorage

    with closing(_connect(bus)) as connection:
        secretstorage.Collection(connection).lock()


Answer = tuple[str, tuple[Any, ...]]
"""Signature and values of a reply."""


@contextmanager
def service(
    bus: Bus, name: str, answer: Callable[[str, tuple[Any, ...]], Answer]
) -> Iterator[None]:
    """A program on the bus that answers method calls by name and arguments."""
    from jeepney import (  # type: ignore[import-untyped]
        HeaderFields,
        MessageType,
        new_method_return,
    )
    from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]

    def serve() -> None:
        while not is_over.is_set():
            with contextlib.suppress(TimeoutError):
                message = connection.receive(timeout=0.05)
                if message.header.message_type == MessageType.method_call:
                    member = str(message.header.fields.get(HeaderFields.member))
                    signature, values = answer(member, tuple(message.body))
                    connection.send(new_method_return(message, signature or None, values))

    is_over = threading.Event()
    with closing(_connect(bus)) as connection:
        connection.send_and_get_reply(message_bus.RequestName(name))
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


@contextmanager
def silent_prompter(bus: Bus) -> Iterator[list[str]]:
    """Somebody who takes questions to unlock and never answers them; gives what was asked."""
    asked: list[str] = []

    def take(member: str, values: tuple[Any, ...]) -> Answer:
        asked.append(member)
        return "", ()

    with service(bus, "org.gnome.keyring.SystemPrompter", take):
        yield asked


def _connect(bus: Bus) -> Any:
    from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

    return open_dbus_connection(bus.address)


def _wait_for_default_collection(bus: Bus) -> None:
    import secretstorage

    deadline = time.monotonic() + 10
    while True:
        try:
            with closing(_connect(bus)) as connection:
                secretstorage.Collection(connection).is_locked()
                return
        except secretstorage.SecretStorageException:
            assert time.monotonic() < deadline, "the keyring did not come up"
            time.sleep(0.05)
