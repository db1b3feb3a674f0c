"""Pasted texts: headers, commands, tokens, and what browsers put on the clipboard."""

from __future__ import annotations

import pytest

from tui.auth.paste import read_paste
from tui.auth.shell_words import shell_words
from tui.core.redact import Secret


def header_of(text: str) -> str | None:
    header = read_paste(Secret(text)).header
    return header.reveal() if header else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "curl 'https://x' -H 'Cookie: a=1; b=2' -H 'x: y'", "a=1; b=2", id="B19 cURL header"
        ),
        pytest.param('Cookie: "a=1"', "a=1", id="B19 quoted value"),
        pytest.param("-H 'Cookie: a=1'", "a=1", id="header option alone"),
        pytest.param('-h "cookie: a=1"', "a=1", id="any case, double quotes"),
        pytest.param("cookie: 'a=1; b=2' and more", "a=1; b=2", id="single-quoted value"),
        pytest.param('{"cookie": "a=1; b=2", "x": "y"}', "a=1; b=2", id="member of JSON"),
        pytest.param("Accept: */*\nCookie: a=1; b=2\nHost: x", "a=1; b=2", id="line of a request"),
        pytest.param("cookie\na=1; b=2\nhost\nx", "a=1; b=2", id="name and value on two lines"),
        pytest.param("curl x --cookie 'a=1; b=2'", "a=1; b=2", id="cookie option"),
        pytest.param('curl x -b "a=1; b=2"', "a=1; b=2", id="short cookie option"),
        pytest.param("curl x -ba=1", "a=1", id="option without a blank"),
        pytest.param("curl x -b a=1 y", "a=1", id="unquoted value"),
        pytest.param("curl x --cookie=a=1", "a=1", id="long option with equals"),
        pytest.param("--cookie a=1", "a=1", id="option without its command"),
        pytest.param("curl x --header 'Cookie: a=1'", "a=1", id="long header option"),
        pytest.param("curl x -H Cookie:a=b", "a=b", id="unquoted header"),
        pytest.param("curl x \\\n  -H $'Cookie: a=it\\'s\\u0021'", "a=it's!", id="bash quoting"),
        pytest.param('curl ^"x^" ^\r\n -H ^"Cookie: a=1^; b=2^"', "a=1; b=2", id="Windows prompt"),
        pytest.param("curl x -b jar.txt -H 'Cookie: a=1'", "a=1", id="cookie file is no cookie"),
        pytest.param("  a=1; b=2  ", "a=1; b=2", id="plain header"),
        pytest.param("'a=1; b=2'", "a=1; b=2", id="plain header in quotes"),
        pytest.param("a=1\nb=2", "a=1; b=2", id="one cookie per line"),
        pytest.param("auth=Fe26.2**abc*d==; x=%7B%22y%22%7D", None, id="values byte for byte"),
        pytest.param("a=1; ; =2; b", "a=1; ; =2; b", id="odd parts stay in the header"),
    ],
)
def test_the_cookie_header_is_found(text: str, expected: str | None) -> None:
    assert header_of(text) == (text if expected is None else expected)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "Cookie:", "eyJhbGciOi.eyJzdWIi.c2ln", "Authorization: Bearer abc==", "set-cookie"],
)
def test_a_text_without_a_pair_has_no_cookies(text: str) -> None:
    pasted = read_paste(Secret(text))
    assert pasted.header is None
    assert pasted.jar is None
    assert pasted.text == Secret(text)


def test_pairs_split_at_the_first_equals_sign() -> None:
    jar = read_paste(Secret("session=ab==; other=x=y; ; =z; na me=1")).jar
    assert jar is not None
    assert jar.names == {"session", "other"}
    assert jar.value("session") == Secret("ab==")


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("Authorization: Bearer abc.DEF_-~+/==", "abc.DEF_-~+/=="),
        ("curl x -H 'authorization: bearer   tok.en' -b 'a=1'", "tok.en"),
        ("a=1; b=2", None),
    ],
)
def test_a_bearer_token_is_found_beside_cookies(text: str, token: str | None) -> None:
    bearer = read_paste(Secret(text)).bearer
    assert (bearer.reveal() if bearer else None) == token


def test_a_pasted_jar_goes_to_the_hosts_of_its_provider_only() -> None:
    jar = read_paste(Secret("a=1"), hosts=("app.example.com", ".example.org")).jar
    assert jar is not None
    assert jar.header("https://app.example.com/x") == Secret("a=1")
    assert jar.header("https://deep.example.org/") == Secret("a=1")
    assert jar.header("https://example.com/") is None


def test_a_pasted_jar_keeps_the_order_of_its_cookies() -> None:
    jar = read_paste(Secret("z=1; a=2; m=3")).jar
    assert jar is not None
    assert jar.header("https://example.com/any/path") == Secret("z=1; a=2; m=3")


def test_nothing_pasted_shows_in_a_repr() -> None:
    pasted = read_paste(Secret("session=hunter2hunter2"))
    assert "hunter2" not in repr(pasted)


def test_shell_words_survive_unfinished_quotes_and_lone_dollars() -> None:
    assert shell_words("a 'b c' \"d \\\" e\" f\\ g $h $'i\\n' 'open end") == [
        "a",
        "b c",
        'd " e',
        "f g",
        "$h",
        "i\n",
        "open end",
    ]
