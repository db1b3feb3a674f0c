"""The same demands on every provider.

How its stored answers are read, a provider's test module says in

    PARSERS: dict[str, Callable[[bytes], object]] = {
        "quota_*.json": lambda body: parse_quota(...),
        "*": ...,
    }

Keys are patterns of file names below `tests/payloads/<id>/`; the first that matches counts, and
every file needs one. A parser takes the bytes as the service sends them (`tests.support.reply`
makes an answer of them) and returns whatever it makes of them. Files named `bad_*` or `refused_*`
must be answered with a `FetchError`, all others must be read; damaged copies of all of them may
give a `FetchError` and nothing else.
"""

from __future__ import annotations

import importlib
import inspect
import json
import math
import random
import re
import ssl
from collections.abc import Callable, Iterator
from copy import deepcopy
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import PAYLOADS, make_context
from tui.core.errors import ErrorInfo, ErrorKind, FetchError
from tui.core.models import ProviderSnapshot
from tui.core.plain import from_plain, to_plain
from tui.providers import _chain, load_providers
from tui.providers._context import FetchContext
from tui.providers._spec import ChoiceField, ProviderSpec, SecretField

Parser = Callable[[bytes], object]

REGISTRY = load_providers()
SPECS = REGISTRY.specs
HERE = Path(__file__).parent
MUST_FAIL = ("bad_*", "refused_*")
EVERYWHERE = ("enabled", "source", "extras")
"""Settings of every provider, which none declares."""
ODD_TRIES = 2000

every_provider = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
every_id = pytest.mark.parametrize("provider", SPECS)


# -- what belongs together -------------------------------------------------------------------------


def test_every_provider_module_can_be_used() -> None:
    assert REGISTRY.broken == {}


def test_modules_payloads_and_test_files_name_the_same_providers() -> None:
    shared = {path.stem.strip("_") for path in Path(inspect.getfile(_chain)).parent.glob("_*.py")}
    tests = {path.stem.removeprefix("test_") for path in HERE.glob("test_*.py")}
    payloads = {path.name for path in PAYLOADS.iterdir() if path.is_dir()}
    assert {name.replace("_", "-") for name in tests - shared - {"contract"}} == set(SPECS)
    assert payloads == set(SPECS)


# -- the declaration -------------------------------------------------------------------------------


@every_provider
def test_names_are_well_formed(spec: ProviderSpec) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", spec.id)
    assert spec.name
    assert all(re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+", host) for host in spec.hosts)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in spec.variables())
    assert all(root.startswith(("~", "$", "%", "/")) for root in spec.roots)
    links = (spec.links.dashboard, spec.links.keys, spec.links.login, spec.links.status)
    assert all(link.startswith("https://") for link in links if link)


def test_all_but_two_have_accounts() -> None:
    assert {name for name, spec in SPECS.items() if not spec.accounts} == {"jetbrains", "kiro"}


@every_provider
def test_sources_and_modes_fit(spec: ProviderSpec) -> None:
    source_ids = [source.id for source in spec.sources]
    assert len(set(source_ids)) == len(source_ids)
    assert all(mode.sources for mode in spec.modes)
    assert {source for mode in spec.modes for source in mode.sources} == set(source_ids)
    assert all(spec.mode(alias) is not None for alias in spec.mode_aliases)
    assert spec.deadline_s > 0
    for source in spec.sources:
        assert source.label
        assert all(map(inspect.iscoroutinefunction, (source.fetch, *source.extras)))


@every_provider
def test_setting_fields_fit(spec: ProviderSpec) -> None:
    keys = [item.key for item in spec.fields()]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & set(EVERYWHERE)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", key) for key in keys)
    assert all(item.label for item in spec.fields())
    assert set(spec.codexbar.values()) <= set(keys)
    for item in spec.fields():
        _check_visibility(spec, item.visible_if)
        if isinstance(item, ChoiceField):
            words = {word for word, _ in item.choices}
            assert {*item.aliases.values()} <= words
            assert item.default is None or item.default in words


def _check_visibility(spec: ProviderSpec, visible_if: tuple[str, str] | None) -> None:
    if visible_if is None:
        return
    key, word = visible_if
    other = spec.field(key)
    assert other is not None
    if isinstance(other, ChoiceField):
        assert word in {choice for choice, _ in other.choices}


# -- stored answers --------------------------------------------------------------------------------


def parsers_of(provider: str) -> dict[str, Parser]:
    """The `PARSERS` of a provider's test module."""
    module = importlib.import_module(f"tests.providers.test_{provider.replace('-', '_')}")
    parsers: dict[str, Parser] = getattr(module, "PARSERS", {})
    return parsers


def stored_answers(provider: str) -> Iterator[tuple[str, bytes, Parser | None]]:
    """Name, bytes and parser of every payload."""
    folder, parsers = PAYLOADS / provider, parsers_of(provider)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            found = (parser for pattern, parser in parsers.items() if fnmatch(name, pattern))
            yield name, path.read_bytes(), next(found, None)


def must_fail(name: str) -> bool:
    return any(fnmatch(Path(name).name, pattern) for pattern in MUST_FAIL)


def check_sound(result: object) -> None:
    """A snapshot has finite numbers, window ids of its own, and survives being stored."""
    if not isinstance(result, ProviderSnapshot):
        return
    plain = json.loads(json.dumps(to_plain(result), allow_nan=False))
    assert from_plain(ProviderSnapshot, plain) == result
    ids = [window.id for window in result.windows]
    assert len(set(ids)) == len(ids)
    for window in result.windows:
        assert window.label
        assert window.resets_at is None or window.resets_at.utcoffset() is not None
        assert window.window_minutes is None or 0 < window.window_minutes <= 366 * 1440


@every_id
def test_every_stored_answer_has_a_parser(provider: str) -> None:
    assert [name for name, _, parser in stored_answers(provider) if parser is None] == []


@every_id
def test_good_answers_are_read_and_bad_ones_refused(provider: str) -> None:
    for name, body, parser in stored_answers(provider):
        if parser is None:
            continue
        if must_fail(name):
            with pytest.raises(FetchError):
                parser(body)
        else:
            check_sound(parser(body))


# -- damaged answers -------------------------------------------------------------------------------

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 0.5, 5e-324, 1e308, -1e308, 2**63, 10**30, 10**400),
    *(math.nan, math.inf, -math.inf),
    *("", " ", "null", "NaN", "-1", "1e999", "9" * 400, "٣", "2026-02-30T99:99:99Z", "0001-01-01"),
    *("9999-12-31T23:59:59.999999999+14:00", "\ud800", "\x1b[31m[/x]", "a=b;c", "long " * 2000),
    *({}, [], [[]], {"": None}, [None], [{}], {"data": {"data": []}}),
)
ODD_BODIES = (b"", b" ", b"null", b"[]", b"{}", b"0", b'"x"', b"\xff\xfe", b"[" * 100_000)

Place = tuple[Any, Any]
"""A container and an index or key within it."""


def places(document: Any) -> list[Place]:
    """Every place inside a document that holds a value."""
    if isinstance(document, dict):
        own: list[Place] = [(document, key) for key in document]
    elif isinstance(document, list):
        own = [(document, index) for index in range(len(document))]
    else:
        return []
    return own + [inner for container, key in own for inner in places(container[key])]


@st.composite
def damaged_documents(draw: st.DrawFn, body: bytes) -> bytes:
    """JSON with one to three places replaced, removed, nested or doubled."""
    document = json.loads(body)
    for _ in range(draw(st.integers(1, 3))):
        found = places(document)
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        match draw(st.sampled_from(("replace", "replace", "remove", "nest", "double"))):
            case "replace":
                container[key] = deepcopy(draw(st.sampled_from(ODD_VALUES)))
            case "remove":
                del container[key]
            case "nest":
                container[key] = [container[key]]
            case "double" if isinstance(container, list):
                container.append(deepcopy(container[key]))
    return json.dumps(document).encode()


@st.composite
def damaged_bytes(draw: st.DrawFn, body: bytes) -> bytes:
    """Bytes cut off, with a hole, or with something put in."""
    start, end = sorted(draw(st.integers(0, len(body))) for _ in range(2))
    filling = draw(st.sampled_from((b"", b"\0", b"\xff", b"<html>", b'"', b"\n", b"999999")))
    return draw(st.sampled_from((body[:start], body[:start] + filling + body[end:])))


def damaged(body: bytes) -> st.SearchStrategy[bytes]:
    """Copies of an answer with something wrong."""
    odd = st.sampled_from(ODD_BODIES)
    if not is_document(body):
        return st.one_of(damaged_bytes(body), odd)
    return st.one_of(*(damaged_documents(body) for _ in range(6)), damaged_bytes(body), odd)


def try_damaged(parser: Parser, body: bytes) -> None:
    """Anything but a sound result or a `FetchError` is a failure that shows the body."""
    try:
        check_sound(parser(body))
    except FetchError:
        return
    except Exception as error:
        error.add_note(f"damaged answer: {body[:4000]!r}")
        raise


def is_document(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), (dict, list))
    except (ValueError, RecursionError):
        return False


@every_id
def test_an_odd_value_anywhere_gives_a_fetch_error_at_most(provider: str) -> None:
    dice = random.Random(provider)
    answers = [
        (body, parser)
        for name, body, parser in stored_answers(provider)
        if parser and is_document(body) and not must_fail(name)
    ]
    for _ in range(ODD_TRIES if answers else 0):
        body, parser = dice.choice(answers)
        document = json.loads(body)
        container, key = dice.choice(places(document))
        container[key] = deepcopy(dice.choice(ODD_VALUES))
        try_damaged(parser, json.dumps(document).encode())


@every_id
@settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_damaged_answers_give_a_fetch_error_and_nothing_else(
    provider: str, data: st.DataObject
) -> None:
    readable = [(body, parser) for _, body, parser in stored_answers(provider) if parser]
    if not readable:
        return
    body, parser = data.draw(st.sampled_from(readable))
    try_damaged(parser, data.draw(damaged(body)))


# -- secrets and first use -------------------------------------------------------------------------

CANARY = "canary-7f3a9c51d2e8"


def echo(request: httpx.Request) -> httpx.Response:
    """A service that tells everything it was told, as some really do."""
    heard = f"{request.url} {dict(request.headers)} {request.content!r}"
    words = {"message": heard, "msg": heard, "error": {"message": heard}, "detail": heard}
    return httpx.Response(400, json={"success": False, "code": 500, "data": {}, **words})


async def canary_context(spec: ProviderSpec, home: Path) -> FetchContext:
    """Every secret field is set, each to a value that can be recognised."""
    secrets = {
        item.key: f"session={CANARY}" if item.key == "cookie_header" else CANARY
        for item in spec.fields()
        if isinstance(item, SecretField)
    }
    return await make_context(spec, home, secrets=secrets)


@every_provider
@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_an_answer_that_repeats_secrets_brings_none_to_light(
    spec: ProviderSpec, status: int, home: Path
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=echo(request).content)

    shown: list[ProviderSnapshot] = []
    ctx = await canary_context(spec, home)
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=answer)
        result = await _chain.run(spec, ctx, shown.append)
    assert CANARY not in f"{result!r} {shown!r} {ctx!r} {spec!r}"
    assert result.error is None or result.error.kind is not ErrorKind.INTERNAL


@every_provider
async def test_with_nothing_configured_it_says_what_to_do_and_asks_nobody(
    spec: ProviderSpec, home: Path
) -> None:
    ctx = await make_context(spec, home)
    with respx.mock(assert_all_called=False) as router:
        router.route().respond(500)
        result = await _chain.run(spec, ctx)
    assert result.error is not None
    assert result.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert result.error.message
    assert result.error.hint
    assert router.calls.call_count == 0


@every_provider
async def test_looking_for_a_login_needs_no_network(spec: ProviderSpec, home: Path) -> None:
    if spec.detect is None:
        return
    ctx = await make_context(spec, home, user_initiated=False)
    with respx.mock(assert_all_called=False) as router:
        router.route().respond(500)
        found = await spec.detect(ctx)
    assert found == ""
    assert router.calls.call_count == 0


# -- next steps ------------------------------------------------------------------------------------

with_key = pytest.mark.parametrize(
    "spec", [pytest.param(spec, id=spec.id) for spec in SPECS.values() if spec.field("api_key")]
)
with_cookies = pytest.mark.parametrize(
    "spec", [pytest.param(spec, id=spec.id) for spec in SPECS.values() if spec.cookies]
)
PASTES = {
    "claude": "sessionKey=sk-ant-sid01-abcdefgh",
    "kimi": "kimi-auth=aaaaaaaa.bbbbbbbb.cccccccc",
    "opencode": "auth=abcdefgh",
    "ollama": "__Secure-session=abcdefgh",
}
"""A login by its form, where the name `session` is not one."""


async def said_with_key(spec: ProviderSpec, home: Path, reaction: Any) -> ErrorInfo:
    """What the card says with a key of the right form and this reaction to every request."""
    declared = spec.field("api_key")
    assert isinstance(declared, SecretField)
    key = (declared.placeholder or "…").replace("…", "abcdefgh1234")
    ctx = await make_context(spec, home, secrets={"api_key": key}, settings={"source": "api"})
    with respx.mock(assert_all_called=False) as router:
        router.route().mock(side_effect=reaction)
        error = (await _chain.run(spec, ctx)).error
    assert error is not None
    return error


@with_key
async def test_an_unknown_certificate_leads_to_the_variable(spec: ProviderSpec, home: Path) -> None:
    error = await said_with_key(spec, home, ssl.SSLCertVerificationError("unknown authority"))
    assert error.kind is ErrorKind.NETWORK
    assert "SSL_CERT_FILE" in error.hint


@with_key
async def test_a_page_of_somebody_else_is_no_news_for_us(spec: ProviderSpec, home: Path) -> None:
    page = httpx.Response(200, html="<html><title>Portal</title>Welcome to this hotel</html>")
    error = await said_with_key(spec, home, lambda request: page)
    assert "report" not in error.hint


@with_cookies
async def test_with_cookies_switched_off_no_browser_is_recommended(
    spec: ProviderSpec, home: Path
) -> None:
    ctx = await make_context(spec, home, settings={"source": "web", "cookie_source": "off"})
    error = (await _chain.run(spec, ctx)).error
    assert error is not None
    assert error.hint == _chain.COOKIES_OFF


@with_cookies
async def test_where_cookies_are_off_another_source_says_what_is_missing(
    spec: ProviderSpec, home: Path
) -> None:
    ctx = await make_context(spec, home, settings={"cookie_source": "off"})
    error = (await _chain.run(spec, ctx)).error
    assert error is not None
    assert error.hint != _chain.COOKIES_OFF


@with_cookies
async def test_pasted_cookies_that_are_refused_are_to_be_pasted_anew(
    spec: ProviderSpec, home: Path
) -> None:
    paste = PASTES.get(spec.id, "session=abcdefgh")
    pasted = {"source": "web", "cookie_source": "manual", "cookie_header": paste}
    ctx = await make_context(spec, home, settings=pasted)
    with respx.mock(assert_all_called=False) as router:
        router.route().respond(401)
        error = (await _chain.run(spec, ctx)).error
    assert error is not None
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert "paste" in error.hint
