"""The settings form without a screen: pages, entries, words."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import NOON
from tui.auth.memory_store import MemoryStore
from tui.auth.paste import copied_host, read_paste
from tui.core.errors import ErrorInfo, ErrorKind, MissingCredentials
from tui.core.models import (
    Attempt,
    Identity,
    ProviderKey,
    ProviderSnapshot,
    ProviderState,
    UsageWindow,
)
from tui.core.redact import Redactor, Secret
from tui.form import (
    Draft,
    Page,
    Typed,
    answer,
    general_page,
    paste_text,
    provider_page,
    sign_of,
    state_line,
    tidy_secret,
)
from tui.gateways import config
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
    TextField,
    UrlField,
)
from tui.values import ProviderValues


async def nothing(ctx: FetchContext) -> Any:
    raise AssertionError


async def extra(ctx: FetchContext, snapshot: ProviderSnapshot) -> ProviderSnapshot:
    raise AssertionError


SPEC = ProviderSpec(
    id="alpha",
    name="Alpha",
    sources=(
        Source(id="api", label="API key", fetch=nothing, extras=(extra,)),
        Source(id="web", label="Browser", fetch=nothing),
    ),
    modes=(Mode("auto", ("api", "web")), Mode("api", ("api",)), Mode("web", ("web",))),
    settings=(
        SecretField("api_key", "API key", env=("ALPHA_KEY",)),
        ChoiceField(
            "region",
            "Region",
            choices=(("global", "Global"), ("china", "China")),
            aliases={"cn": "china"},
            env=("ALPHA_REGION",),
        ),
        ChoiceField("scope", "Usage of", choices=(("me", "Me"), ("team", "Team")), default="me"),
        TextField("team_id", "Team ID", visible_if=("scope", "team")),
        UrlField("base_url", "Base URL", env=("ALPHA_URL",)),
        FlagField("strict", "Strict", default=True),
        NumberField("minutes", "Minutes", default=5, maximum=60),
        ListField("teams", "Teams"),
        PathField("folder", "Folder", env=("ALPHA_FOLDER",)),
    ),
    cookies=CookieUse(domains=("alpha.example",)),
)


async def page(
    table: Mapping[str, Any] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    stored: Mapping[str, str] | None = None,
    account: str = "",
    spec: ProviderSpec = SPEC,
) -> Page:
    key = ProviderKey("alpha", account)
    store = MemoryStore({(str(key), name): Secret(text) for name, text in (stored or {}).items()})
    values = ProviderValues(spec, key, table=table or {}, env=env or {}, home=Path("/home/mia"))
    return provider_page(spec, await values.load(store, reveal=False))


def keys(shown: Page) -> list[str]:
    return [field.key for field in shown.fields]


def origin(shown: Page, key: str) -> str:
    field = shown.field(key)
    assert field is not None
    return field.origin


# -- pages -----------------------------------------------------------------------------------------


async def test_what_signs_in_comes_first_and_the_common_fields_come_last() -> None:
    found = keys(await page())
    assert found[:5] == ["enabled", "api_key", "cookie_source", "cookie_header", "browser"]
    assert found[-2:] == ["source", "extras"]


async def test_the_switch_says_what_automatic_means_here() -> None:
    by_file = ProviderSpec(
        id="alpha",
        name="Alpha",
        sources=(Source(id="api", label="API", fetch=nothing),),
        modes=(Mode("auto", ("api",)),),
    )
    by_cookies = replace(by_file, cookies=CookieUse(domains=("alpha.example",)))
    told = [
        (await page(spec=spec)).fields[0].declared.help
        for spec in (by_file, by_cookies, replace(by_file, enable_on_detect=False))
    ]
    assert told == [
        "Automatic: on as soon as a login is found.",
        "Automatic: on as soon as a login is found; one in a browser does not count.",
        "Automatic: off, since its login serves other programs too.",
    ]


async def test_a_secret_that_only_adds_something_is_not_missing() -> None:
    settings = (SecretField("api_key", "API key"), SecretField("more", "More", optional=True))
    fields = (await page(spec=replace(SPEC, settings=settings))).fields
    missing = [field.key for field in fields if field.is_missing]
    assert missing == ["api_key", "cookie_header"]


async def test_an_account_has_a_label_instead_of_a_switch() -> None:
    assert keys(await page(account="work"))[0] == "label"


async def test_a_provider_with_one_source_offers_no_choice_unless_one_is_saved() -> None:
    single = ProviderSpec(
        id="alpha",
        name="Alpha",
        sources=(Source(id="api", label="API", fetch=nothing),),
        modes=(Mode("auto", ("api",)), Mode("api", ("api",))),
    )
    assert keys(await page(spec=single)) == ["enabled"]
    assert "source" in keys(await page({"source": "api"}, spec=single))


async def test_every_field_tells_where_its_value_comes_from() -> None:
    found = await page(
        {"region": "cn"}, env={"ALPHA_KEY": "k", "ALPHA_URL": "https://a"}, stored={}
    )
    assert origin(found, "region") == "config.toml"
    assert origin(found, "api_key") == "from ALPHA_KEY"
    assert origin(found, "base_url") == "from ALPHA_URL"
    assert origin(found, "scope") == "default"
    assert "stored" in origin(await page(stored={"api_key": "k"}), "api_key")
    assert origin(await page(), "api_key") == "not set"


async def test_only_a_secret_of_ours_can_be_forgotten() -> None:
    kept = (await page(stored={"api_key": "k"})).field("api_key")
    ambient = (await page(env={"ALPHA_KEY": "k"})).field("api_key")
    assert kept is not None
    assert ambient is not None
    assert (kept.is_kept, ambient.is_kept) == (True, False)


async def test_a_secret_in_the_settings_file_is_no_place_for_it() -> None:
    by_hand = (await page({"api_key": "sk-by-hand"})).field("api_key")
    stored = (await page(stored={"api_key": "k"})).field("api_key")
    assert by_hand is not None
    assert stored is not None
    assert "Entered here again" in by_hand.caution
    assert (by_hand.is_kept, stored.caution) == (True, "")


async def test_an_alias_is_shown_as_the_word_it_stands_for() -> None:
    field = (await page({"region": "bigmodel"})).field("region")
    assert field is not None
    assert field.choices()[-1] == ("bigmodel", "bigmodel (not allowed)")
    assert "bigmodel" in field.problem
    aliased = (await page({"region": "CN"})).field("region")
    assert aliased is not None
    assert (aliased.saved, aliased.problem) == ("china", "")


async def test_a_choice_without_a_default_can_be_left_open() -> None:
    open_choice = (await page()).field("region")
    from_outside = (await page(env={"ALPHA_REGION": "china"})).field("region")
    assert open_choice is not None
    assert from_outside is not None
    assert open_choice.choices()[0] == ("", "Automatic")
    assert from_outside.shown(None) == "china"


async def test_no_value_of_a_secret_is_on_a_page() -> None:
    found = await page({"cookie_header": "a=cookiesecret"}, stored={"api_key": "storedsecret"})
    assert "cookiesecret" not in repr(found)
    assert "storedsecret" not in repr(found)


# -- entries ---------------------------------------------------------------------------------------


async def test_nothing_entered_is_nothing_changed() -> None:
    draft = Draft(await page({"base_url": "https://a", "scope": "team"}))
    assert not draft.is_changed
    assert (draft.values(), draft.secrets()) == ({}, {})


@pytest.mark.parametrize(
    ("key", "entry", "written"),
    [
        ("enabled", "true", True),
        ("enabled", "false", False),
        ("region", "china", "china"),
        ("scope", "team", "team"),
        ("strict", False, False),
        ("minutes", "30", 30),
        ("teams", "a, b,,c ", ["a", "b", "c"]),
        ("folder", " ~/x ", "~/x"),
        ("base_url", '"https://gw.example"', "https://gw.example"),
        ("source", "web", "web"),
    ],
)
async def test_entries_are_written_as_their_declaration_says(
    key: str, entry: str | bool, written: object
) -> None:
    draft = Draft(await page())
    draft.enter(key, entry)
    assert draft.values() == {key: written}
    assert draft.problems() == {}


@pytest.mark.parametrize(
    ("key", "entry"),
    [("scope", "me"), ("strict", True), ("minutes", "5"), ("region", ""), ("base_url", "")],
)
async def test_what_holds_anyway_is_no_change(key: str, entry: str | bool) -> None:
    draft = Draft(await page())
    draft.enter(key, entry)
    assert not draft.is_changed


async def test_a_saved_value_is_taken_out_by_clearing_it() -> None:
    draft = Draft(await page({"base_url": "https://a", "strict": False}))
    draft.enter("base_url", None)
    draft.enter("strict", None)
    assert draft.values() == {"base_url": None, "strict": None}


async def test_entering_the_saved_value_again_undoes_the_change() -> None:
    draft = Draft(await page({"base_url": "https://a"}))
    draft.enter("base_url", "https://b")
    draft.enter("base_url", "https://a")
    assert not draft.is_changed


@pytest.mark.parametrize(
    ("key", "entry", "words"),
    [
        ("base_url", "http://a", ("Base URL", "https")),
        ("minutes", "61", ("Minutes", "1 to 60")),
        ("minutes", "soon", ("Minutes", "1 to 60")),
    ],
)
async def test_a_wrong_entry_names_field_and_rule(
    key: str, entry: str, words: tuple[str, ...]
) -> None:
    draft = Draft(await page())
    draft.enter(key, entry)
    for word in words:
        assert word in draft.problems()[key]


async def test_a_field_appears_with_the_choice_it_belongs_to() -> None:
    draft = Draft(await page())
    team_id = draft.page.field("team_id")
    assert team_id is not None
    assert not draft.is_shown(team_id)
    draft.enter("scope", "team")
    assert draft.is_shown(team_id)


async def test_a_pasted_header_puts_the_browser_aside() -> None:
    draft = Draft(await page())
    browser = draft.page.field("browser")
    assert browser is not None
    assert draft.is_shown(browser)
    draft.enter("cookie_header", Typed("a=b"))
    assert not draft.is_shown(browser)
    assert not Draft(await page(stored={"cookie_header": "a=b"})).is_shown(browser)


async def test_an_empty_secret_is_no_change_and_none_is_taken_out() -> None:
    draft = Draft(await page(stored={"api_key": "old"}))
    draft.enter("api_key", Typed("new"))
    draft.enter("api_key", Typed("  \n"))
    assert not draft.is_changed


async def test_a_secret_goes_into_the_store_not_into_the_file() -> None:
    draft = Draft(await page())
    draft.enter("api_key", Typed(" 'sk-new-key' \n"))
    assert draft.values() == {}
    assert draft.secrets() == {"api_key": Secret("sk-new-key")}


def test_the_first_letters_of_a_key_stay_ordinary_words() -> None:
    typed = Typed("typedkeybegin")
    assert "typed" not in f"{typed!r}{typed}"
    assert Redactor()("Keys look like typedkeybegin.") == "Keys look like typedkeybegin."


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("sk-abc\n", "sk-abc"),
        ('"sk-abc"', "sk-abc"),
        ("Bearer sk-abc", "sk-abc"),
        ("Authorization: Bearer sk-abc", "sk-abc"),
        ("sk-abcdef\nghijkl\n", "sk-abcdefghijkl"),
        ("a=b; c=d", "a=b; c=d"),
        ("curl 'https://x' \\\n  -H 'Cookie: a=b'", "curl 'https://x' \\\n  -H 'Cookie: a=b'"),
        ('{\n  "refresh_token": "x"\n}', '{\n  "refresh_token": "x"\n}'),
    ],
)
def test_what_surrounds_a_pasted_secret_goes(pasted: str, kept: str) -> None:
    assert tidy_secret(pasted) == kept


async def test_entries_survive_when_the_page_is_loaded_anew() -> None:
    draft = Draft(await page())
    draft.enter("scope", "team")
    draft.enter("minutes", "7")
    assert draft.moved_to(await page({"scope": "team"})).values() == {"minutes": 7}


# -- the general page ------------------------------------------------------------------------------


def general(tmp_path: Path, text: str = "") -> Page:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return general_page(config.load(file), ["nord", "textual-dark"])


def test_global_settings_show_what_is_in_force(tmp_path: Path) -> None:
    found = general(tmp_path, "cadence = 15\nprivacy = true\n[costs]\nshow = true\n")
    draft = Draft(found)
    assert draft.in_force("cadence") == "15"
    assert draft.in_force("privacy") == "true"
    assert draft.in_force("costs.show") == "true"
    assert draft.in_force("theme") == "textual-dark"
    assert (origin(found, "cadence"), origin(found, "theme")) == ("config.toml", "default")


def test_global_numbers_are_written_as_numbers(tmp_path: Path) -> None:
    draft = Draft(general(tmp_path))
    draft.enter("cadence", "5")
    draft.enter("pace_work_days", "4")
    draft.enter("costs.show", True)
    assert draft.values() == {"cadence": 5, "pace_work_days": 4, "costs.show": True}


def test_every_offered_global_word_is_one_the_settings_file_accepts(tmp_path: Path) -> None:
    for field in general(tmp_path).fields:
        if isinstance(field.declared, ChoiceField):
            read = config.global_key(field.key)
            assert read is not None
            for word, _ in field.choices():
                stored = field.stored_as.get(word, word)
                assert word == "" or read.read(stored) is not None, (field.key, word)


def test_a_wrong_global_value_says_what_was_expected(tmp_path: Path) -> None:
    field = general(tmp_path, 'density = "huge"\n').field("density")
    assert field is not None
    assert "comfortable" in field.problem


# -- words -----------------------------------------------------------------------------------------


def error(kind: ErrorKind, message: str = "It failed.", hint: str = "Do this.") -> ErrorInfo:
    return ErrorInfo(kind=kind, message=message, hint=hint)


async def test_a_good_answer_counts_what_came() -> None:
    snapshot = ProviderSnapshot(
        key=ProviderKey("alpha"),
        source_id="api",
        fetched_at=NOON,
        windows=tuple(UsageWindow(id=name, label=name) for name in "abc"),
        identity=Identity(plan="Pro\x1b[31m"),
    )
    attempt = Attempt(source_id="api", outcome="success", elapsed_s=0.41)
    said = answer(await page(), snapshot, None, [attempt])
    assert (said.text, said.is_good) == ("Pro plan, 3 windows, 0.4 s", True)


async def test_a_rejected_key_is_told_at_the_key() -> None:
    said = answer(await page(), None, error(ErrorKind.UNAUTHORIZED), [], asked_from="region")
    assert (said.field, said.text) == ("api_key", "It failed. Do this.")


async def test_an_error_stands_at_the_field_it_names() -> None:
    wrong = error(ErrorKind.UNSUPPORTED, "ALPHA_URL: only https is allowed.")
    assert answer(await page(), None, wrong, [], asked_from="region").field == "base_url"


async def test_other_errors_stand_where_the_user_was() -> None:
    assert answer(await page(), None, error(ErrorKind.NETWORK), [], asked_from="region").field == (
        "region"
    )


def test_signs_follow_the_state() -> None:
    key = ProviderKey("alpha")
    needs = ProviderState(key=key, error=error(ErrorKind.MISSING_CREDENTIALS))
    broken = ProviderState(key=key, error=error(ErrorKind.NETWORK))
    found = [sign_of(state) for state in (None, ProviderState(key=key), needs, broken)]
    assert found == ["off", "on", "setup", "error"]


def test_the_state_says_what_was_found() -> None:
    assert state_line(None, "") == "Off: no login was found. Press ctrl+t to see what is missing."
    assert state_line(ProviderState(key=ProviderKey("a")), "key in X") == "On. Found: key in X."


def test_nobody_is_sent_to_where_they_are() -> None:
    missing = MissingCredentials("No key.").info()
    assert state_line(ProviderState(key=ProviderKey("a"), error=missing), "") == "No key."


def described(text: str, *domains: str) -> str:
    secret = Secret(text)
    return paste_text(read_paste(secret), domains or ("ampcode.com",), NOON, copied_host(secret))


def token(**claims: object) -> str:
    body = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{body}.sig"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a=1; b=2; c=3", "Found 3 cookies for ampcode.com."),
        ("Cookie: session=1", "Found 1 cookie for ampcode.com."),
        ("curl 'https://www.ampcode.com/x' -b 'a=1; b=2'", "Found 2 cookies for ampcode.com."),
        ("curl 'https://ampcode.com/x' -H 'Accept: */*'", "No cookies in it."),
        ("curl https://evil-ampcode.com/ -b 'a=1'", "went to evil-ampcode.com, not to"),
        ("Bearer abcdefghijk", "Found a bearer token."),
        ("abcdefghijk", "taken as the bare value"),
    ],
)
def test_a_paste_says_at_once_what_it_holds(text: str, says: str) -> None:
    assert says in described(text)


@pytest.mark.parametrize(
    ("ends_in", "says"),
    [
        (timedelta(days=12, hours=3), "1 cookie for ampcode.com, expires in 12 days."),
        (timedelta(hours=5), "expires in 5h."),
        (timedelta(days=-1), "expired."),
    ],
)
def test_a_token_in_a_cookie_tells_how_long_it_lives(ends_in: timedelta, says: str) -> None:
    ends = (NOON + ends_in).timestamp()
    assert says in described(f"auth={token(exp=ends)}")
