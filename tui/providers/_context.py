"""What a source is given: the world, as protocols.

Sources import no network, file, process or browser code; everything arrives here, so a mistake
can neither reach a foreign host nor write a foreign file, and a test passes whatever it likes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
    MutableMapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from tui.core.clock import Clock
from tui.core.files import FileInfo as FileInfo
from tui.core.http import Reply
from tui.core.models import ProviderKey, ProviderSnapshot
from tui.core.process import CommandResult as CommandResult
from tui.core.process import ProcessInfo as ProcessInfo
from tui.core.redact import Secret
from tui.core.sessions import CookieJar as CookieJar
from tui.core.sessions import LocalStorage as LocalStorage
from tui.core.sessions import Pasted as Pasted
from tui.core.sessions import StoredSession as StoredSession

OsName = Literal["linux", "macos", "windows"]
Redirects = Literal["same_origin", "none"]
HeaderValue = str | Secret


class Settings(Protocol):
    """The validated settings of this provider (flag, file, environment, lower layers)."""

    def text(self, key: str) -> str:
        """A text or the stored word of a choice; empty when unset and without a default."""

    def flag(self, key: str) -> bool:
        """A switch."""

    def number(self, key: str) -> int:
        """A whole number."""

    def names(self, key: str) -> tuple[str, ...]:
        """A list of short texts."""

    def path(self, key: str) -> Path | None:
        """A path with `~` and variables expanded."""

    def is_set(self, key: str) -> bool:
        """Whether the user gave a value anywhere."""

    def origin(self, key: str) -> str:
        """Where the value comes from, for error texts: the key or the variable's name."""


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A secret and where it was found."""

    value: Secret
    origin: str
    """For people: "stored in keyring", "from OPENROUTER_API_KEY", "config.toml"."""


class Secrets(Protocol):
    """The secret fields of this provider, in the order of interface.md."""

    async def find(self, field: str) -> FoundSecret | None:
        """The first value of a field and its origin."""

    async def get(self, field: str) -> Secret | None:
        """The first value of a field."""


class Environment(Protocol):
    """The declared environment variables of this provider."""

    def get(self, name: str) -> str:
        """The cleaned value, empty when unset. A chosen account sees only what is no credential.

        Raises:
            KeyError: The provider did not declare this variable.
        """

    def secret(self, name: str) -> Secret | None:
        """The cleaned value as a secret."""

    def is_set(self, name: str) -> bool:
        """Whether the variable is there, even if it is empty."""


class Http(Protocol):
    """The network. Hosts outside the declaration are refused before anything is resolved."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        bearer: Secret | None = None,
        cookie: Secret | None = None,
        headers: Mapping[str, HeaderValue] | None = None,
        params: Mapping[str, HeaderValue] | None = None,
        json: Any = None,
        form: Mapping[str, HeaderValue] | None = None,
        timeout_s: float = 30.0,
        max_bytes: int = 1 << 20,
        redirects: Redirects = "same_origin",
    ) -> Reply:
        """One exchange. Any status is an answer; a redirect that was not followed is one too.

        Args:
            json: Body, `None` for none; `Secret` values inside it are put on the wire.
            params: Added to the query of the address; give literal queries within the address.
            timeout_s: For the whole exchange, redirects and body included.
            max_bytes: A longer body is refused.

        Raises:
            NetworkError: Not reached, refused, timed out, TLS trouble; the message names the host.
            ParseError: The body is longer than `max_bytes`.
            Unsupported: The host is not declared, or the scheme is not https.
        """

    async def send_loopback(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, HeaderValue] | None = None,
        json: Any = None,
        timeout_s: float = 5.0,
        max_bytes: int = 1 << 20,
    ) -> Reply:
        """One exchange with a server of this machine: literal loopback only, any certificate, no
        proxy."""

    def trusting(self, url: str) -> Http:
        """The same network, with the host of an address that the user's own files name."""


class Files(Protocol):
    """Reading below the declared roots. Whatever is looked at is watched while the provider has an
    error."""

    @property
    def home(self) -> Path:
        """The home folder."""

    def expand(self, path: str) -> Path:
        """`~`, `$NAME`, `${NAME:-default}` and `%NAME%` filled in."""

    async def stat(self, path: Path) -> FileInfo | None:
        """`None` when it is not there or not reachable."""

    async def list(self, folder: Path) -> tuple[FileInfo, ...]:
        """What is directly inside, by name; empty when it cannot be listed."""

    async def walk(self, folder: Path, suffix: str, *, max_files: int = 10_000) -> tuple[Path, ...]:
        """Files below a folder, at any depth, that end so; links to folders are not followed."""

    async def read_bytes(self, path: Path, *, max_bytes: int = 1 << 20) -> bytes | None:
        """The content; `None` when it is not there.

        Raises:
            Unsupported: It may not be read, or is longer than `max_bytes`.
        """

    async def read_text(self, path: Path, *, max_bytes: int = 1 << 20) -> str | None:
        """The content as UTF-8, a byte order mark removed, odd bytes replaced."""

    async def newest(self, folder: Path, suffix: str, *, count: int) -> tuple[FileInfo, ...]:
        """The files below a folder that end so and were written last, newest first. As logs grow
        all the time, neither they nor the folder are watched."""

    async def read_part(self, path: Path, *, offset: int, max_bytes: int) -> bytes | None:
        """A part of a long file that is not watched; a negative offset counts from the end. `None`
        when it is not there.

        Raises:
            Unsupported: It may not be read.
        """

    async def query(
        self, database: Path, sql: str, parameters: Sequence[Any] = ()
    ) -> tuple[tuple[Any, ...], ...] | None:
        """Rows of a SQLite file, opened read-only and never written beside; `None` when it is not
        there."""

    async def packages(self, program: Path) -> tuple[Path, ...]:
        """Folders with the packages of an installed program, links followed; from then on they may
        be read."""


class Conversation(Protocol):
    """A program one talks to line by line."""

    async def write_line(self, line: str) -> None:
        """Send one line."""

    async def read_line(self, timeout_s: float) -> str | None:
        """The next line; `None` at the end. Raises NetworkError when none came in time."""

    async def close(self) -> None:
        """Close its input, end its whole process group and collect it."""


class Commands(Protocol):
    """The declared programs. No shell, own process group, nothing survives a cancellation."""

    def find(self, name: str) -> Path | None:
        """Where a program is: setting, variable, PATH, usual places. Looked up anew each time."""

    async def run(
        self,
        program: Path,
        *args: str,
        timeout_s: float,
        silence_s: float | None = None,
        done: Callable[[str], bool] | None = None,
        done_silence_s: float = 4.0,
        on_output: Callable[[], None] | None = None,
        type_next: Callable[[str], str] | None = None,
        pty: bool = False,
        env: Mapping[str, HeaderValue] | None = None,
        drop_env: Collection[str] = (),
        max_bytes: int = 1 << 20,
    ) -> CommandResult:
        """Run to its end, in an empty working folder of ours.

        Args:
            silence_s: After the first byte, cut off when nothing came for so long.
            done: Whether what came so far is complete; then `done_silence_s` counts instead.
            on_output: Called once, when the first byte comes.
            type_next: With a terminal: what to type, given all output so far; asked when nothing
                came for a moment.
            pty: Give it a terminal of 50 rows and 200 columns.
            drop_env: Variables the child does not get, beside those of other providers.

        Raises:
            MissingCredentials: It could not be started.
        """

    async def talk(
        self, program: Path, *args: str, env: Mapping[str, HeaderValue] | None = None
    ) -> Conversation:
        """Start a program for a conversation over its input and output."""


class Processes(Protocol):
    """What runs on this machine."""

    async def list(self) -> tuple[ProcessInfo, ...]:
        """Processes of this user with their complete command lines."""

    async def listening_ports(self, pid: int) -> tuple[int, ...]:
        """TCP ports this process listens on."""


class Browsers(Protocol):
    """Logins in browsers of this machine. Which store may be opened without a question is decided
    here:
    a fetch the user did not ask for never raises a prompt."""

    def cookies(
        self, *, domains: Sequence[str] = (), browsers: Sequence[str] = ()
    ) -> AsyncIterator[CookieJar]:
        """One jar per profile that has cookies of the domains, in order, each opened only when
        reached.

        Args:
            domains: Instead of the declared ones.
            browsers: Instead of the declared order; ignored when the user chose a browser.

        Raises:
            Unsupported: A store the user named cannot be read (access refused, app-bound values).
        """

    def local_storage(
        self, origins: Sequence[str], *, browsers: Sequence[str] = ()
    ) -> AsyncIterator[LocalStorage]:
        """Local storage per profile, newest values."""

    def scan(
        self, folders: Sequence[str], hosts: Sequence[str], *, browsers: Sequence[str] = ()
    ) -> AsyncIterator[LocalStorage]:
        """Other LevelDB stores of a profile (`Session Storage`, `IndexedDB/…`): entries that
        mention a host."""

    def app_cookies(
        self, files: Sequence[Path], domains: Sequence[str]
    ) -> AsyncIterator[CookieJar]:
        """Cookies of a desktop app that keeps them in a Chromium store."""


class Sessions(Protocol):
    """Logins of this provider that we keep: own tokens, last working cookies. Saved before the call
    returns."""

    @property
    def cookie_source(self) -> Literal["auto", "manual", "off"]:
        """As the user chose it, or as a stored header implies it."""

    async def pasted(self, field: str = "cookie_header") -> Pasted | None:
        """The pasted text of a field, taken apart."""

    def read_paste(self, text: Secret) -> Pasted:
        """Any other text, taken apart."""

    async def get(self, slot: str) -> StoredSession | None:
        """What is kept under a name."""

    async def put(self, slot: str, value: Secret, label: str = "") -> None:
        """Keep a value; the other slots stay as they are."""

    async def drop(self, slot: str, only: Secret | None = None) -> None:
        """Forget a value; with `only`, not when it was replaced meanwhile."""

    async def get_jar(self, slot: str) -> CookieJar | None:
        """Cookies that were kept with `put(slot, jar.dump(), jar.label)`."""

    def read_jar(self, text: Secret, label: str) -> CookieJar:
        """Cookies from the text of a `dump`, or from the list another program keeps; what is not
        understood is left out."""

    def lock(self, name: str) -> Any:
        """An async context manager: one at a time for this account, such as spending a refresh
        token."""


class KeyStore(Protocol):
    """What other programs keep in the key store of this system; never written."""

    async def find(self, service: str, account: str) -> Secret | None:
        """The value of an entry; `None` when there is none, or when reading it would raise a
        question the user did not ask for."""


class Crypto(Protocol):
    """Ciphers and signatures that some logins need."""

    def decrypt_aes_gcm(
        self, key: Secret, *, nonce: bytes, ciphertext: bytes, tag: bytes
    ) -> bytes | None:
        """The clear text; `None` when the key does not fit or the data was damaged.

        Args:
            key: 16, 24 or 32 bytes, as hexadecimal or base64 text.
        """

    def sign_rs256(self, key_pem: Secret, payload: bytes) -> bytes:
        """The signature as RS256 of JSON Web Tokens wants it.

        Raises:
            ValueError: This is no RSA private key in PEM.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchContext:
    """Everything a source may use."""

    key: ProviderKey
    mode: str
    user_initiated: bool
    """True only for a refresh, test or save the user asked for: prompts are allowed."""
    os_name: OsName
    clock: Clock
    log: logging.Logger
    settings: Settings
    secrets: Secrets
    env: Environment
    http: Http
    files: Files
    commands: Commands
    processes: Processes
    browsers: Browsers
    sessions: Sessions
    key_store: KeyStore
    crypto: Crypto
    previous: ProviderSnapshot | None = None
    """The last good answer of this account."""
    running: dict[str, asyncio.Task[Any]] = field(default_factory=dict, repr=False, compare=False)
    """Requests a source began and its extras await; the chain ends whatever is left."""
    gates: MutableMapping[str, datetime] = field(default_factory=dict, repr=False, compare=False)
    """Until when a credential must not be used, by its fingerprint; kept over restarts. See
    `_gate.politely`."""
    request_refresh: Callable[[], None] = lambda: None
    """For background tasks: asks the engine to read this account again."""
    tell: Callable[[str], None] = lambda sentence: None
    """For background tasks: one sentence for the user."""
    report: Callable[[Sequence[tuple[str, str]]], None] = lambda rows: None
    """For background tasks: labels and texts about themselves for the details, in place of those
    before."""
    memory: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What sources, background tasks and actions of this account tell each other; lost with the
    run and with changed settings."""
