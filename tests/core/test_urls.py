"""Addresses from settings are refused unless a secret may travel to them."""

from __future__ import annotations

import pytest

from tui.core.urls import host_allowed, https_url, is_loopback, origin


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h/x", "https://h/x"),
        ("h", "https://h"),
        ("host:8443/x", "https://host:8443/x"),
        ("[::1]:8443", "https://[::1]:8443"),
        ("h/a:b", "https://h/a:b"),
    ],
)
def test_good_addresses(text: str, expected: str) -> None:
    assert https_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://h",
        "ftp://h",
        "https://",
        "https://user:pass@h",
        "https://user%40h/",
        "https://h%2fevil",
        "https://h%252fevil",
        "https://a b/",
        "https://h:port/",
        "https://h\\evil/",
        "https://h/\n",
        "javascript://h",
    ],
)
def test_bad_addresses(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        https_url(text)


def test_plain_http_only_for_this_machine_and_only_when_allowed() -> None:
    assert https_url("http://127.0.0.1:11434", loopback_http=True) == "http://127.0.0.1:11434"
    with pytest.raises(ValueError, match="https"):
        https_url("http://127.0.0.1:11434")
    with pytest.raises(ValueError, match="https"):
        https_url("http://localhost.example.com", loopback_http=True)


def test_a_bare_host_can_be_refused() -> None:
    with pytest.raises(ValueError, match="https"):
        https_url("api.example.com", bare_host=False)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("api.example.com", True),
        ("API.EXAMPLE.COM", True),
        ("x.tenant.example.net", True),
        ("tenant.example.net", True),
        ("evil-api.example.com", False),
        ("api.example.com.evil.net", False),
        ("nottenant.example.net", False),
    ],
)
def test_which_hosts_may_be_contacted(host: str, allowed: bool) -> None:
    assert host_allowed(host, ("api.example.com", ".tenant.example.net")) is allowed


def test_loopback_is_literal() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("[::1]")
    assert not is_loopback("localhost.example.com")
    assert not is_loopback("10.0.0.1")


def test_an_origin_fills_in_the_default_port() -> None:
    assert origin("https://H/x") == origin("https://h:443/y")
    assert origin("https://h") != origin("http://h")
