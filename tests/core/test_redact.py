"""Secrets do not print themselves, and what slipped through is replaced at the sink."""

from __future__ import annotations

import json
import logging
import pickle

import pytest

from tui.core.redact import HIDDEN, RedactingFormatter, Redactor, Secret, mask_account

VALUE = "totally-unremarkable-value-4711"


def test_a_secret_shows_dots_wherever_it_is_printed() -> None:
    secret = Secret(VALUE)
    assert {str(secret), repr(secret), f"{secret}", f"{secret!r}"} == {HIDDEN}
    assert VALUE not in repr({"key": [secret]})
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_value_that_once_was_a_secret_is_replaced_in_any_text() -> None:
    Secret(VALUE)
    assert VALUE not in Redactor()(f"GET /x?debug={VALUE} failed")


def test_secrets_compare_and_derive_without_showing() -> None:
    token = Secret("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSJ9.sig")
    assert token.within("kimi-auth={}") == Secret(f"kimi-auth={token.reveal()}")
    assert Secret("Cookie: kimi-auth=abc; x=1").search(r"kimi-auth=([^;]+)") == Secret("abc")
    assert Secret("sk-kimi-1").startswith("sk-kimi-")
    assert Secret("A=first; b=2; a=third").search_all(r"a=(\w+)") == (
        Secret("first"),
        Secret("third"),
    )
    assert Secret("a=1; SID=x").replaced(r"(;\s*)sid=", r"\1sid=") == Secret("a=1; sid=x")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcd1234efgh",
        "authorization=Basic dXNlcjpwYXNz",
        "cookie: session=abc; other=def",
        "Set-Cookie: a=b; Path=/",
        "key sk-or-v1-0123456789abcdef",
        "token sk-cp-abcdefghijk",
        "ghp_abcdefghijklmnop1234",
        "github_pat_11ABCDEFG0abcdefghij",
        "AIzaSyA-1234567890abcdef",
        "ya29.a0AfH6SMBx-abc",
        "xoxb-123456789-abcdef",
        "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "https://host/path?api_key=abcdef123&x=1",
        '{"access_token": "abcdef123456"}',
        "{'client_secret': 'abcdef123456'}",
        '{"private_key": "abcdef123456"}',
        '{"key": "abcdef123456"}',
        '{"token_value": "abcdef123456"}',
        "key sk-abcdef123",
        "Bearer c2ln",
        "Bearer x",
        "language_server --csrf_token 0f1e2d3c4b5a",
        "auth=Fe26.2**0123abcd*xyz",
    ],
)
def test_shapes_of_secrets_are_replaced(text: str) -> None:
    redacted = Redactor()(text)
    assert "redacted" in redacted
    for part in (
        "abcd1234efgh",
        "session=abc",
        "0123456789abcdef",
        "abcdef123",
        "0f1e2d3c",
        "c2ln",
    ):
        assert part not in redacted


@pytest.mark.parametrize(
    "text",
    [
        "zai: ok in 0.4 s (api)",
        "sk-or-v1-abc…xyz",
        "Resets in 2h 13m",
        "The pasted text contains no kimi-auth token.",
        "Set OPENROUTER_API_KEY or press s.",
        "bearer token is missing",
        "Copy the value that begins with sk-ant-.",
        '{"tokens": 123, "keys": null}',
    ],
)
def test_ordinary_sentences_stay_as_they_are(text: str) -> None:
    assert Redactor()(text) == text


def test_mail_addresses_and_ids_are_hidden_only_when_asked() -> None:
    text = "mia@example.org in 0b7cd9f0-1111-2222-3333-444455556666"
    assert Redactor(personal=False)(text) == text
    assert Redactor()(text) == "<redacted-email> in <redacted-id>"


def test_the_formatter_also_redacts_tracebacks() -> None:
    formatter = RedactingFormatter("%(message)s", Redactor())
    try:
        raise ValueError(f"Authorization: Bearer {VALUE}")
    except ValueError:
        record = logging.LogRecord("tui", logging.ERROR, "", 0, "failed", (), None)
        import sys

        record.exc_info = sys.exc_info()
    assert VALUE not in formatter.format(record)


@pytest.mark.parametrize(
    ("account", "masked"),
    [("mia@example.org", "redacted@example.org"), ("octo", HIDDEN), ("", "")],
)
def test_accounts_are_masked(account: str, masked: str) -> None:
    assert mask_account(account) == masked


def test_a_secret_may_hold_a_document() -> None:
    assert Secret('{"token": "t", "until": 7}').document() == {"token": "t", "until": 7}
    assert Secret("no document").document() is None
