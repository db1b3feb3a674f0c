"""The network: one client for all providers, one place where its errors become ours.

Built at the first request, never at start. It keeps no cookies, follows redirects only within the
same https origin, limits every body and every exchange, and sends secrets to declared hosts only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from tui import __version__
from tui.core.errors import FetchError, NetworkError, ParseError, Unsupported
from tui.core.http import Reply
from tui.core.redact import Secret
from tui.core.urls import host_allowed, host_of, is_loopback, origin
from tui.gateways._http_client import CONNECTIONS, new_client, new_loopback_client
from tui.gateways._http_errors import network_error

if TYPE_CHECKING:
    import httpx

USER_AGENT = f"quotadeck/{__version__}"
MAX_REDIRECTS = 3
PACKINGS = ("gzip", "deflate")
"""Asked for, and no other is unpacked: one layer of these grows a thousandfold at most, so that a
read of 64 KiB stays small. Layers upon layers would fill the memory before a limit is looked at."""


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
            self._client = new_client(self._transport)
        return self._client

    def client_for(self, url: str) -> httpx.AsyncClient:
        """The client for an address; without TLS nothing leaves this machine, to a proxy neither.

        Raises:
            NetworkError: As `client`.
        """
        return self.client() if origin(url)[0] == "https" else self.loopback_client()

    def loopback_client(self) -> httpx.AsyncClient:
        """The client for servers of this machine: any certificate, no proxy."""
        if self._loopback is None:
            self._loopback = new_loopback_client(self._transport)
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
            raise network_error(host, timeout_s, error) from error


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
        client = self._gateway.client_for(url)
        all_headers = dict(headers or {})
        if bearer is not None:
            all_headers["Authorization"] = bearer.within("Bearer {}")
        if cookie is not None:
            all_headers["Cookie"] = cookie
        with _proper_text(url):
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
        with _proper_text(url):
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


@contextmanager
def _proper_text(url: str) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise Unsupported(
            f"A value for {host_of(url)} is no proper text; nothing was sent.",
            hint="Enter the key or the setting again.",
        ) from error


def _request(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    headers: Mapping[str, str | Secret],
    params: Mapping[str, str | Secret] | None,
    json: Any,
    form: Mapping[str, str | Secret] | None,
) -> httpx.Request:
    sent = {
        "Accept": "application/json",
        "Accept-Encoding": ", ".join(PACKINGS),
        "Cache-Control": "no-cache",
        "User-Agent": USER_AGENT,
    }
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
    target = _target(client, method, url)
    if params:
        target = target.copy_merge_params({name: _plain(value) for name, value in params.items()})
    return client.build_request(method, target, headers=encoded, **body)


def _target(client: httpx.AsyncClient, method: str, url: str) -> httpx.URL:
    import httpx

    try:
        target = client.build_request(method, url).url
        if target.host:  # a name that cannot be decoded raises here
            return target
    except (httpx.InvalidURL, UnicodeError):
        pass
    raise Unsupported("An address in the settings cannot be used.", hint="Correct it.")


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
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing not in (*PACKINGS, "identity", ""):
        raise ParseError(f"{response.url.host} packed its answer in a way nobody asked for.")
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
