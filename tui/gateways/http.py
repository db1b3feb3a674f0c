"""The network: one client for all providers, one place where its errors become ours.

Built at the first request, never at start. It keeps no cookies, follows redirects only within the
same https origin, limits every body and every exchange, and sends secrets to declared hosts only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import socket
import ssl
import urllib.request
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Literal

from tui import __version__
from tui.core.errors import FetchError, NetworkError, ParseError, Unsupported
from tui.core.http import Reply
from tui.core.redact import Secret
from tui.core.urls import host_allowed, host_of, is_loopback, origin

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("tui.http")

USER_AGENT = f"quotadeck/{__version__}"
MAX_REDIRECTS = 3
CONNECTIONS = 32
HASHED_CERTIFICATE = re.compile(r"[0-9a-f]{8}\.\d+")
PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


class HttpGateway:
    """Owner of the clients.

    Args:
        transport: Answers instead of the network: the demo's upstream, or a test's loopback.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._loopback: httpx.AsyncClient | None = None
        self._slots = asyncio.Semaphore(CONNECTIONS)

    def for_hosts(self, hosts: tuple[str, ...]) -> ProviderHttp:
        """The network as one provider may use it."""
        return ProviderHttp(self, hosts)

    def client(self) -> httpx.AsyncClient:
        """The client for the world, made at the first call.

        Raises:
            NetworkError: The surroundings (proxy or certificate variables) cannot be used.
        """
        if self._client is None:
            self._client = _new_client(self._transport)
        return self._client

    def loopback_client(self) -> httpx.AsyncClient:
        """The client for servers of this machine: any certificate, no proxy."""
        if self._loopback is None:
            import httpx

            self._loopback = httpx.AsyncClient(
                verify=False,
                trust_env=False,
                transport=self._transport,
                cookies=_no_cookies(),
            )
        return self._loopback

    async def aclose(self) -> None:
        """Close every connection."""
        for client in (self._client, self._loopback):
            if client is not None:
                await client.aclose()
        self._client = self._loopback = None

    async def exchange(
        self,
        client: httpx.AsyncClient,
        request: httpx.Request,
        *,
        timeout_s: float,
        max_bytes: int,
        follow: bool,
    ) -> Reply:
        """Send a request and read its whole answer within the deadline."""
        host = request.url.host
        try:
            async with self._slots, asyncio.timeout(timeout_s):
                return await _send(client, request, max_bytes, follow)
        except FetchError:
            raise
        except TimeoutError as error:
            raise NetworkError(f"{host} did not answer within {timeout_s:g} s.") from error
        except Exception as error:
            raise _network_error(host, timeout_s, error) from error


class ProviderHttp:
    """The network for one provider: its hosts and no others."""

    def __init__(self, gateway: HttpGateway, hosts: tuple[str, ...]) -> None:
        self._gateway = gateway
        self._hosts = hosts

    def trusting(self, url: str) -> ProviderHttp:
        """The same, with the host of an address that the user's own files name."""
        return ProviderHttp(self._gateway, (*self._hosts, host_of(url)))

    async def send(
        self,
        method: str,
        url: str,
        *,
        bearer: Secret | None = None,
        cookie: Secret | None = None,
        headers: Mapping[str, str | Secret] | None = None,
        params: Mapping[str, str | Secret] | None = None,
        json: Any = None,
        form: Mapping[str, str | Secret] | None = None,
        timeout_s: float = 30.0,
        max_bytes: int = 1 << 20,
        redirects: Literal["same_origin", "none"] = "same_origin",
    ) -> Reply:
        """One exchange; the protocol `Http` of the providers says what is promised."""
        self._check(url)
        client = self._gateway.client()
        all_headers = dict(headers or {})
        if bearer is not None:
            all_headers["Authorization"] = bearer.within("Bearer {}")
        if cookie is not None:
            all_headers["Cookie"] = cookie
        request = _request(client, method, url, all_headers, params, json, form)
        return await self._gateway.exchange(
            client,
            request,
            timeout_s=timeout_s,
            max_bytes=max_bytes,
            follow=redirects == "same_origin",
        )

    async def send_loopback(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | Secret] | None = None,
        json: Any = None,
        timeout_s: float = 5.0,
        max_bytes: int = 1 << 20,
    ) -> Reply:
        """One exchange with a literal loopback address."""
        if not is_loopback(host_of(url)):
            raise Unsupported("Only this machine may be asked without a checked certificate.")
        client = self._gateway.loopback_client()
        request = _request(client, method, url, headers or {}, None, json, None)
        return await self._gateway.exchange(
            client, request, timeout_s=timeout_s, max_bytes=max_bytes, follow=False
        )

    def _check(self, url: str) -> None:
        scheme, host, _ = origin(url)
        if not host_allowed(host, self._hosts):
            raise Unsupported(f"{host} is not a host of this provider; nothing was sent.")
        if scheme != "https" and not (scheme == "http" and is_loopback(host)):
            raise Unsupported(f"Only https is used for {host}; nothing was sent.")


def _request(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    headers: Mapping[str, str | Secret],
    params: Mapping[str, str | Secret] | None,
    json: Any,
    form: Mapping[str, str | Secret] | None,
) -> httpx.Request:
    sent = {"Accept": "application/json", "Cache-Control": "no-cache", "User-Agent": USER_AGENT}
    for name, value in headers.items():
        for known in [key for key in sent if key.lower() == name.lower()]:
            del sent[known]
        sent[name] = _plain(value)
    body: dict[str, Any] = {}
    if json is not None:
        body["json"] = _revealed(json)
    if form is not None:
        body["data"] = {name: _plain(value) for name, value in form.items()}
    encoded = [(name.encode("ascii"), _header_bytes(name, value)) for name, value in sent.items()]
    target = client.build_request(method, url).url
    if params:
        target = target.copy_merge_params({name: _plain(value) for name, value in params.items()})
    return client.build_request(method, target, headers=encoded, **body)


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _revealed(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: _revealed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_revealed(item) for item in value]
    return value


def _header_bytes(name: str, value: str) -> bytes:
    if any((ord(c) < 32 and c != "\t") or ord(c) == 127 for c in value):
        raise Unsupported(
            f"The value for {name} contains a line break or control character.",
            hint="Paste it again, on one line.",
        )
    return value.strip().encode("utf-8")


async def _send(
    client: httpx.AsyncClient, request: httpx.Request, max_bytes: int, follow: bool
) -> Reply:
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            reply = await _read(response, max_bytes)
        finally:
            await response.aclose()
        target = _redirect_target(reply) if follow else None
        if target is None:
            return reply
        request = _redirected(client, request, reply.status, target)
    return reply


async def _read(response: httpx.Response, max_bytes: int) -> Reply:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise ParseError(
                f"{response.url.host} sent more than {max_bytes // 1024} KiB, which is no answer."
            )
    return Reply(
        status=response.status_code,
        url=str(response.url),
        headers=tuple(response.headers.multi_items()),
        body=bytes(body),
    )


def _redirect_target(reply: Reply) -> str | None:
    """Where to go on: only within the same origin, so that a secret never reaches another host."""
    target = reply.redirect_url if reply.is_redirect else ""
    return target if target and origin(target) == origin(reply.url) else None


def _redirected(
    client: httpx.AsyncClient, request: httpx.Request, status: int, target: str
) -> httpx.Request:
    drops_body = status == 303 or (status in {301, 302} and request.method == "POST")
    headers = [
        (name, value)
        for name, value in request.headers.raw
        if name.lower() not in {b"host", b"content-length"}
        and not (drops_body and name.lower() in {b"content-type", b"transfer-encoding"})
    ]
    if drops_body:
        return client.build_request("GET", target, headers=headers)
    return client.build_request(request.method, target, headers=headers, content=request.content)


# -- making clients --------------------------------------------------------------------------------


def _new_client(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    import httpx

    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    options: dict[str, Any] = {
        "timeout": httpx.Timeout(30.0),
        "limits": httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=20.0),
        "follow_redirects": False,
        "cookies": _no_cookies(),
    }
    if transport is not None:
        return httpx.AsyncClient(transport=transport, trust_env=False, **options)
    context = _tls_context()
    try:
        return httpx.AsyncClient(verify=context, **options)
    except Exception as error:  # httpx raises many classes for odd proxy variables
        log.warning("the proxy variables cannot be used as they are (%s)", type(error).__name__)
    try:
        proxy = urllib.request.getproxies().get("https")
        return httpx.AsyncClient(verify=context, trust_env=False, proxy=proxy, **options)
    except Exception as error:
        raise NetworkError(
            f"A proxy variable is not valid ({', '.join(_set_proxies())}).",
            hint="Correct or unset it.",
        ) from error


def _set_proxies() -> list[str]:
    return [
        name for name in PROXY_VARIABLES if os.environ.get(name) or os.environ.get(name.lower())
    ]


def _tls_context() -> ssl.SSLContext:
    """The trust of the system, plus what SSL_CERT_FILE and SSL_CERT_DIR name."""
    import truststore

    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        return context
    try:
        context.load_verify_locations(cafile=file or None, capath=folder or None)
    except (OSError, ssl.SSLError) as error:
        name = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
        raise NetworkError(
            f"{name} names no readable certificates.", hint=f"Correct or unset {name}."
        ) from error
    _trust_the_system(context)
    return context


def _trust_the_system(context: ssl.SSLContext) -> None:
    """Name the folder where certificates lie by their hash; to read them all takes 30 ms."""
    paths = ssl.get_default_verify_paths()
    with contextlib.suppress(OSError):
        if any(HASHED_CERTIFICATE.fullmatch(name) for name in os.listdir(paths.openssl_capath)):
            context.load_verify_locations(capath=paths.openssl_capath)
            return
    if os.path.exists(paths.openssl_cafile):
        context.load_verify_locations(cafile=paths.openssl_cafile)


def _no_cookies() -> CookieJar:
    """A jar that keeps nothing: accounts must not mix."""
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))


def _network_error(host: str, timeout_s: float, error: Exception) -> FetchError:
    import httpx

    causes = _causes(error)
    if any(isinstance(cause, (httpx.TimeoutException, TimeoutError)) for cause in causes):
        return NetworkError(f"{host} did not answer within {timeout_s:g} s.", cause="timeout")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return NetworkError(
            f"The certificate of {host} could not be verified.",
            hint="Check the clock; behind a proxy set SSL_CERT_FILE to its certificate.",
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return NetworkError(f"{host} was not found.", hint=_connection_hint())
    if any(isinstance(cause, httpx.ProxyError) for cause in causes):
        return NetworkError(
            f"The proxy did not let us reach {host}.", hint="Check the proxy variables."
        )
    if any(isinstance(cause, (httpx.InvalidURL, httpx.UnsupportedProtocol)) for cause in causes):
        return Unsupported("An address in the settings cannot be used.")
    if isinstance(error, (httpx.HTTPError, OSError)):
        return NetworkError(f"{host} could not be reached.", hint=_connection_hint())
    raise error


def _connection_hint() -> str:
    proxies = _set_proxies()
    return f"Check the connection and {', '.join(proxies)}." if proxies else "Check the connection."


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found
