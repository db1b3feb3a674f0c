"""An upstream on this machine under the services' own names: real sockets, real TLS, a real proxy.

A program under test is given `HTTPS_PROXY` and `SSL_CERT_FILE` and nothing else; the proxy leads
every host to the one server here, whose certificate the test authority signed.
"""

from __future__ import annotations

import datetime as dt
import json
import select
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


# -- certificates ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Authority:
    """A certificate authority for one test run."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        """What `SSL_CERT_FILE` names."""
        return self.folder / "authority.pem"

    def issue(self, hosts: Sequence[str]) -> Path:
        """A file with key and certificate for these hosts."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = _builder(hosts[0], key.public_key(), self.certificate.subject)
        certificate = builder.add_extension(names, critical=False).sign(self.key, hashes.SHA256())
        path = self.folder / f"{hosts[0]}.pem"
        path.write_bytes(_pem_key(key) + certificate.public_bytes(serialization.Encoding.PEM))
        return path


def make_authority(folder: Path) -> Authority:
    """A new authority whose certificate lies in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "quotadeck test authority")])
    certificate = (
        _builder("quotadeck test authority", key.public_key(), subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder, key, certificate)
    authority.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return authority


def _usage() -> x509.KeyUsage:
    on_off = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **on_off)


def _builder(
    name: str, public_key: ec.EllipticCurvePublicKey, issuer: x509.Name
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:60])]))
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
    )


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


# -- the server ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    host: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def bare_path(self) -> str:
        """Without the query."""
        return self.path.partition("?")[0]


@dataclass(frozen=True)
class Response:
    """What is sent back."""

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    cookies: Sequence[str] = ()

    @classmethod
    def json(cls, data: Any, status: int = 200, **options: Any) -> Response:
        """A JSON answer."""
        return cls(json.dumps(data).encode(), status, **options)


Reaction = Response | Callable[[Request], Response]


class Upstream:
    """One HTTPS server that plays all hosts it has routes for."""

    def __init__(self, authority: Authority, hosts: Sequence[str]) -> None:
        self.routes: dict[tuple[str, str, str], Reaction] = {}
        self.requests: list[Request] = []
        handler = type("Handler", (_Handler,), {"upstream": self})
        self._server = _Server((LOOPBACK, 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.issue(hosts))
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def on(self, method: str, url: str, reaction: Reaction) -> None:
        """Answer an address: `https://host/path` without a query."""
        host, _, path = url.removeprefix("https://").partition("/")
        self.routes[method, host, f"/{path}"] = reaction

    def asked(self, host: str) -> list[Request]:
        """What arrived for one host."""
        return [request for request in self.requests if request.host == host]

    def react(self, request: Request) -> Response:
        """The answer to a request, which is remembered."""
        self.requests.append(request)
        reaction = self.routes.get((request.method, request.host, request.bare_path))
        if reaction is None:
            return Response(b'{"error": "not found"}', 404)
        return reaction if isinstance(reaction, Response) else reaction(request)

    def __enter__(self) -> Upstream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    upstream: Upstream
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        request = Request(
            method=self.command,
            host=(self.headers.get("host") or "").partition(":")[0],
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        response = self.upstream.react(request)
        time.sleep(response.delay_s)
        headers = {"content-type": "application/json", **response.headers}
        self.send_response(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        for cookie in response.cookies:
            self.send_header("set-cookie", cookie)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_HEAD = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


# -- the proxy -------------------------------------------------------------------------------------


class Proxy:
    """An HTTP proxy that leads every CONNECT to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.connected: list[str] = []
        handler = type("Tunnel", (_Tunnel,), {"proxy": self, "target": port})
        self._server = _TunnelServer((LOOPBACK, 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """What `HTTPS_PROXY` names."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _TunnelServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Tunnel(socketserver.BaseRequestHandler):
    proxy: Proxy
    target: int

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.request.recv(4096)
            if not part:
                return
            head += part
        self.proxy.connected.append(head.split()[1].decode())
        with socket.create_connection((LOOPBACK, self.target)) as server:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with suppress(OSError):
                _carry(self.request, server)


def _carry(client: socket.socket, server: socket.socket) -> None:
    while True:
        ready, _, _ = select.select((client, server), (), (), 30)
        for side in ready:
            data = side.recv(65536)
            if not data:
                return
            (server if side is client else client).sendall(data)


# -- together --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """An upstream, the way to it, and the variables that lead a program there."""

    upstream: Upstream
    proxy: Proxy
    authority: Authority

    @property
    def env(self) -> dict[str, str]:
        """For the program under test."""
        return {"HTTPS_PROXY": self.proxy.url, "SSL_CERT_FILE": str(self.authority.file)}


@contextmanager
def loopback_world(folder: Path, hosts: Sequence[str]) -> Iterator[World]:
    """A running upstream for these hosts behind a running proxy."""
    authority = make_authority(folder)
    with Upstream(authority, hosts) as upstream, Proxy(upstream.port) as proxy:
        yield World(upstream, proxy, authority)
