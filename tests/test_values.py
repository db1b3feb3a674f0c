"""Where a value comes from, which one wins, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tui.auth.memory_store import MemoryStore
from tui.core.errors import Unsupported
from tui.core.models import ProviderKey
from tui.core.redact import Secret
from tui.gateways.codexbar import ForeignEntry
from tui.providers._context import FetchContext
from tui.providers._spec import (
    ChoiceField,
    CookieUse,
    FlagField,
    ListField,
    Mode,
    NumberField,
    PathField,
    ProviderSpec,
    SecretField,
    Source,
    UrlField,
)
from tui.values import ProviderValues, Variables


async def nothing(ctx: FetchContext) -> Any:
    raise AssertionError


SPEC = ProviderSpec(
    id="alpha",
    name="Alpha",
    sources=(Source(id="api", label="API", fetch=nothing),),
    modes=(Mode("auto", ("api",)), Mode("api", ("api",))),
    mode_aliases={"old": "auto"},
    env=("ALPHA_OTHER",),
    settings=(
        SecretField("api_key", "API key", env=("ALPHA_KEY", "ALPHA_KEY_2"), weak_env=("KEY",)),
        ChoiceField(
            "region",
            "Region",
            choices=(("global", "Global"), ("china", "China")),
            aliases={"cn": "china"},
            default="global",
        ),
        UrlField("base_url", "Base URL", env=("ALPHA_URL",)),
        FlagField("strict", "Strict", env=("ALPHA_STRICT",)),
        NumberField("minutes", "Minutes", default=5, maximum=60),
        ListField("teams", "Teams"),
        PathField("folder", "Folder"),
    ),
    cookies=CookieUse(domains=("alpha.example.com",), env=("ALPHA_COOKIE",)),
)


async def values(
    table: Mapping[str, Any] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    stored: Mapping[str, str] | None = None,
    account: str = "",
    flags: Mapping[str, str] | None = None,
    foreign: ForeignEntry | None = None,
) -> ProviderValues:
    key = ProviderKey("alpha", account)
    store = MemoryStore(
        {(str(key), field): Secret(value) for field, value in (stored or {}).items()}
    )
    made = ProviderValues(
        SPEC,
        key,
        table=table or {},
        env=env or {},
        home=Path("/home/mia"),
        flags=flags,
        foreign=foreign,
    )
    return await made.load(store)


def revealed(found: ProviderValues, key: str = "api_key") -> str:
    secret = found.secret_now(key)
    return secret.value.reveal() if secret else ""


async def test_a_secret_is_looked_up_in_its_order() -> None:
    everything = {
        "table": {"api_key": "file"},
        "stored": {"api_key": "store"},
        "env": {"ALPHA_KEY": "first", "ALPHA_KEY_2": "second"},
        "foreign": ForeignEntry(values={"api_key": "codexbar"}),
    }
    order = []
    for place in ("table", "stored", "env", "foreign"):
        order.append(revealed(await values(**everything)))  # type: ignore[arg-type]
        del everything[place]
    assert order == ["file", "store", "first", "codexbar"]
    assert revealed(await values()) == ""


async def test_a_blank_variable_does_not_block_the_next_one() -> None:
    assert revealed(await values(env={"ALPHA_KEY": '" "', "ALPHA_KEY_2": "'k2'"})) == "k2"


async def test_variables_of_other_products_count_only_when_switched_on() -> None:
    env = {"KEY": "foreign"}
    assert revealed(await values(env=env)) == ""
    assert not (await values(env=env)).has_strong_secret()
    assert revealed(await values({"enabled": True}, env=env)) == "foreign"
    assert revealed(await values({"enabled": True, "api_key": "own"}, env=env)) == "own"
    behind = await values({"enabled": True}, env={**env, "ALPHA_KEY_2": "own"})
    assert revealed(behind) == "own"


async def test_an_account_uses_its_own_values_only() -> None:
    env = {"ALPHA_KEY": "ambient", "ALPHA_OTHER": "ambient"}
    work = await values(env=env, account="work", foreign=ForeignEntry(values={"api_key": "x"}))
    assert revealed(work) == ""
    assert Variables(work).get("ALPHA_OTHER") == ""
    stored = await values(env=env, account="work", stored={"api_key": "own"})
    assert revealed(stored) == "own"


async def test_the_origin_says_where_a_value_was_found() -> None:
    from_env = (await values(env={"ALPHA_KEY": "k"})).secret_now("api_key")
    from_file = (await values({"api_key": "k"})).secret_now("api_key")
    assert from_env is not None
    assert from_env.origin == "from ALPHA_KEY"
    assert from_file is not None
    assert from_file.origin == "config.toml"
    assert (await values(env={"ALPHA_URL": "https://h"})).origin("base_url") == "ALPHA_URL"


@pytest.mark.parametrize(
    ("table", "key", "expected"),
    [
        ({}, "region", "global"),
        ({"region": "CN"}, "region", "china"),
        ({"strict": True}, "strict", True),
        ({"strict": "yes"}, "strict", True),
        ({"minutes": 30}, "minutes", 30),
        ({"teams": ["a", " b "]}, "teams", ("a", "b")),
        ({"folder": "~/x"}, "folder", Path("/home/mia/x")),
        ({"base_url": "h:8443/x"}, "base_url", "https://h:8443/x"),
        ({}, "extras", True),
    ],
)
async def test_values_are_read_by_their_declaration(
    table: dict[str, Any], key: str, expected: object
) -> None:
    assert (await values(table)).value(key) == expected


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"region": "mars"}, ('region: "mars"', "global, china")),
        ({"base_url": "http://h"}, ("base_url", "https")),
        ({"strict": "perhaps"}, ("strict", "true or false")),
        ({"minutes": 61}, ("minutes", "1 to 60")),
        ({"teams": [1]}, ("teams", "list of texts")),
        ({"api_key": 7}, ("api_key", "a text")),
        ({"extras": "maybe"}, ("extras", "true or false")),
        ({"cookie_source": "chrome"}, ("cookie_source", "auto, manual, off")),
    ],
)
async def test_a_wrong_value_names_key_value_and_rule(
    table: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(Unsupported) as caught:
        (await values(table)).check()
    for word in words:
        assert word in caught.value.message


async def test_a_wrong_variable_is_named_as_the_variable() -> None:
    with pytest.raises(Unsupported, match="ALPHA_URL"):
        (await values(env={"ALPHA_URL": "http://h"})).check()


async def test_modes_and_their_aliases() -> None:
    assert (await values()).mode() == "auto"
    assert (await values({"source": "old"})).mode() == "auto"
    assert (await values({"source": "auto"}, flags={"source": "api"})).mode() == "api"
    with pytest.raises(Unsupported, match=r'"web"'):
        (await values({"source": "web"})).mode()


async def test_a_pasted_header_implies_manual_but_a_variable_does_not() -> None:
    assert (await values({"cookie_header": "a=b"})).is_implied_manual()
    assert (await values(stored={"cookie_header": "a=b"})).is_implied_manual()
    assert not (await values(env={"ALPHA_COOKIE": "a=b"})).is_implied_manual()


async def test_only_addresses_the_user_gave_are_trusted() -> None:
    assert (await values()).trusted_hosts() == ()
    assert (await values({"base_url": "gw.example.net/v1"})).trusted_hosts() == ("gw.example.net",)


async def test_an_undeclared_variable_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        Variables(await values(env={"HOME": "/x"})).get("HOME")


async def test_the_selected_account_of_codexbar_comes_before_its_plain_key() -> None:
    entry = ForeignEntry(values={"api_key": "plain"}, account={"token": "selected"})
    assert revealed(await values(foreign=entry)) == "selected"


async def test_a_variable_may_be_there_and_empty() -> None:
    variables = Variables(await values(env={"ALPHA_OTHER": ""}))
    assert variables.is_set("ALPHA_OTHER")
    assert variables.get("ALPHA_OTHER") == ""
    assert not Variables(await values()).is_set("ALPHA_OTHER")


async def test_a_wrong_value_of_codexbar_is_named_with_its_file() -> None:
    entry = ForeignEntry(values={"region": "mars", "source": "web"})
    found = await values(foreign=entry)
    with pytest.raises(Unsupported, match=r'region in .*config\.json: "mars"'):
        found.value("region")
    with pytest.raises(Unsupported, match=r'source in .*config\.json: "web"'):
        found.mode()


@pytest.mark.parametrize(
    ("env", "kept", "problem"),
    [
        pytest.param({"ALPHA_KEY": "k\udcff"}, {}, "ALPHA_KEY: should be UTF-8", id="secret"),
        pytest.param({"ALPHA_URL": "h\udcff.example"}, {}, "ALPHA_URL: ", id="address"),
        pytest.param({"ALPHA_KEY": "k\udcff"}, {"api_key": "kept"}, "", id="not used"),
    ],
)
async def test_bytes_that_are_no_text_stop_before_any_request(
    env: dict[str, str], kept: dict[str, str], problem: str
) -> None:
    found = await values(stored=kept, env=env)
    if not problem:
        return found.check()
    with pytest.raises(Unsupported, match=problem):
        found.check()
