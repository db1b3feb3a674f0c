"""What goes wrong on the way to a server, in our words: exceptions of httpx are mapped here."""

from __future__ import annotations

import socket
import ssl

from tui.core.errors import FetchError, NetworkError, ParseError, ServerError
from tui.gateways._http_client import set_proxies


def network_error(host: str, timeout_s: float, error: Exception) -> FetchError:
    """An exception of an exchange as ours.

    Raises:
        Exception: The same one, when it is no trouble of the network.
    """
    import httpx

    causes = _causes(error)

    def has(*kinds: type[Exception]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(httpx.TimeoutException, TimeoutError):
        return NetworkError(f"{host} did not answer within {timeout_s:g} s.", cause="timeout")
    if has(ssl.SSLCertVerificationError):
        return NetworkError(
            f"The certificate of {host} could not be verified.",
            hint="Check the clock; behind a proxy set SSL_CERT_FILE to its certificate.",
        )
    if has(socket.gaierror):
        return NetworkError(f"{host} was not found.", hint=_connection_hint())
    if has(httpx.ProxyError):
        return NetworkError(
            f"The proxy did not let us reach {host}.", hint="Check the proxy variables."
        )
    if has(httpx.InvalidURL, UnicodeError):  # the address of the request itself was taken apart
        return ServerError(f"{host} redirected to something that is no address.")
    if has(httpx.DecodingError):
        return ParseError(f"The answer of {host} cannot be unpacked.")
    if has(httpx.RemoteProtocolError, ssl.SSLError):
        return NetworkError(
            f"{host} broke off, or something between answered in its place.",
            hint=_connection_hint(),
        )
    if isinstance(error, (httpx.HTTPError, OSError)):
        return NetworkError(f"{host} could not be reached.", hint=_connection_hint())
    raise error


def _connection_hint() -> str:
    proxies = set_proxies()
    return f"Check the connection and {', '.join(proxies)}." if proxies else "Check the connection."


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found
