"""The clients of the network: what they trust, which proxy they use; they keep no cookies."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import ssl
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from tui.core.errors import NetworkError

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("tui.http")

CONNECTIONS = 32
HASHED_CERTIFICATE = re.compile(r"[0-9a-f]{8}\.\d+")
PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


def new_client(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """The client for the world.

    Raises:
        NetworkError: The surroundings (proxy or certificate variables) cannot be used.
    """
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
            f"A proxy variable is not valid ({', '.join(set_proxies())}).",
            hint="Correct or unset it.",
        ) from error


def new_loopback_client(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """The client for servers of this machine: any certificate, no proxy."""
    import httpx

    return httpx.AsyncClient(
        verify=False, trust_env=False, transport=transport, cookies=_no_cookies()
    )


def set_proxies() -> list[str]:
    """The proxy variables that are set."""
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
