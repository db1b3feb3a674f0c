"""The network gateway against real sockets with real TLS, through a real proxy."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Response, World, loopback_world
from tui.core.errors import NetworkError, ParseError, ServerError, Unsupported
from tui.core.http import Reply
from tui.core.redact import Secret
from tui.gateways.http import HttpGateway, ProviderHttp

HOSTS = ("api.example.com", "evil.example.net")
API = "https://api.example.com"
KEY = Secret("sk-a-key-for-tests")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with loopback_world(tmp_path / "tls", HOSTS) as world:
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        yield world


async def ask(http: ProviderHttp, path: str) -> Reply:
    return await http.send("GET", API + path, bearer=KEY, timeout_s=5)


async def test_a_request_carries_the_key_through_proxy_and_tls(world: World) -> None:
    world.upstream.on("GET", f"{API}/quota", Response.json({"ok": True}))
    gateway = HttpGateway()
    reply = await ask(gateway.for_hosts(("api.example.com",)), "/quota")
    await gateway.aclose()
    (request,) = world.upstream.requests
    assert reply.status == 200
    assert request.headers["authorization"] == f"Bearer {KEY.reveal()}"
    assert request.headers["accept"] == "application/json"
    assert world.proxy.connected == ["api.example.com:443"]


async def test_a_host_that_is_not_declared_is_refused_before_anything_is_sent(
    world: World,
) -> None:
    gateway = HttpGateway()
    with pytest.raises(Unsupported):
        await gateway.for_hosts(("other.example.com",)).send("GET", f"{API}/x", bearer=KEY)
    with pytest.raises(Unsupported):
        await gateway.for_hosts(("api.example.com",)).send(
            "GET", "http://api.example.com/x", bearer=KEY
        )
    await gateway.aclose()
    assert world.proxy.connected == []


async def test_a_redirect_to_another_host_is_an_answer_and_never_carries_the_key(
    world: World,
) -> None:
    away = Response(b"", 302, {"location": "https://evil.example.net/take"})
    world.upstream.on("GET", f"{API}/moved", away)
    gateway = HttpGateway()
    reply = await ask(gateway.for_hosts(HOSTS), "/moved")
    await gateway.aclose()
    assert reply.is_redirect
    assert world.upstream.asked("evil.example.net") == []


async def test_a_redirect_within_the_origin_is_followed(world: World) -> None:
    world.upstream.on("GET", f"{API}/old", Response(b"", 301, {"location": "/new"}))
    world.upstream.on("GET", f"{API}/new", Response.json({"new": 1}))
    gateway = HttpGateway()
    reply = await ask(gateway.for_hosts(("api.example.com",)), "/old")
    await gateway.aclose()
    assert reply.body == b'{"new": 1}'
    assert [request.path for request in world.upstream.requests] == ["/old", "/new"]


@pytest.mark.parametrize("location", ["https://[odd", "https://api.example.com:99999/", ""])
async def test_a_redirect_to_no_address_is_an_answer(world: World, location: str) -> None:
    world.upstream.on("GET", f"{API}/odd", Response(b"", 302, {"location": location}))
    gateway = HttpGateway()
    reply = await ask(gateway.for_hosts(("api.example.com",)), "/odd")
    await gateway.aclose()
    assert (reply.is_redirect, reply.redirect_url) == (True, "")


@pytest.mark.parametrize("location", ["https://xn--/", "https://api.example.com:abc/", "data:,x"])
async def test_a_redirect_that_is_no_address_blames_the_server(world: World, location: str) -> None:
    world.upstream.on("GET", f"{API}/odd", Response(b"", 302, {"location": location}))
    gateway = HttpGateway()
    with pytest.raises(ServerError, match="redirected"):
        await ask(gateway.for_hosts(("api.example.com",)), "/odd")
    await gateway.aclose()


@pytest.mark.parametrize("base", ["https://xn--", f"https://a.example/{'a' * 70_000}"])
async def test_an_address_that_cannot_be_taken_apart_is_refused(base: str) -> None:
    http = HttpGateway().for_hosts(("xn--", "a.example"))
    with pytest.raises(Unsupported, match="address"):
        await http.send("GET", f"{base}/quota", bearer=KEY)


@pytest.mark.parametrize("where", ["headers", "params", "json", "form"])
async def test_half_a_character_is_refused_before_anything_is_sent(where: str) -> None:
    http = HttpGateway().for_hosts(("api.example.com",))
    half: dict[str, Any] = {where: {"name": "\ud800"}}
    with pytest.raises(Unsupported, match="no proper text"):
        await http.send("POST", f"{API}/quota", **half)


async def test_a_redirect_loop_ends(world: World) -> None:
    world.upstream.on("GET", f"{API}/loop", Response(b"", 302, {"location": "/loop"}))
    gateway = HttpGateway()
    reply = await ask(gateway.for_hosts(("api.example.com",)), "/loop")
    await gateway.aclose()
    assert reply.is_redirect
    assert len(world.upstream.requests) == 4


async def test_a_cookie_that_was_received_is_not_sent_back(world: World) -> None:
    world.upstream.on("GET", f"{API}/login", Response(b"{}", cookies=("session=abc; Path=/",)))
    gateway = HttpGateway()
    http = gateway.for_hosts(("api.example.com",))
    await ask(http, "/login")
    await ask(http, "/login")
    await gateway.aclose()
    assert "cookie" not in world.upstream.requests[1].headers


async def test_a_body_beyond_the_limit_is_refused_while_it_arrives(world: World) -> None:
    world.upstream.on("GET", f"{API}/big", Response(b"x" * (10 << 20)))
    gateway = HttpGateway()
    with pytest.raises(ParseError, match="1024 KiB"):
        await ask(gateway.for_hosts(("api.example.com",)), "/big")
    await gateway.aclose()


async def test_layers_of_packing_are_refused_before_they_fill_the_memory(world: World) -> None:
    bomb = gzip.compress(gzip.compress(bytes(256 << 20)))
    packed = {"content-encoding": "gzip, gzip"}
    world.upstream.on("GET", f"{API}/bomb", Response(bomb, headers=packed))
    gateway = HttpGateway()
    with pytest.raises(ParseError, match="packed"):
        await ask(gateway.for_hosts(("api.example.com",)), "/bomb")
    await gateway.aclose()
    assert world.upstream.requests[0].headers["accept-encoding"] == "gzip, deflate"


async def test_one_layer_of_packing_is_unpacked_up_to_the_limit(world: World) -> None:
    packed = {"content-encoding": "gzip"}
    world.upstream.on("GET", f"{API}/small", Response(gzip.compress(b"{}"), headers=packed))
    world.upstream.on("GET", f"{API}/bomb", Response(gzip.compress(bytes(64 << 20)), 200, packed))
    world.upstream.on("GET", f"{API}/odd", Response(b"{}", headers=packed))
    gateway = HttpGateway()
    http = gateway.for_hosts(("api.example.com",))
    assert (await ask(http, "/small")).body == b"{}"
    with pytest.raises(ParseError, match="1024 KiB"):
        await ask(http, "/bomb")
    with pytest.raises(ParseError, match="unpacked"):
        await ask(http, "/odd")
    await gateway.aclose()


async def test_a_garbled_answer_is_told_from_a_server_that_is_not_there(world: World) -> None:
    two_lengths = {"content-length": "50"}
    world.upstream.on("GET", f"{API}/cut", Response(b"{}", headers=two_lengths))
    gateway = HttpGateway()
    with pytest.raises(NetworkError, match="broke off"):
        await ask(gateway.for_hosts(("api.example.com",)), "/cut")
    await gateway.aclose()


async def test_without_tls_nothing_goes_to_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            free = taken.getsockname()[1]
        gateway = HttpGateway()
        http = gateway.for_hosts(("127.0.0.1",))
        with pytest.raises(NetworkError, match="could not be reached"):
            await http.send("GET", f"http://127.0.0.1:{free}/tags", bearer=KEY, timeout_s=5)
        await gateway.aclose()
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


async def test_a_slow_answer_is_a_network_error_that_names_host_and_seconds(
    world: World,
) -> None:
    world.upstream.on("GET", f"{API}/slow", Response(delay_s=1.5))
    gateway = HttpGateway()
    with pytest.raises(NetworkError, match=r"api\.example\.com did not answer within 0\.3 s"):
        await gateway.for_hosts(("api.example.com",)).send("GET", f"{API}/slow", timeout_s=0.3)
    await gateway.aclose()


async def test_a_certificate_nobody_vouches_for_is_its_own_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    gateway = HttpGateway()
    with pytest.raises(NetworkError, match="certificate"):
        await ask(gateway.for_hosts(("api.example.com",)), "/x")
    await gateway.aclose()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("SSL_CERT_FILE", "/nowhere/ca.pem", "SSL_CERT_FILE", id="missing file"),
        pytest.param("HTTPS_PROXY", "socks9://localhost:1", "HTTPS_PROXY", id="odd proxy"),
    ],
)
async def test_surroundings_that_cannot_be_used_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    gateway = HttpGateway()
    with pytest.raises(NetworkError, match=expected):
        await ask(gateway.for_hosts(("api.example.com",)), "/x")


async def test_a_refused_connection_is_a_network_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    gateway = HttpGateway()
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1"):
        await gateway.for_hosts(("127.0.0.1",)).send("GET", f"http://127.0.0.1:{port}/")
    await gateway.aclose()


@pytest.mark.parametrize("value", ["line\nbreak", "nul\0", "\x1b[31m"])
async def test_a_key_with_control_characters_never_becomes_a_header(value: str) -> None:
    gateway = HttpGateway()
    with pytest.raises(Unsupported) as caught:
        await gateway.for_hosts(("api.example.com",)).send("GET", API, bearer=Secret(value))
    await gateway.aclose()
    assert value not in caught.value.message


async def test_only_this_machine_is_asked_without_a_checked_certificate(world: World) -> None:
    gateway = HttpGateway()
    http = gateway.for_hosts(HOSTS)
    world.upstream.on("POST", "https://127.0.0.1/status", Response.json({"up": True}))
    port = world.upstream.port
    reply = await http.send_loopback("POST", f"https://127.0.0.1:{port}/status", json={})
    with pytest.raises(Unsupported):
        await http.send_loopback("POST", "https://localhost.example.com/", json={})
    await gateway.aclose()
    assert reply.body == b'{"up": true}'
    assert world.proxy.connected == []


async def test_secrets_inside_json_forms_and_queries_go_on_the_wire(world: World) -> None:
    world.upstream.on("POST", f"{API}/token", Response())
    world.upstream.on("GET", f"{API}/token", Response())
    gateway = HttpGateway()
    http = gateway.for_hosts(("api.example.com",))
    await http.send("POST", f"{API}/token", json={"refresh": Secret("first-secret"), "n": 1})
    await http.send("POST", f"{API}/token", form={"refresh": Secret("a/b+c&d")})
    await http.send("GET", f"{API}/token", params={"group": Secret("a/b+c&d")})
    await gateway.aclose()
    assert world.upstream.requests[0].body == b'{"refresh":"first-secret","n":1}'
    assert world.upstream.requests[1].body == b"refresh=a%2Fb%2Bc%26d"
    assert world.upstream.requests[2].path == "/token?group=a%2Fb%2Bc%26d"


async def test_a_cancelled_request_leaves_no_connection_in_use(world: World) -> None:
    world.upstream.on("GET", f"{API}/slow", Response(delay_s=1))
    gateway = HttpGateway()
    http = gateway.for_hosts(("api.example.com",))
    task = asyncio.create_task(ask(http, "/slow"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    world.upstream.on("GET", f"{API}/fast", Response())
    assert (await ask(http, "/fast")).status == 200
    await gateway.aclose()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("17", 17.0, id="seconds"),
        pytest.param("Thu, 10 Sep 2026 12:01:00 GMT", 60.0, id="date"),
        pytest.param("Thu, 10 Sep 2020 12:01:00 GMT", 0.0, id="past date"),
        pytest.param("soon", None, id="nonsense"),
        pytest.param("", None, id="absent"),
    ],
)
def test_retry_after_in_both_forms(value: str, seconds: float | None) -> None:
    reply = Reply(status=429, url=API, headers=(("Retry-After", value),))
    assert reply.retry_after_s(datetime(2026, 9, 10, 12, 0, tzinfo=UTC)) == seconds
